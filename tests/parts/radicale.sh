#!/bin/bash
# A real radicale (CalDAV) that trusts X-Remote-User and lets everybody read only what is theirs. Each run starts with empty
# storage.
source "$(dirname "$0")/part.sh"
venv radicale==3.9.0
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
start "$url/" "$venv/bin/python" -m radicale --config "$run/config"
ready "$url"
