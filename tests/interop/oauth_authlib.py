"""Authlib as a client of the provider: every grant, and OpenID Connect. Reads a JSON object, writes one."""

import json
import sys
from types import SimpleNamespace

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.base_client.sync_app import BaseApp, OAuth2Mixin
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from person import Person

given = json.load(sys.stdin)
web, native, machine, device = (given[name] for name in ["web", "native", "machine", "device"])


class Client(OAuth2Mixin, OpenIDMixin, BaseApp):
    """What Authlib's integrations of frameworks are made of, without a framework."""

    client_cls = OAuth2Session


def client_of(application, scope):
    return Client(
        SimpleNamespace(update_token=lambda *_, **__: None),
        client_id=application["id"],
        client_secret=application.get("secret"),
        server_metadata_url=f"{given['issuer']}/.well-known/openid-configuration",
        client_kwargs={"scope": scope, "code_challenge_method": "S256"},
    )


def refused(call):
    try:
        call()
    except OAuthError as error:
        return error.error
    raise AssertionError("it was not refused")


def log_in(client, application):
    """Authorization code with PKCE."""
    begun = client.create_authorization_url(application["redirect_uri"])
    back = person.visit(begun["url"])
    metadata = client.load_server_metadata()
    with client._get_oauth_client(**metadata) as session:
        session.redirect_uri = application["redirect_uri"]
        token = session.fetch_token(
            metadata["token_endpoint"],
            authorization_response=back,
            state=begun["state"],
            code_verifier=begun["code_verifier"],
        )
    claims = client.parse_id_token(token, begun["nonce"])
    assert claims["nonce"] == begun["nonce"] and claims["aud"] == application["id"]
    told = client.userinfo(token=token)
    assert told["sub"] == claims["sub"]
    return token, claims, told


person = Person(given)
done = {}
for name, application in [("web", web), ("native", native)]:
    client = client_of(application, "openid profile email")
    token, claims, told = log_in(client, application)
    metadata = client.load_server_metadata()
    with client._get_oauth_client(**metadata) as session:
        session.token = token
        renewed = session.refresh_token(metadata["token_endpoint"])
        assert renewed["refresh_token"] != token["refresh_token"]
        assert client.userinfo(token=renewed)["sub"] == claims["sub"]
        # A second use ends all that came of the login.
        reuse = OAuth2Session(application["id"], application.get("secret"), token=token)
        assert refused(lambda: reuse.refresh_token(metadata["token_endpoint"], token["refresh_token"])) == "invalid_grant"
        assert refused(lambda: session.refresh_token(metadata["token_endpoint"])) == "invalid_grant"
    done[name] = {"sub": claims["sub"], "userinfo": told, "amr": claims["amr"]}

# After a change of keys, with what was fetched before: Authlib fetches them again.
client = client_of(web, "openid")
token, claims, _ = log_in(client, web)
key = client.fetch_jwk_set()["keys"][0]["kid"]
person.browser.post(given["rotate"]).raise_for_status()
token, claims, _ = log_in(client, web)
assert client.fetch_jwk_set()["keys"][0]["kid"] != key
done["rotated"] = claims["sub"]

# Introspection and revocation.
metadata = client.load_server_metadata()
with client._get_oauth_client(**metadata) as session:
    session.token = token
    said = session.introspect_token(metadata["introspection_endpoint"], token["access_token"]).json()
    assert said["active"] is True and said["sub"] == claims["sub"] and said["client_id"] == web["id"], said
    session.revoke_token(metadata["revocation_endpoint"], token["refresh_token"]).raise_for_status()
    said = session.introspect_token(metadata["introspection_endpoint"], token["access_token"]).json()
    assert said == {"active": False}, said

# Client credentials.
with OAuth2Session(machine["id"], machine["secret"]) as session:
    token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    said = session.introspect_token(metadata["introspection_endpoint"], token["access_token"]).json()
    assert said["active"] is True and said["sub"] == machine["id"], said
    assert session.get(metadata["userinfo_endpoint"]).status_code in (401, 403)
    done["machine"] = said["sub"]

# Device.
grant = "urn:ietf:params:oauth:grant-type:device_code"
with OAuth2Session(device["id"], token_endpoint_auth_method="none", scope="openid") as session:
    begun = session.post(
        metadata["device_authorization_endpoint"],
        data={"client_id": device["id"], "scope": "openid"},
        withhold_token=True,
    ).json()
    wanted = {"grant_type": grant, "device_code": begun["device_code"]}
    assert refused(lambda: session.fetch_token(metadata["token_endpoint"], **wanted)) == "authorization_pending"
    person.visit(begun["verification_uri"], typed={"user_code": begun["user_code"]})
    person.browser.post(given["wait"]).raise_for_status()
    token = session.fetch_token(metadata["token_endpoint"], **wanted)
    done["device"] = session.get(metadata["userinfo_endpoint"]).json()["sub"]

# A logout for the client.
logout = client.create_logout_url(web["post_logout_redirect_uri"], id_token_hint=None, client_id=web["id"], state="bye")
done["logout"] = person.visit(logout["url"])
json.dump(done, sys.stdout)
