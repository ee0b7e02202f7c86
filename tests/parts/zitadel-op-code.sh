#!/bin/bash
# The code flow of alice through the login page of zitadel-op.sh, with curl alone; prints the token answer.
#   zitadel-op-code.sh URL CLIENT
set -euo pipefail
url=$1 client=$2
cookies=$(mktemp)
trap 'rm -f "$cookies"' EXIT
next() { # next ARGUMENT... URL: where it sends us
  curl -s -b "$cookies" -c "$cookies" -o /dev/null -w '%{redirect_url}' "$@"
}
back=http://127.0.0.1:9402/cb
at=$(next -G "$url/auth" -d client_id="$client" -d response_type=code --data-urlencode redirect_uri=$back \
  --data-urlencode 'scope=openid profile email offline_access' -d state=s1 -d nonce=n1)
at=$(next -d username=alice -d password=alice-password -d id="${at##*authRequestID=}" "$url/login/username")
at=$(next "$at")
code=$(sed -n 's/.*[?&]code=\([^&]*\).*/\1/p' <<<"$at")
curl -s -u "$client:$client-secret" -d grant_type=authorization_code -d code="$code" --data-urlencode redirect_uri=$back "$url/oauth/token"
