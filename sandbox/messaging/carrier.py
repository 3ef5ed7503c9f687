"""The carrier's own rules: which messages it accepts, who opted out, what a patient's reply sets off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.common.store import Row
from sandbox.messaging.books import Books
from sandbox.messaging.delivery import Delivery
from sandbox.messaging.texts import HELP_WORDS, START_WORDS, STOP_WORDS, e164

LONGEST_BODY = 1600
WEB_ADDRESS = re.compile(r"https?://[\w.-]+(:\d+)?(/\S*)?", re.ASCII)
# Twilio's magic numbers, for tests that know them.
MAGIC_TO = {"+15005550001": 21211, "+15005550004": 21610, "+15005550009": 21614}
WHY = {
    20429: "Too many requests",
    21211: "Invalid 'To' Phone Number: {to}",
    21212: "Invalid From Number (caller ID): {sender}",
    21602: "The message has no body",
    21603: "The message has no 'From' number and no messaging service",
    21604: "The message has no 'To' number",
    21606: "The 'From' number {sender} does not belong to this account",
    21609: "The status callback is not a web address",
    21610: "The recipient {to} has opted out of messages from this sender",
    21614: "'To' number is not a mobile number: {to}",
    21617: "The message is longer than 1600 characters",
}


class MessageRefused(Exception):
    """The carrier will not take the message; `code` is Twilio's error code."""

    def __init__(self, code: int, *, to: str = "", sender: str = "") -> None:
        super().__init__(WHY.get(code, "The message was refused").format(to=to, sender=sender))
        self.code = code
        self.status = 429 if code == 20429 else 400


@dataclass(frozen=True)
class Carrier:
    books: Books
    delivery: Delivery

    def accept(self, account_sid: str, form: Mapping[str, str]) -> Row:
        """Take a message for delivery. Raises MessageRefused."""
        body, sender = form.get("Body", ""), self._sender(account_sid, form)
        to = self._recipient(form.get("To", ""), sender)
        if not body:
            raise MessageRefused(21602)
        if len(body) > LONGEST_BODY:
            raise MessageRefused(21617)
        if form.get("StatusCallback") and not WEB_ADDRESS.fullmatch(form["StatusCallback"]):
            raise MessageRefused(21609)
        message = self.books.add_message(
            account_sid=account_sid,
            channel="sms",
            direction="outbound-api",
            sender=sender,
            recipient=to,
            service_sid=form.get("MessagingServiceSid", ""),
            body=body,
            status="queued",
            callback_url=form.get("StatusCallback", ""),
        )
        self.delivery.plan(message, reachable=self._kind(to) != "unreachable")
        return message

    def _sender(self, account_sid: str, form: Mapping[str, str]) -> str:
        """The number a message goes out from: `From`, else the first number of the messaging service."""
        given, service = form.get("From", ""), form.get("MessagingServiceSid", "")
        owned = self.books.all("SELECT * FROM numbers WHERE account_sid = ? ORDER BY number", account_sid)
        if not given and not service:
            raise MessageRefused(21603)
        if not given:
            numbers = [row["number"] for row in owned if row["service_sid"] == service]
            return str(numbers[0]) if numbers else service
        sender = e164(given)
        if sender is None:
            raise MessageRefused(21212, sender=given)
        if owned and sender not in {row["number"] for row in owned}:
            raise MessageRefused(21606, sender=sender)
        return sender

    def _recipient(self, given: str, sender: str) -> str:
        if not given:
            raise MessageRefused(21604)
        to = e164(given)
        if to is None:
            raise MessageRefused(21211, to=given)
        rule = self.delivery.rules.take(to, "refuse")
        code = rule.error_code if rule else MAGIC_TO.get(to, 0)
        if not code and self._kind(to) == "landline":
            code = 21614
        if not code and self.opted_out(sender, to):
            code = 21610
        if code:
            raise MessageRefused(code, to=to, sender=sender)
        return to

    def _kind(self, number: str) -> str:
        row = self.books.one("SELECT kind FROM people WHERE address = ?", number)
        return "mobile" if row is None else str(row["kind"])

    def opted_out(self, sender: str, recipient: str) -> bool:
        found = self.books.one("SELECT 1 FROM optouts WHERE sender = ? AND recipient = ?", sender, recipient)
        return found is not None

    def receive(self, patient: str, practice: str, body: str) -> Row:
        """A patient texts the practice: opt-out words act first, then the practice's webhook is told."""
        number = self.books.one("SELECT * FROM numbers WHERE number = ?", practice)
        message = self.books.add_message(
            account_sid=number["account_sid"] if number else "",
            channel="sms",
            direction="inbound",
            sender=patient,
            recipient=practice,
            body=body,
            status="received",
        )
        self._obey(body.strip().upper(), patient, practice, message["account_sid"])
        if number and number["inbound_url"]:
            for text in self.delivery.tell_inbound(message, number["inbound_url"]):
                self._answer(patient, practice, message["account_sid"], text)
        return message

    def _obey(self, word: str, patient: str, practice: str, account_sid: str) -> None:
        if word in STOP_WORDS:
            self._answer(patient, practice, account_sid, "You will get no more texts from here. START undoes this.")
            self.books.run("INSERT OR IGNORE INTO optouts VALUES (?, ?)", practice, patient)
        elif word in START_WORDS:
            self.books.run("DELETE FROM optouts WHERE sender = ? AND recipient = ?", practice, patient)
            self._answer(patient, practice, account_sid, "You will get texts from here again. STOP ends them.")
        elif word in HELP_WORDS:
            self._answer(patient, practice, account_sid, "Reply STOP to get no more texts. Rates may apply.")

    def _answer(self, patient: str, practice: str, account_sid: str, text: str) -> None:
        """A reply the carrier sends by itself, unless the patient opted out."""
        if self.opted_out(practice, patient):
            return
        self.books.add_message(
            account_sid=account_sid,
            channel="sms",
            direction="outbound-reply",
            sender=practice,
            recipient=patient,
            body=text,
            status="delivered",
        )
