#!/bin/bash
# Django OAuth Toolkit (django-oauth-toolkit.py beside this file). User alice / alice-password; clients app and brief (2 s) by the
# password grant, machine by its own, gateway to introspect (secret: name + `-secret`).
source "$(dirname "$0")/part.sh"
venv django==5.2.19 django-oauth-toolkit==3.4.1 cheroot==11.1.2
start "$url/o/.well-known/openid-configuration" "$venv/bin/python" "$here/django-oauth-toolkit.py" "$port" "$run/database"
ready "$url"
