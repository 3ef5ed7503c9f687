"""The mail server: takes everything sent to it over SMTP into the inbox, unless a rule bounces it."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from sandbox.messaging.books import Books
from sandbox.messaging.rules import Rules


class Mailroom:
    """aiosmtpd's handler."""

    def __init__(self, books: Books, rules: Rules) -> None:
        self.books = books
        self.rules = rules

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]) -> str:  # noqa: N802
        """A bounce is refused for good (550), a defer for now (451)."""
        rule = self.rules.take(address, "bounce", "defer")
        if rule is not None:
            return "550 5.1.1 no such mailbox" if rule.kind == "bounce" else "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        for address in envelope.rcpt_tos:
            self.books.add_message(
                account_sid="",
                channel="email",
                direction="outbound-api",
                sender=str(message["from"] or envelope.mail_from),
                recipient=address.lower(),
                subject=str(message["subject"] or ""),
                body=_part(message, "plain"),
                html=_part(message, "html"),
                status="delivered",
            )
        return "250 OK"


def start_mail_server(books: Books, rules: Rules, port: int) -> Controller:
    """Listens on loopback, in a thread of its own."""
    controller = Controller(Mailroom(books, rules), hostname="127.0.0.1", port=port)
    controller.start()
    return controller


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return "" if part is None else str(part.get_content()).strip()
