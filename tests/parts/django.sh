#!/bin/bash
# Django REST framework that trusts X-Remote-User and says whom it takes the caller for, on the server that SERVER names: wsgiref
# or cheroot. Both make HTTP_X_REMOTE_USER of more names than one.
source "$(dirname "$0")/part.sh"
venv django==5.2.19 djangorestframework==3.18.3 cheroot==11.1.2
cat >"$run/app.py" <<'END'
import sys, django
from django.conf import settings

server, port, database = sys.argv[1], int(sys.argv[2]), sys.argv[3]
settings.configure(
    SECRET_KEY="x" * 50, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, APPEND_SLASH=False,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"],
    AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.RemoteUserBackend"],
    REST_FRAMEWORK={"UNAUTHENTICATED_USER": None})
django.setup()

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import re_path
from rest_framework.authentication import RemoteUserAuthentication
from rest_framework.decorators import api_view, authentication_classes

class Trusting(RemoteUserAuthentication):
    header = "HTTP_X_REMOTE_USER"

@api_view(["GET"])
@authentication_classes([Trusting])
def who(request, path):
    return HttpResponse(request.user.username if request.user else "nobody", content_type="text/plain")

urlpatterns = [re_path("(.*)", who)]
call_command("migrate", verbosity=0)
application = get_wsgi_application()
if server == "wsgiref":
    from wsgiref.simple_server import make_server
    make_server("127.0.0.1", port, application).serve_forever()
else:
    from cheroot.wsgi import Server
    Server(("127.0.0.1", port), application).start()
END
start "$url/" "$venv/bin/python" "$run/app.py" "${SERVER:?}" "$port" "$run/database"
ready "$url"
