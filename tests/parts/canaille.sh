#!/bin/bash
# canaille (canaille-server.py beside this file). User alice / alice-password; clients app, brief (2 s) and elsewhere (for another
# audience than gateway) by the password grant, machine by its own, gateway to introspect (secret: name + `-secret`).
source "$(dirname "$0")/part.sh"
venv 'canaille[front,oidc,server,sqlite]==0.3.6' cheroot==11.1.2
start "$url/.well-known/openid-configuration" "$venv/bin/python" "$here/canaille-server.py" "$port"
ready "$url"
