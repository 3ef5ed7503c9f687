"""A person before the desk's terminal: taps a card, tries another, cancels, walks away; and what breaks there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import httpx

from ops.browser import Browser, UnableToWalk

# Test cards: one that pays, one whose bank says no.
_GOOD, _POOR = "4242424242424242", "4000000000009995"
_MOST_LOOKS = 40
# What befalls the next command to a reader, or the next card presented to it; '' = nothing.
TROUBLES = (
    "", "", "", "busy", "offline", "timeout", "timeout_false", "dies_before", "dies_after", "connection_lost_before",
    "connection_lost_after",
)  # fmt: skip
DOINGS = ("tap", "tap", "decline", "patient_cancels", "staff_cancel", "leave")


@dataclass(frozen=True)
class Terminal:
    """The one of a practice, found by its name at the sandbox Stripe."""

    http: httpx.Client
    stripe: str
    label: str

    def trouble(self, kind: str) -> None:
        if kind:
            self._post("readers/faults", kind=kind, reader=self._state()["id"])

    def follow(self, browser: Browser, address: str, does: str) -> str:
        """What is done at the reader and on the live screen at `address`; in words."""
        if not self._is_waiting():
            # Refused, broken, or with another customer: staff try once more, as they would.
            _press(browser, address, "again")
            if not self._is_waiting():
                return f"terminal that did not wake, {does}"
        match does:
            case "tap":
                self._present(_GOOD)
            case "decline":
                self._present(_POOR)
                _press(browser, address, "again")
                if self._is_waiting():
                    self._present(_GOOD)
            case "patient_cancels":
                self._post(f"readers/{self._state()['id']}/cancel")
                _press(browser, address, "cancel")
            case "staff_cancel":
                _press(browser, address, "cancel")
        return f"terminal, {does}"

    def _is_waiting(self) -> bool:
        for _ in range(_MOST_LOOKS):
            if self._state()["screen"] == "waiting":
                return True
            time.sleep(0.2)
        return False

    def _state(self) -> dict[str, Any]:
        found = self.http.get(f"{self.stripe}/_sandbox/readers").raise_for_status().json()
        return next(one for one in found if one["label"] == self.label)

    def _present(self, number: str) -> None:
        self._post(f"readers/{self._state()['id']}/present", number=number, how="tap")

    def _post(self, path: str, **wish: Any) -> None:
        """Refused where the reader has moved on meanwhile: a person would shrug as well."""
        self.http.post(f"{self.stripe}/_sandbox/{path}", json=wish)


def _press(browser: Browser, address: str, button: str) -> None:
    """ "Try another card" or "Cancel" on the live screen, once it is there; quiet when it never is."""
    for _ in range(_MOST_LOOKS):
        page = browser.get(address)
        form = next((one for one in page.forms if one.action.rstrip("/").endswith(f"/{button}")), None)
        if form is not None:
            try:
                browser.send(page, form, form.fields)
            except UnableToWalk:
                return
            return
        time.sleep(0.2)
