"""Makes, checks and reads one-time codes with pyotp. Reads a JSON object, writes one."""

import hashlib
import json
import sys

import pyotp

given = json.load(sys.stdin)
if given["do"] == "read":
    totp = pyotp.parse_uri(given["url"])
    shown = {"secret": totp.secret, "name": totp.name, "issuer": totp.issuer, "digits": totp.digits}
    json.dump({**shown, "interval": totp.interval, "algorithm": totp.digest().name}, sys.stdout)
else:
    totp = pyotp.TOTP(
        given["secret"],
        digits=given["digits"],
        digest=getattr(hashlib, given["algorithm"].lower()),
        interval=given["interval"],
    )
    codes = [totp.at(moment) for moment in given["moments"]]
    verified = [totp.verify(code, for_time=moment) for code, moment in zip(given["codes"], given["moments"])]
    json.dump({"codes": codes, "verified": verified}, sys.stdout)
