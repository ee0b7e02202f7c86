#!/bin/bash
# A real oidc-provider (npm), which issues and judges opaque tokens and JWTs as oidc-provider.mjs beside this file says.
# User alice, whatever the password. The first run installs it (5 s).
source "$(dirname "$0")/part.sh"
need node nodejs
need npm npm
version=9.13.3 work=$kept/oidc-provider-9.13.3
mkdir -p "$work"
exec 9>"$work/lock"
flock 9
if [ ! -e "$work/done" ]; then
  echo "$script: installing oidc-provider $version (once)" >&2
  npm install --silent --no-fund --no-audit --prefix "$work" "oidc-provider@$version" >&2
  touch "$work/done"
fi
exec 9>&-
ln -s "$work/node_modules" "$run/node_modules"
cp "$here/oidc-provider.mjs" "$run"
start "$url/.well-known/openid-configuration" node "$run/oidc-provider.mjs" "$port"
ready "$url"
