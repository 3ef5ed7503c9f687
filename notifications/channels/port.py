"""The port: what we hand to a carrier and the closed set of its answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outgoing:
    """One message, ready to go. `key` names it for ever (the same for a second sending)."""

    message_id: int
    key: str
    to: str
    subject: str
    body: str


@dataclass(frozen=True)
class Accepted:
    """The carrier has it; `reference` is its name for it."""

    reference: str


@dataclass(frozen=True)
class Refused:
    """It was not sent. Permanent: trying the same again is of no use. Otherwise it may go later."""

    reason: str
    permanent: bool = False
    opted_out: bool = False
    # The practice's account is at fault, not this message: an operator must act.
    account_problem: bool = False
    # The carrier's own code, '' = none.
    error_code: str = ""


@dataclass(frozen=True)
class Unclear:
    """The answer was lost: it may have been sent."""

    reason: str


SendResult = Accepted | Refused | Unclear


class UnableToAskCarrier(Exception):
    """The carrier didn't answer a question about what it has; nothing follows from that."""
