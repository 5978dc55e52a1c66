"""A mail server on a free port, whose number it prints; then it prints each mail that it takes, as Python reads
it, as a line of JSON.

`smtpd.py plain|starttls|tls [certificate key]`. With TLS it takes mail of `user`, whose password is `p@ss:word`, alone.
"""

import asyncio
import email
import email.policy
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult


def say(what):
    print(json.dumps(what), flush=True)


class Handler:
    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        say(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "headers": [[name, str(value)] for name, value in message.items()],
                "text": message.get_content(),
                "tls": bool(session.ssl) or how == "tls",
                "user": session.auth_data,
            }
        )
        return "550 nobody of that name" if "nobody@example.com" in envelope.rcpt_tos else "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    user, password = data.login.decode(), data.password.decode()
    good = (user, password) == ("user", "p@ss:word")
    return AuthResult(success=good, handled=False, auth_data=user)


async def serve():
    context = None
    if how != "plain":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*sys.argv[2:])

    def smtp():
        if how == "plain":
            return SMTP(Handler())
        starttls = {"tls_context": context, "require_starttls": True} if how == "starttls" else {}
        return SMTP(
            Handler(),
            authenticator=authenticate,
            auth_required=True,
            auth_require_tls=how == "starttls",
            **starttls,
        )

    wrapper = context if how == "tls" else None
    server = await asyncio.get_running_loop().create_server(smtp, "127.0.0.1", 0, ssl=wrapper)
    say({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


how = sys.argv[1]
# What it warns of, it is to do here.
logging.disable()
warnings.simplefilter("ignore")
asyncio.run(serve())
