# The server of django-oauth-toolkit.sh: a fresh database, four clients, one user.
import sys

import django
from cheroot.wsgi import Server
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

port, database = int(sys.argv[1]), sys.argv[2]
key = rsa.generate_private_key(65537, 2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
settings.configure(
    SECRET_KEY="x" * 50, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, USE_TZ=True, MIDDLEWARE=[],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True, "OIDC_RSA_PRIVATE_KEY": key.decode(), "OAUTH2_VALIDATOR_CLASS": f"{__name__}.Validator",
        "SCOPES": {"openid": "who", "profile": "name", "introspection": "ask", "api": "call"}, "PKCE_REQUIRED": False})
django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path
from oauth2_provider.models import Application
from oauth2_provider.oauth2_validators import OAuth2Validator


class Validator(OAuth2Validator):
    oidc_claim_scope = None

    def get_additional_claims(self, request):
        return {"preferred_username": request.user.username, "email": request.user.email}

    # The tokens of `brief` live 2 s.
    def save_bearer_token(self, token, request, *arguments, **more):
        if request.client.client_id == "brief":
            token["expires_in"] = request.expires_in = 2
        return super().save_bearer_token(token, request, *arguments, **more)


urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]
call_command("migrate", verbosity=0)
alice = User.objects.create_user("alice", "alice@example.org", "alice-password")
for name, grant in [("app", "password"), ("brief", "password"), ("machine", "client-credentials"), ("gateway", "client-credentials")]:
    Application.objects.create(
        name=name, client_id=name, client_secret=name + "-secret", client_type="confidential",
        authorization_grant_type=grant, algorithm="RS256", user=None)
Server(("127.0.0.1", port), get_wsgi_application()).start()
