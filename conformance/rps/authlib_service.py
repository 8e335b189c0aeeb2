"""A Flask service that logs people in with Authlib. It speaks with the test as stage.mjs does: lines of JSON."""

import json
import sys
import time

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.flask_client import OAuth
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from flask import Flask, jsonify, session, url_for

settings = json.loads(sys.stdin.readline())
registration = settings["registration"]
base = registration["client_uri"]


class ShortAssertion(PrivateKeyJWT):
    """Authlib's own assertion is good for an hour, and Porten takes two minutes. `claims` is filled in anew for
    each one: Authlib writes `jti` into the dictionary that it is given, and an assertion is good once."""

    def sign(self, auth, token_endpoint):
        self.claims = {"exp": int(time.time()) + 60}
        return super().sign(auth, token_endpoint)


def assertions(kind):
    """None for a secret; else how the service speaks for itself with its key."""
    match kind:
        case "none":
            return []
        case "an hour":
            return [PrivateKeyJWT()]
        case "short":
            return [ShortAssertion()]
        case "short, to the issuer":
            # What Authlib calls the token endpoint is what it writes as `aud`.
            return [ShortAssertion(settings["issuer"])]


app = Flask(__name__)
app.secret_key = "a key for the cookies of this service"
oauth = OAuth(app)
oauth.register(
    "porten",
    client_id=registration["client_id"],
    client_secret=registration.get("client_secret") or settings["pem"],
    server_metadata_url=f"{settings['issuer']}/.well-known/openid-configuration",
    client_auth_methods=assertions(settings["assertion"]),
    client_kwargs={
        "scope": "openid profile",
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": registration["token_endpoint_auth_method"],
    },
)


@app.route("/login")
def login():
    return oauth.porten.authorize_redirect(url_for("callback", _external=True))


@app.route("/cb")
def callback():
    try:
        token = oauth.porten.authorize_access_token()
    except OAuthError as refused:
        return jsonify(refused=refused.error, why=refused.description)
    session["id_token"] = token["id_token"]
    return jsonify(claims=token["userinfo"], userinfo=oauth.porten.userinfo(token=token))


@app.route("/logout")
def logout():
    return oauth.porten.logout_redirect(url_for("bye", _external=True), id_token_hint=session.pop("id_token"))


@app.route("/bye")
def bye():
    return jsonify(oauth.porten.validate_logout_response())


# The citizen's browser at this service; the test's visitor is the same person at Porten.
browser = app.test_client()


def visit(address):
    """Goes to an address of this service."""
    answer = browser.get(address, base_url=base)
    assert answer.status_code < 400, f"{address}: {answer.status}"
    return answer


def sent(address):
    """Goes to an address of this service, and from there to Porten and back again."""
    print(json.dumps({"go": visit(address).location}), flush=True)
    return visit(json.loads(sys.stdin.readline())["url"].removeprefix(base)).json


known = [sent("/login") for _ in range(settings["logins"])]
if "claims" in known[-1]:
    assert sent("/logout") == {"post_logout_redirect_uri": f"{base}/bye"}
print(json.dumps({"done": known}), flush=True)
