"""Signs or verifies one token with PyJWT. Reads a JSON object, writes one."""

import json
import sys

import jwt

given = json.load(sys.stdin)
if given["do"] == "sign":
    token = jwt.encode(given["claims"], given["key"], algorithm=given["alg"], headers=given["header"])
    json.dump({"token": token}, sys.stdout)
else:
    key = given["key"]
    if "jwks" in given:
        key = jwt.PyJWKSet.from_dict(given["jwks"])[jwt.get_unverified_header(given["token"])["kid"]].key
    claims = jwt.decode(
        given["token"],
        key,
        algorithms=[given["alg"]],
        issuer=given["iss"],
        audience=given["aud"],
        options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
    )
    json.dump({"claims": claims, "header": jwt.get_unverified_header(given["token"])}, sys.stdout)
