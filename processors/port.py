"""The port: what we ask a card processor and the closed set of answers. Pure; no vendor object crosses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol


@dataclass(frozen=True)
class PaidWith:
    """The card a person presented, as the processor tells it. '' = it doesn't say.

    `entry`: how it was read (contactless_emv, ...), '' on a page. `generated_card`: what a reader saved for later
    charges; '' also where that was wished for but the card can't be saved (wallets).
    """

    brand: str
    last4: str
    funding: str
    fingerprint: str = ""
    wallet: str = ""
    entry: str = ""
    generated_card: str = ""
    # What a chip says for the receipt, by the processor's names (application_preferred_name, dedicated_file_name ...).
    chip: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.brand.title()} {self.last4}".strip()


@dataclass(frozen=True)
class Succeeded:
    """Money moved. `amount_cents` is what the processor says it took; `means` is told of presented cards."""

    reference: str
    amount_cents: int
    charge_reference: str = ""
    means: PaidWith | None = None


# Our own decline code: the processor no longer has the card, or has it for somebody else.
CARD_GONE = "card_gone"


@dataclass(frozen=True)
class Declined:
    """No money moved and the answer is final for this attempt. Codes as the processor and the network gave them."""

    reference: str
    decline_code: str
    advice_code: str = ""
    network_decline_code: str = ""
    network_advice_code: str = ""
    charge_reference: str = ""


@dataclass(frozen=True)
class NotTaken:
    """No money moved and nobody declined: wrong key, throttled, refused parameters, intent never made or canceled."""

    reason: str
    # An operator must act (keys, permissions, a defect); otherwise it heals by itself.
    needs_operator: bool = False


@dataclass(frozen=True)
class Pending:
    """The processor works on it, or a person has yet to present a card; news will come by webhook or by asking again.

    `declined`: the last card that was presented, when that one was declined. Another may be.
    """

    reference: str
    declined: Declined | None = None


@dataclass(frozen=True)
class Unknown:
    """Money may have moved. Only the processor can tell; no timer may try again."""

    reason: str
    reference: str = ""


Outcome = Succeeded | Declined | NotTaken | Pending | Unknown


@dataclass(frozen=True)
class Failed:
    """A refund that did not reach the card, at once or later: the money is back with the practice."""

    reference: str
    reason: str


RefundOutcome = Succeeded | Failed | NotTaken | Pending | Unknown


@dataclass(frozen=True)
class Charge:
    """What to ask, taken from a committed attempt: exactly these parameters under exactly these keys."""

    create_params: dict[str, Any]
    confirm_params: dict[str, Any]
    create_key: str
    confirm_key: str


@dataclass(frozen=True)
class Question:
    """What happened to an attempt? `reference` is '' when the intent's id never reached us."""

    reference: str
    attempt_uuid: str
    customer: str
    amount_cents: int
    started_at: datetime


@dataclass(frozen=True)
class PresentedQuestion:
    """What became of an attempt whose card is presented by a person (docs/adr/0007)?

    `page` is the id of its hosted page; `is_page` tells a page whose id never reached us from a reader's intent.
    """

    reference: str
    page: str
    is_page: bool
    attempt_uuid: str
    started_at: datetime


@dataclass(frozen=True)
class Found:
    """A try of ours as the processor lists it: whose it is (both from its metadata), what was asked and what became."""

    attempt_uuid: str
    part: str
    reference: str
    customer: str
    payment_method: str
    amount_cents: int
    asked_at: datetime
    outcome: Outcome
    # Its card is presented by a person (docs/adr/0007).
    is_presented: bool = False


@dataclass(frozen=True)
class RefundOrder:
    """What to give back, taken from a committed refund: exactly these parameters under exactly this key."""

    params: dict[str, Any]
    key: str


@dataclass(frozen=True)
class RefundQuestion:
    """What happened to a refund? `reference` is '' when its id never reached us; `intent` is what it gives back."""

    reference: str
    refund_uuid: str
    intent: str


@dataclass(frozen=True)
class RefundFacts:
    """A refund as the processor knows it, whoever made it. `refund_uuid` '' = not made by us."""

    reference: str
    refund_uuid: str
    intent: str
    amount_cents: int
    asked_at: datetime
    outcome: RefundOutcome


