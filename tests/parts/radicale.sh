#!/bin/bash
# A real radicale (CalDAV) on 127.0.0.1:$PORT that trusts X-Remote-User and lets everybody read only what is theirs.
# Runs until TERM; prints "READY http://127.0.0.1:PORT". Each run starts with empty storage.
#
#   PORT=N   where to listen (default 9420)
#   W=DIR    work folder, kept between runs (default: the cache). The first run installs radicale there through pip.
set -euo pipefail
version=3.9.0 port=${PORT:-9420}
work=${W:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis/radicale}
for tool in python3 curl; do
  command -v "$tool" >/dev/null || { echo "radicale.sh: $tool is missing; try: apt-get install python3 python3-venv curl" >&2; exit 1; }
done
mkdir -p "$work"
exec 9>"$work/lock"
flock 9
venv=$work/venv-$version
if [ ! -e "$venv/done" ]; then
  echo "radicale.sh: installing radicale $version (once)" >&2
  rm -rf "$venv"
  python3 -m venv "$venv" || { echo "radicale.sh: cannot make a venv; try: apt-get install python3-venv" >&2; exit 1; }
  "$venv/bin/pip" install --quiet --disable-pip-version-check "radicale==$version" >&2
  touch "$venv/done"
fi
exec 9>&-

run=$(mktemp -d) server=
cleanup() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" || true; fi
  rm -rf "$run"
}
trap cleanup EXIT
trap 'exit 143' TERM INT
cat >"$run/config" <<END
[server]
hosts = 127.0.0.1:$port
[auth]
type = http_x_remote_user
[rights]
type = owner_only
[storage]
filesystem_folder = $run/data
END
if (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; then echo "radicale.sh: port $port is taken" >&2; exit 1; fi
setpriv --pdeathsig TERM "$venv/bin/python" -m radicale --config "$run/config" >"$run/log" 2>&1 &
server=$!
until curl -s -o /dev/null -m 5 "http://127.0.0.1:$port/"; do
  kill -0 "$server" 2>/dev/null || { server=; cat "$run/log" >&2; echo "radicale.sh: radicale did not start" >&2; exit 1; }
  sleep 0.1
done
echo "READY http://127.0.0.1:$port"
wait "$server"
