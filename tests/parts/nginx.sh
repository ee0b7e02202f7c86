#!/usr/bin/env bash
# An nginx that says which of two places a request came to, and as what path. PORT: where it listens.
set -euo pipefail
command -v nginx >/dev/null || { echo "nginx.sh: nginx is missing; try: apt-get install nginx-light" >&2; exit 1; }
run=$(mktemp -d) server=
cleanup() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" || true; fi
  rm -rf "$run"
}
trap cleanup EXIT
trap 'exit 143' TERM INT
cat >"$run/nginx.conf" <<END
daemon off;
worker_processes 1;
pid $run/pid;
error_log $run/error.log;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path $run/body; proxy_temp_path $run/proxy; fastcgi_temp_path $run/fastcgi;
  uwsgi_temp_path $run/uwsgi; scgi_temp_path $run/scgi;
  large_client_header_buffers 4 64k;
  server {
    listen 127.0.0.1:$PORT;
    location = /public { return 200 "public \$uri"; }
    location /public/ { return 200 "public \$uri"; }
    location / { return 200 "other \$uri"; }
  }
}
END
setpriv --pdeathsig TERM nginx -e "$run/error.log" -c "$run/nginx.conf" &
server=$!
until curl -s -o /dev/null -m 5 "http://127.0.0.1:$PORT/"; do
  kill -0 "$server" 2>/dev/null || { server=; cat "$run/error.log" >&2; echo "nginx.sh: nginx did not start" >&2; exit 1; }
  sleep 0.1
done
echo "READY http://127.0.0.1:$PORT"
wait "$server"
