"""A real mail server for tests: it keeps what it is given, or answers what a test tells it to."""

from __future__ import annotations

import email
from email import policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller


class Inbox:
    """What came in, and the return address of each."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.return_to: list[str] = []
        self.answer = "250 OK"
        self.answer_to_address = "250 OK"

    async def handle_RCPT(self, server: object, session: object, envelope: object, address: str, options: list[str]) -> str:
        if self.answer_to_address.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer_to_address

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        if self.answer.startswith("250"):
            self.mails.append(email.message_from_bytes(envelope.content, policy=policy.default))
            self.return_to.append(envelope.mail_from)
        return self.answer


class AnyPort(Controller):
    """On a port the system chooses."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
