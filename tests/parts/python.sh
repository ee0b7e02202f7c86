#!/bin/bash
# Python's own HTTP server, which says which of two places a request came to as its file handler reads the path.
source "$(dirname "$0")/part.sh"
need python3 python3
cat >"$run/server.py" <<'END'
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
start "$url/" python3 "$run/server.py" "$port"
ready "$url"
