"""canaille in memory, with its users and clients, on PORT of 127.0.0.1: what canaille.sh beside this file starts."""
import sys

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from canaille.oidc.provider import authorization
from cheroot.wsgi import Server
from joserfc.jwk import RSAKey

port = int(sys.argv[1])
app = create_app(
    {
        "SECRET_KEY": "x" * 50,
        "SERVER_NAME": f"127.0.0.1:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "WTF_CSRF_ENABLED": False,
        "CANAILLE": {"DATABASE": "memory"},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)]},
    }
)
lifetimes = {"brief": 2}
authorization._token_generators["default"].expires_generator = lambda client, grant: lifetimes.get(client.client_id, 600)

with app.app_context(), Backend.instance.session():
    def save(model, **fields):
        made = model(**fields)
        Backend.instance.save(made)
        return made

    user = save(models.User, user_name="alice", formatted_name="Alice A", given_name="Alice", family_name="A", emails=["alice@example.com"], password="alice-password")
    names = {"app": ["password", "refresh_token"], "brief": ["password"], "elsewhere": ["password"], "machine": ["client_credentials"], "gateway": ["client_credentials"]}
    clients = {
        name: save(
            models.Client, client_id=name, client_secret=f"{name}-secret", client_name=name, grant_types=grants,
            token_endpoint_auth_method="client_secret_basic", scope=["openid", "profile", "email"],
            redirect_uris=["http://127.0.0.1/cb"], response_types=["code"],
        )
        for name, grants in names.items()
    }
    for name, client in clients.items():
        # Who introspects must be in a token's audience, or is told that it is not active.
        client.audience = [clients["elsewhere" if name == "elsewhere" else "gateway"]]
        Backend.instance.save(client)

Server(("127.0.0.1", port), app).start()