class PayoutNews(StrEnum):
    """How far a payout is."""

    PENDING = "PENDING"
    IN_TRANSIT = "IN_TRANSIT"
    PAID = "PAID"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


@dataclass(frozen=True)
class PayoutFacts:
    """Money on its way to the practice's bank. Below zero: the bank is debited. `arrives_date` is the bank's day."""

    reference: str
    amount_cents: int
    news: PayoutNews
    made_at: datetime
    arrives_date: date
    # Only of an automatic one does the processor say what is in it, and only once that is complete.
    is_automatic: bool
    is_complete: bool
    failure: str = ""


class DisputeNews(StrEnum):
    """How far a dispute is, in the order in which it goes; only an appeal may go back to LOST."""

    # The bank only asks: no money was withdrawn.
    INQUIRY = "INQUIRY"
    INQUIRY_REVIEW = "INQUIRY_REVIEW"
    INQUIRY_CLOSED = "INQUIRY_CLOSED"
    NEEDS_RESPONSE = "NEEDS_RESPONSE"
    UNDER_REVIEW = "UNDER_REVIEW"
    PREVENTED = "PREVENTED"
    LOST = "LOST"
    APPEAL = "APPEAL"
    APPEAL_REVIEW = "APPEAL_REVIEW"
    WON = "WON"


@dataclass(frozen=True)
class DisputeFacts:
    """A dispute as the processor knows it. By its balance lines `withdrawn_cents` is gone now, `fee_cents` was kept.

    `reason` is the processor's word; `fingerprint` the number of the card, '' when it names none.
    """

    reference: str
    charge: str
    intent: str
    news: DisputeNews
    reason: str
    network_code: str
    amount_cents: int
    withdrawn_cents: int
    fee_cents: int
    is_refundable: bool
    reply_by: datetime | None
    made_at: datetime
    fingerprint: str


class LineKind(StrEnum):
    """What a line of the processor's balance is. OTHER is everything that nobody here has heard of."""

    PAYMENT = "PAYMENT"
    REFUND = "REFUND"
    REFUND_FAILED = "REFUND_FAILED"
    DISPUTE = "DISPUTE"
    FEE = "FEE"
    # Money of an earlier payout that came back.
    RETURNED = "RETURNED"
    OTHER = "OTHER"


@dataclass(frozen=True)
class BalanceLine:
    """One line of the balance: net = amount - fee, all signed cents. `word` is the processor's own name of its kind.

    `source` names what caused it there (a charge, a refund, a payout); `intent` the payment it belongs to, if any.
    """

    reference: str
    kind: LineKind
    word: str
    amount_cents: int
    fee_cents: int
    net_cents: int
    made_at: datetime
    source: str
    intent: str
    description: str


@dataclass(frozen=True)
class SavedCard:
    """A card the processor keeps for later off-session charges. Never a number."""

    customer: str
    payment_method: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    funding: str
    fingerprint: str


@dataclass(frozen=True)
class Endpoint:
    """Where the processor tells us news. `missing`: kinds of news that we work with and it does not tell."""

    reference: str
    missing: tuple[str, ...]
    is_on: bool


class Processor(Protocol):
    """One practice's account at a processor. Every method may block on the network: call with no transaction open."""

    def charge(self, charge: Charge, remember: Callable[[str], bool]) -> Outcome:
        """Create the intent, let `remember` store its id durably, confirm. If `remember` is False, cancel instead."""
        ...

    def look_up(self, question: Question) -> Outcome:
        """What became of it, decisively where possible: an intent that was never confirmed is canceled."""
        ...

    def cancel(self, reference: str) -> bool:
        """Cancel a declined intent so that it can never be confirmed again. Quiet when it is already final."""
        ...

    def refund(self, order: RefundOrder) -> RefundOutcome:
        """Give money back. Safe to repeat within 23 hours: the key makes it one refund."""
        ...

    def look_up_refund(self, question: RefundQuestion) -> RefundOutcome | None:
        """What became of it; None when the processor has no such refund."""
        ...


class UnableToReachProcessor(Exception):
    """The processor didn't answer or refused us; the text says why in plain words."""
