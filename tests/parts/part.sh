# What the scripts beside this one share: tools, a folder of its own, a server that ends when the script does. To be sourced.
#
# What serves prints "READY <base URL>" once its server answers, and runs until TERM. PORT says where on 127.0.0.1.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
script=$(basename "$0") port=${PORT:-} url=http://127.0.0.1:${PORT:-}
kept=${XDG_CACHE_HOME:-$HOME/.cache}/portcullis
run=$(mktemp -d) server=

fail() { # fail WORDS...
  echo "$script: $*" >&2
  exit 1
}

need() { # need TOOL PACKAGE...: what cannot be done without
  command -v "$1" >/dev/null || fail "$1 is missing; try: apt-get install ${*:2}"
}

end() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" || true; fi
  server=
}

trap 'end; rm -rf "$run"' EXIT
trap 'exit 143' TERM INT

start() { # start URL COMMAND...: returns when the URL answers; until then nobody listens
  need curl curl
  need setpriv util-linux
  [ -n "$port" ] || fail "PORT is not set"
  if (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; then fail "port $port is taken"; fi
  # pdeathsig: no orphan when this script is killed with -9
  setpriv --pdeathsig TERM "${@:2}" >"$run/log" 2>&1 &
  server=$!
  until curl -sf -o /dev/null -m 5 "$1"; do
    kill -0 "$server" 2>/dev/null || { server=; cat "$run/log" >&2; fail "its server did not start"; }
    sleep 0.1
  done
}

ready() { # ready URL: the last thing that a script does
  echo "READY $1"
  wait "$server"
}

venv() { # venv PACKAGE==VERSION...: installs them, once, into $venv
  need python3 python3 python3-venv
  venv=$kept/venv-$(echo "$*" | tr -c 'a-z0-9.\n' _)
  mkdir -p "$kept"
  exec 9>"$venv.lock"
  flock 9
  if [ ! -e "$venv/done" ]; then
    echo "$script: installing $* (once)" >&2
    rm -rf "$venv"
    python3 -m venv "$venv" || fail "cannot make a venv; try: apt-get install python3-venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$@" >&2
    touch "$venv/done"
  fi
  exec 9>&-
}
