"""What people read about a payment at a terminal: each way a hand-over can end, in plain words."""

from __future__ import annotations

from typing import NamedTuple


class Ending(NamedTuple):
    """Tone as of practices/chips.py; a heading and what to do."""

    tone: str
    title: str
    text: str


_ENDINGS = {
    "card_declined": Ending("bad", "The card was declined", "Another card can be tried: the payment goes on."),
    "customer_canceled": Ending("warn", "Canceled on the terminal", "The patient pressed Cancel there."),
    "terminal_reader_busy": Ending(
        "warn", "The terminal is busy",
        "It takes another payment, updates itself, has a card inside or shows its settings. Try again in a moment.",
    ),
    "terminal_reader_offline": Ending(
        "warn", "The terminal is offline", "Check its power and network, or choose another terminal."
    ),
    "terminal_reader_timeout": Ending(
        "warn", "The terminal did not answer", "It was looked at: the payment did not reach it. Try again."
    ),
    "terminal_reader_hardware_fault": Ending(
        "bad", "The terminal reports a fault", "Restart it, or choose another terminal."
    ),
    "terminal_reader_invalid_location_for_payment": Ending(
        "bad", "The terminal belongs to no location", "A manager registers it anew at its location."
    ),
    "connection_error": Ending(
        "warn", "The terminal lost its connection",
        "The card processor was asked: the payment did not go through. Try again.",
    ),
    "dropped": Ending("warn", "The terminal let go of the payment", "It was restarted or used for something else."),
    "silent": Ending("warn", "No card was presented", "After three minutes the terminal was set free again."),
    "stopped": Ending("warn", "Stopped", "The terminal is free again."),
    "refused": Ending("bad", "The terminal could not be used", "The card processor refused the request."),
}  # fmt: skip
_OTHER = Ending("bad", "The terminal broke off", "Try again, or choose another terminal.")


def ending(code: str) -> Ending:
    """Why the reader is no longer at it. The sentence "nothing was charged" is the page's: only the attempt knows."""
    return _ENDINGS.get(code, _OTHER)
