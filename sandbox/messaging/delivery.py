"""What happens to an accepted text: statuses in real time by a background thread, webhooks signed as Twilio signs."""

from __future__ import annotations

import base64
import hmac
import html
import logging
import re
import threading
import time

import httpx

from sandbox.common.store import Row
from sandbox.messaging.books import Books
from sandbox.messaging.rules import Rules
from sandbox.messaging.texts import segments

STEP_SECONDS = 0.05
FINAL = ("delivered", "undelivered", "failed")
API_VERSION = "2010-04-01"
log = logging.getLogger("sandbox.messaging")


class Delivery:
    """Walks each message through its statuses. Steps are rows, so a restarted process goes on where it stopped."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.rules = Rules()
        self._http = httpx.Client(trust_env=False, timeout=15)
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._wake.set()
        self._thread.join(5)
        self._http.close()

    def plan(self, message: Row, *, reachable: bool) -> None:
        """Write down the statuses to come: (status, error code, how often its callback is posted)."""
        rule = self.rules.take(message["recipient"], "undeliver", "fail", "lose", "duplicate", "reorder", "slow")
        kind = rule.kind if rule else ""
        final, code = ("delivered", None) if reachable else ("undelivered", 30003)
        if rule and kind in ("undeliver", "fail"):
            final, code = ("undelivered" if kind == "undeliver" else "failed"), rule.error_code
        callbacks = {"lose": 0, "duplicate": 2}.get(kind, 1)
        steps = [("sending", None, callbacks), ("sent", None, callbacks), (final, code, callbacks)]
        if kind == "reorder":
            steps = [steps[2], steps[1], steps[0]]
        wait = STEP_SECONDS + (rule.seconds if rule else 0.0)
        with self.books.transaction():
            for place, (status, error_code, times) in enumerate(steps, start=1):
                self.books.run(
                    "INSERT INTO steps (message_id, due, status, error_code, callbacks) VALUES (?, ?, ?, ?, ?)",
                    *(message["id"], time.time() + place * wait, status, error_code, times),
                )
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            step = self.books.one("SELECT * FROM steps ORDER BY due, id LIMIT 1")
            pause = 60.0 if step is None else step["due"] - time.time()
            if step is None or pause > 0:
                self._wake.wait(pause)
                self._wake.clear()
                continue
            self._take(step)

    def _take(self, step: Row) -> None:
        with self.books.transaction():
            message = self._advance(step)
            self.books.run("DELETE FROM steps WHERE id = ?", step["id"])
        if message is None or not message["callback_url"]:
            return
        for _ in range(step["callbacks"]):
            self._tell_status(message, step)

    def _advance(self, step: Row) -> Row | None:
        """Move the message on; a final status stays when an earlier one is only told late. None after a reset."""
        message = self.books.one("SELECT * FROM messages WHERE id = ?", step["message_id"])
        if message is None or message["status"] in FINAL:
            return message
        stamp = self.books.stamp()
        self.books.run(
            "UPDATE messages SET status = ?, error_code = ?, updated = ?, sent = coalesce(sent, ?) WHERE id = ?",
            *(step["status"], step["error_code"], stamp, stamp, message["id"]),
        )
        return message

    def _tell_status(self, message: Row, step: Row) -> None:
        parameters = {
            "AccountSid": message["account_sid"],
            "ApiVersion": API_VERSION,
            "From": message["sender"],
            "MessageSid": message["sid"],
            "MessageStatus": step["status"],
            "SmsSid": message["sid"],
            "SmsStatus": step["status"],
            "To": message["recipient"],
        }
        if message["service_sid"]:
            parameters["MessagingServiceSid"] = message["service_sid"]
        if step["error_code"]:
            parameters["ErrorCode"] = str(step["error_code"])
        self._post(message, "status", message["callback_url"], parameters)

    def tell_inbound(self, message: Row, url: str) -> list[str]:
        """Post a patient's text to the practice; the texts its answer (TwiML) wants sent back."""
        parameters = {
            "AccountSid": message["account_sid"],
            "ApiVersion": API_VERSION,
            "Body": message["body"],
            "From": message["sender"],
            "MessageSid": message["sid"],
            "NumMedia": "0",
            "NumSegments": str(segments(message["body"])),
            "SmsMessageSid": message["sid"],
            "SmsSid": message["sid"],
            "SmsStatus": "received",
            "To": message["recipient"],
        }
        rule = self.rules.take(message["sender"], "lose", "duplicate")
        answers = []
        for _ in range({"lose": 0, "duplicate": 2}[rule.kind] if rule else 1):
            answers += _texts_wanted(self._post(message, "inbound", url, parameters))
        return answers

    def _post(self, message: Row, kind: str, url: str, parameters: dict[str, str]) -> str:
        """One signed webhook; the body of a good answer. What became of it is written down either way."""
        token = self.books.token_of(message["account_sid"]) or ""
        signature = sign(token, url, parameters)
        try:
            answer = self._http.post(url, data=parameters, headers={"X-Twilio-Signature": signature})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("webhook of %s not taken: %s", message["sid"], type(error).__name__)
            self.books.note_webhook(message["sid"], kind, url, parameters, None)
            return ""
        self.books.note_webhook(message["sid"], kind, url, parameters, answer.status_code)
        return answer.text if answer.is_success else ""


def sign(token: str, url: str, parameters: dict[str, str]) -> str:
    """X-Twilio-Signature of a form post: HMAC-SHA1 over the URL and the sorted names and values."""
    signed = url + "".join(name + parameters[name] for name in sorted(parameters))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def _texts_wanted(twiml: str) -> list[str]:
    found = re.findall(r"<Message[^>]*>(?:\s*<Body>)?(.*?)(?:</Body>\s*)?</Message>", twiml, re.DOTALL)
    return [html.unescape(text).strip() for text in found if text.strip()]
