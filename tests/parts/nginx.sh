#!/bin/bash
# An nginx that says which of two places a request came to, and as what path.
source "$(dirname "$0")/part.sh"
need nginx nginx-light
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
    listen 127.0.0.1:$port;
    location = /public { return 200 "public \$uri"; }
    location /public/ { return 200 "public \$uri"; }
    location / { return 200 "other \$uri"; }
  }
}
END
start "$url/" nginx -e stderr -c "$run/nginx.conf"
ready "$url"
