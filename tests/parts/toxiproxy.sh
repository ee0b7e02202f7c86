#!/usr/bin/env bash
# A toxiproxy, which spoils connections as it is told over HTTP at 127.0.0.1:$PORT; it proxies nothing before it is told so.
# Runs until TERM; prints "READY http://127.0.0.1:PORT".
#
#   W=DIR    work folder, kept between runs (default: the cache). The first run builds toxiproxy there through Go's module proxy.
set -euo pipefail
# A version that Go 1.17 builds, so that a distribution's Go does.
version=2.5.0
work=${W:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis/toxiproxy}
for tool in go curl; do
  command -v "$tool" >/dev/null || { echo "toxiproxy.sh: $tool is missing; try: apt-get install golang-go curl" >&2; exit 1; }
done
mkdir -p "$work"
exec 9>"$work/lock"
flock 9
bin=$work/bin-$version
if [ ! -x "$bin/server" ]; then
  echo "toxiproxy.sh: building toxiproxy $version (once)" >&2
  GOBIN=$bin GOFLAGS=-modcacherw go install "github.com/Shopify/toxiproxy/v2/cmd/server@v$version" >&2
fi
exec 9>&-

run=$(mktemp -d) server=
cleanup() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" || true; fi
  rm -rf "$run"
}
trap cleanup EXIT
trap 'exit 143' TERM INT
setpriv --pdeathsig TERM "$bin/server" -host 127.0.0.1 -port "$PORT" >"$run/log" 2>&1 &
server=$!
until curl -s -o /dev/null -m 5 "http://127.0.0.1:$PORT/version"; do
  kill -0 "$server" 2>/dev/null || { server=; cat "$run/log" >&2; echo "toxiproxy.sh: it did not start" >&2; exit 1; }
  sleep 0.1
done
echo "READY http://127.0.0.1:$PORT"
wait "$server"
