#!/bin/bash
# Debian's glewlwyd, whose access tokens are JWTs (`at+jwt`). User alice / alice-password, clients app, other and gateway (secret:
# name + `-secret`); a second issuer, `brief`, whose tokens live 2 s.
source "$(dirname "$0")/part.sh"
need glewlwyd glewlwyd
need sqlite3 sqlite3
need openssl openssl
need python3 python3
modules=$(dirname "$(dirname "$(dpkg -L glewlwyd glewlwyd-common | grep -m1 'libusermoddatabase\.so')")")
cd "$run"
zcat "$(dpkg -L glewlwyd glewlwyd-common | grep -m1 'database/init\.sqlite3\.sql\.gz')" | sqlite3 database
openssl genrsa -out key.pem 2048 2>/dev/null
openssl rsa -in key.pem -pubout -out public.pem 2>/dev/null
cat >configuration <<END_OF_FILE
port=$port
bind_address="127.0.0.1"
external_url="$url"
login_url="login.html"
api_prefix="api"
log_mode="console"
log_level="WARNING"
cookie_secure=0
session_expiration=2419200
session_key="GLEWLWYD2_SESSION_ID"
admin_session_authentication="cookie"
profile_session_authentication="cookie"
login_api_enabled=true
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="$modules/user"
client_module_path="$modules/client"
user_auth_scheme_module_path="$modules/scheme"
plugin_module_path="$modules/plugin"
hash_algorithm="SHA512"
database={ type = "sqlite3"; path = "$run/database"; };
END_OF_FILE
start "$url/config" glewlwyd --config-file="$run/configuration"
python3 - "$url" <<'END_OF_FILE'
import http.cookiejar, json, sys, urllib.request

url = sys.argv[1]
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

def post(path, value):
    headers = {"Content-Type": "application/json"}
    opener.open(urllib.request.Request(url + "/api" + path, json.dumps(value).encode(), headers, method="POST")).read()

post("/auth/", {"username": "admin", "password": "password"})
post("/user/?source=database", {
    "username": "alice", "password": "alice-password", "name": "Alice A", "email": "alice@example.org",
    "scope": ["openid", "g_profile"], "enabled": True})
for client in ["app", "other", "gateway"]:
    post("/client/?source=database", {
        "client_id": client, "name": client, "confidential": True, "password": client + "-secret", "enabled": True,
        "authorization_type": ["password", "client_credentials", "refresh_token"], "scope": ["openid"],
        "redirect_uri": ["http://127.0.0.1:9402/cb"],
        "token_endpoint_auth_method": ["client_secret_basic", "client_secret_post"]})
username = {"name": "preferred_username", "user-property": "username", "type": "string", "mandatory": True, "on-demand": False, "scope": []}
for name, lifetime_s in [("oidc", 3600), ("brief", 2)]:
    post("/mod/plugin/", {"module": "oidc", "name": name, "display_name": name, "enabled": True, "parameters": {
        "iss": f"{url}/api/{name}", "jwt-type": "rsa", "jwt-key-size": "256",
        "key": open("key.pem").read(), "cert": open("public.pem").read(),
        "access-token-duration": lifetime_s, "refresh-token-duration": 1209600, "code-duration": 600, "refresh-token-rolling": False,
        "allow-non-oidc": True, "auth-type-code-enabled": True, "auth-type-token-enabled": True, "auth-type-id-token-enabled": True,
        "auth-type-none-enabled": False, "auth-type-password-enabled": True, "auth-type-client-enabled": True,
        "auth-type-refresh-enabled": True, "auth-type-device-enabled": False, "subject-type": "public",
        "name-claim": "on-demand", "name-claim-scope": [], "email-claim": "mandatory", "email-claim-scope": [], "scope-claim": "no",
        "address-claim": {"type": "no"}, "scope": [], "claims": [username],
        "additional-parameters": [{"user-parameter": "username", "token-parameter": "preferred_username", "token-changed": True}],
        "jwks-show": True, "jwks-x5c": [], "introspection-revocation-allowed": True, "introspection-revocation-auth-scope": [],
        "introspection-revocation-allow-target-client": True, "allowed-scope": ["openid"], "request-parameter-allow": False,
        "resource-allowed": True, "resource-scope": {"openid": ["urn:gateway", "urn:other"]}, "resource-client-property": "", "resource-change-allowed": False,
        "pkce-allowed": False, "register-client-allowed": False, "session-management-allowed": False}})
END_OF_FILE
ready "$url"
