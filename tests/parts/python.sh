#!/usr/bin/env bash
# Python's own HTTP server, which says which of two places a request came to as its file handler reads the path. PORT: where.
set -euo pipefail
server=
cleanup() { if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" || true; fi; }
trap cleanup EXIT
trap 'exit 143' TERM INT
setpriv --pdeathsig TERM python3 - "$PORT" <<'END' &
import http.server, os, sys

class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        # What it would open: unquoted, normalised, below its folder.
        path = "/" + os.path.relpath(self.translate_path(self.path), "/srv").removeprefix(".")
        place = "public" if path == "/public" or path.startswith("/public/") else "other"
        body = f"{place} {path}".encode("utf-8", "surrogateescape")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

def make(*args):
    return Handler(*args, directory="/srv")

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), make).serve_forever()
END
server=$!
until curl -s -o /dev/null -m 5 "http://127.0.0.1:$PORT/"; do
  kill -0 "$server" 2>/dev/null || { server=; echo "python.sh: it did not start" >&2; exit 1; }
  sleep 0.1
done
echo "READY http://127.0.0.1:$PORT"
wait "$server"
