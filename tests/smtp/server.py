"""A mail server that does what a test tells it to.

Prints one JSON object a line: first {"port": N}, then {"mail": {...}} for each mail it was given whole, whether it said
so or not. Reads one JSON object a line: {"next": {"RCPT": ["451 4.3.0 later", ...]}} queues answers to coming commands
(MAIL, RCPT, END: the end of a mail). The answer "drop" ends the connection without a word; "hold" waits until
{"release": true} comes, and then takes the mail. It ends with its input.
"""

import argparse
import asyncio
import base64
import json
import ssl
import sys
from collections import defaultdict, deque

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def say(**message):
    print(json.dumps(message), flush=True)


class Handler:
    def __init__(self):
        self.answers = defaultdict(deque)
        self.released = asyncio.Event()

    async def answer(self, server, command):
        """The answer that is queued for a command; None: the usual one."""
        queue = self.answers[command]
        answer = queue.popleft() if queue else None
        if answer == "hold":
            say(holding=command)
            await self.released.wait()
            return None
        if answer == "drop" and command != "END":
            await self.drop(server)
        return answer

    async def drop(self, server):
        server.transport.abort()
        # Nothing is said any more.
        await asyncio.Event().wait()

    async def handle_MAIL(self, server, session, envelope, address, options):
        answer = await self.answer(server, "MAIL")
        if answer:
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = await self.answer(server, "RCPT")
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        answer = await self.answer(server, "END")
        if answer and answer != "drop":
            return answer
        say(
            mail={
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "options": envelope.mail_options,
                "data": base64.b64encode(envelope.content).decode(),
                "tls": session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None,
                "login": session.auth_data.login.decode() if session.auth_data else None,
                "peer": session.peer[1],
            }
        )
        if answer == "drop":
            await self.drop(server)
        return "250 2.0.0 OK taken"


async def listen(handler):
    """Does what comes on the standard input, until that ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        order = json.loads(line)
        for command, answers in order.get("next", {}).items():
            handler.answers[command].extend(answers)
        if order.get("release"):
            handler.released.set()
        say(done=True)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--tls", choices=["starttls", "tls"])
    parser.add_argument("--login", help="user:password")
    args = parser.parse_args()

    context = None
    if args.cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(args.cert, args.key)

    def authenticate(server, session, envelope, mechanism, data):
        if isinstance(data, LoginPassword):
            given = f"{data.login.decode()}:{data.password.decode()}"
            if given == args.login:
                session.auth_data = data
                return AuthResult(success=True, auth_data=data)
        return AuthResult(success=False, handled=False)

    handler = Handler()

    def protocol():
        return SMTP(
            handler,
            hostname="mail.test",
            tls_context=context if args.tls == "starttls" else None,
            require_starttls=args.tls == "starttls",
            authenticator=authenticate if args.login else None,
            auth_required=bool(args.login),
            auth_require_tls=False,
            enable_SMTPUTF8=True,
        )

    loop = asyncio.get_running_loop()
    secure = context if args.tls == "tls" else None
    server = await loop.create_server(protocol, "127.0.0.1", args.port, ssl=secure)
    say(port=server.sockets[0].getsockname()[1])
    await listen(handler)


asyncio.run(main())
