"""requests-oauthlib as a client of the provider: every grant it knows. Reads a JSON object, writes one."""

import json
import sys

import requests
from oauthlib.oauth2 import BackendApplicationClient, DeviceClient, OAuth2Error
from person import Person
from requests_oauthlib import OAuth2Session

given = json.load(sys.stdin)
web, native, machine, device = (given[name] for name in ["web", "native", "machine", "device"])
metadata = requests.get(f"{given['issuer']}/.well-known/oauth-authorization-server").json()


def refused(call):
    try:
        call()
    except OAuth2Error as error:
        return error.error
    raise AssertionError("it was not refused")


person = Person(given)
done = {}
for name, application in [("web", web), ("native", native)]:
    session = OAuth2Session(
        application["id"],
        redirect_uri=application["redirect_uri"],
        scope=["openid", "profile", "email"],
        pkce="S256",
    )
    url, _ = session.authorization_url(metadata["authorization_endpoint"])
    proof = {"client_secret": application["secret"]} if "secret" in application else {"include_client_id": True}
    token = session.fetch_token(
        metadata["token_endpoint"],
        authorization_response=person.visit(url),
        **proof,
    )
    told = session.get(metadata["userinfo_endpoint"]).json()
    known = (application["id"], application["secret"]) if "secret" in application else None
    more = {} if known else {"client_id": application["id"]}
    renewed = session.refresh_token(metadata["token_endpoint"], token["refresh_token"], auth=known, **more)
    assert renewed["refresh_token"] != token["refresh_token"]
    assert session.get(metadata["userinfo_endpoint"]).json() == told
    url, headers, body = session._client.prepare_token_revocation_request(
        metadata["revocation_endpoint"], renewed["refresh_token"], token_type_hint="refresh_token", **more
    )
    requests.post(url, headers=headers, data=body, auth=known).raise_for_status()
    assert session.get(metadata["userinfo_endpoint"]).status_code == 401
    again = lambda: session.refresh_token(metadata["token_endpoint"], renewed["refresh_token"], auth=known, **more)
    assert refused(again) == "invalid_grant"
    done[name] = told

session = OAuth2Session(client=BackendApplicationClient(machine["id"]))
token = session.fetch_token(metadata["token_endpoint"], client_secret=machine["secret"])
assert "refresh_token" not in token
assert session.get(metadata["userinfo_endpoint"]).status_code in (401, 403)
done["machine"] = token["token_type"]

session = OAuth2Session(client=DeviceClient(device["id"]), scope=["openid"])
begun = requests.post(
    metadata["device_authorization_endpoint"], data={"client_id": device["id"], "scope": "openid"}
).json()
fetch = lambda: session.fetch_token(
    metadata["token_endpoint"], device_code=begun["device_code"], include_client_id=True
)
assert refused(fetch) == "authorization_pending"
person.visit(begun["verification_uri"], typed={"user_code": begun["user_code"]})
person.browser.post(given["wait"]).raise_for_status()
fetch()
done["device"] = session.get(metadata["userinfo_endpoint"]).json()["sub"]
json.dump(done, sys.stdout)
