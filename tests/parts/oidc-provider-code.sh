#!/bin/bash
# The code flow of alice through oidc-provider's own pages, with curl alone; prints the token answer.
#   oidc-provider-code.sh URL CLIENT [RESOURCE]
set -euo pipefail
url=$1 client=$2 resource=${3:-}
cookies=$(mktemp)
trap 'rm -f "$cookies"' EXIT
next() { # next ARGUMENT... URL: where it sends us
  curl -s -b "$cookies" -c "$cookies" -o /dev/null -w '%{redirect_url}' "$@"
}
back=http://127.0.0.1:9402/cb
at=$(next -G "$url/auth" -d client_id="$client" -d response_type=code --data-urlencode redirect_uri=$back \
  --data-urlencode 'scope=openid profile email api' -d state=s1 -d nonce=n1 ${resource:+-d resource="$resource"})
at=$(next -d 'prompt=login&login=u1&password=x' "$at")
at=$(next "$at")
at=$(next -d 'prompt=consent' "$at")
at=$(next "$at")
code=$(sed -n 's/.*[?&]code=\([^&]*\).*/\1/p' <<<"$at")
curl -s -u "$client:$client-secret" -d grant_type=authorization_code -d code="$code" --data-urlencode redirect_uri=$back "$url/token"
