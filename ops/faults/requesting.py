"""A patient is asked for money and pays on the phone: pressed twice, declined, left, closed, with a saved card."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ops.browser import Browser, Page
from ops.faults import selling

_MOST_LOOKS = 40


@dataclass(frozen=True)
class Request:
    """`sale` is the desk's draft that is handed over; the phone is a browser without a sign-in."""

    sale: selling.Sale
    phone: Browser
    pool: Executor

    def ask(self) -> None:
        """From the draft to the message, to whoever can be reached first."""
        desk, draft = self.sale.browser, self.sale.draft("PATIENT")
        page = desk.get(f"{draft.url}ask/")
        form = page.form("click")
        desk.send(page, form, {**form.fields, "to": form.choices["to"][0]})

    def pay(self, address: str, facts: dict[str, Any]) -> str:
        """Press Pay on the page of the link; what became of it."""
        page = self.phone.get(address)
        ways = [form for form in page.forms if "shown" in form.fields]
        saved = [form for form in ways if "card" in form.fields]
        form = saved[0] if saved and facts["means"] == "card" else ways[0]
        more: list[Future[Page]] = [
            self.pool.submit(self.phone.send, page, form, form.fields) for _ in range(int(facts["clicks"]) - 1)
        ]
        going = self.phone.send(page, form, form.fields)
        for click in more:
            click.exception(timeout=30)
        if form in saved:
            return "saved card"
        return self._at_page(address, going.url, str(facts["at_page"]))

    def _at_page(self, address: str, going: str, does: str) -> str:
        """What the patient does on the processor's page, once they are led there."""
        for _ in range(_MOST_LOOKS):
            page = self.phone.get(going)
            if any("number" in form.fields for form in page.forms):
                break
            time.sleep(0.2)
        else:
            return "a page that did not open"
        if does == "give_up":
            here = self.phone.get(address)
            closing = here.form("Close it")
            self.phone.send(here, closing, closing.fields)
        elif does != "leave":
            for number in (selling.POOR, selling.GOOD) if does == "decline" else (selling.GOOD,):
                page = selling.type_in(self.phone, page, number)
        return f"page, {does}"


def address_of(slug: str, nonce: UUID, secret: str) -> str:
    """Where the text leads. Who holds both database and secret can tell; texts wait for the morning, this doesn't."""
    digest = hmac.new(secret.encode(), b"patient-link:" + nonce.bytes, hashlib.sha256).digest()
    return f"/p/{slug}/{base64.b32encode(digest[:16]).decode().rstrip('=').lower()}"
