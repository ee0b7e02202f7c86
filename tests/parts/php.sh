#!/bin/bash
# PHP's own HTTP server, and a page that trusts X-Remote-User and says whom it takes the caller for.
source "$(dirname "$0")/part.sh"
need php php-cli
echo '<?php header("Content-Type: text/plain"); echo $_SERVER["HTTP_X_REMOTE_USER"] ?? "nobody";' >"$run/index.php"
start "$url/" php -S "127.0.0.1:$port" -t "$run" "$run/index.php"
ready "$url"
