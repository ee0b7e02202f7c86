#!/bin/bash
# Zitadel's OpenID Provider library (Go) with the storage of its example (zitadel-op/main.go). User alice / alice-password; clients
# app (code flow; the one that may introspect its tokens) and other (secret: name + `-secret`), service sid1 / verysecret.
#
# The first run builds it through Go's module proxy (20 to 60 s).
source "$(dirname "$0")/part.sh"
need go golang-go
work=$kept/zitadel-op-$(cat "$here"/zitadel-op/* | sha1sum | cut -c1-12)
mkdir -p "$work"
exec 9>"$work/lock"
flock 9
if [ ! -x "$work/op" ]; then
  echo "$script: building it (once)" >&2
  (cd "$here/zitadel-op" && GOFLAGS=-modcacherw go build -o "$work/op.new" .) >&2
  mv "$work/op.new" "$work/op"
fi
exec 9>&-
start "$url/.well-known/openid-configuration" "$work/op" "127.0.0.1:$port"
ready "$url"
