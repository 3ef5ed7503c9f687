"""What an installment's row says: its state in one word and a sentence on what happened and what happens next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from cards.models import Card
from core.calendar import local_date
from core.money import format_cents
from payments.models import Attempt, AttemptState, Dispute, DuePart, LedgerPosting
from payplans.models import Installment
from practices.templatetags.show import hour, plain_day

ORDINALS = {1: "1st", 2: "2nd", 3: "3rd"}
POSTED = {
    LedgerPosting.State.QUEUED: "not posted to Open Dental yet",
    LedgerPosting.State.SENDING: "being posted to Open Dental",
    LedgerPosting.State.UNCLEAR: "looking in Open Dental whether it is posted",
    LedgerPosting.State.POSTED: "posted to Open Dental, reading back",
    LedgerPosting.State.MATCHED: "posted to Open Dental, read back",
    LedgerPosting.State.MISMATCH: "posted, but Open Dental shows something else",
    LedgerPosting.State.REFUSED: "refused by Open Dental",
    LedgerPosting.State.MARKED: "posted by hand as staff say, not read back",
    LedgerPosting.State.WITHDRAWN: "voided before it was posted",
}
IN_FLIGHT = {
    AttemptState.STARTED: "Charging {card}…",
    AttemptState.PENDING: "{card}: the card processor is working on it.",
    AttemptState.UNKNOWN: "{card}: no clear answer from the card processor. It is being asked what happened; "
    "nothing is charged again until that is known.",
}
HELD = {
    DuePart.Hold.ARREARS: "Was overdue when the card was attached. Pay Now charges it.",
    DuePart.Hold.NOT_ISSUED: "Open Dental has not issued this charge yet; it is charged once it does.",
    DuePart.Hold.ABOVE_CONSENT: "The plan changed: the amount is above what the patient agreed to.",
    DuePart.Hold.NEW_CARD: "Needs a new card.",
    DuePart.Hold.STAFF: "Needs a look before it is tried again.",
    DuePart.Hold.RECONCILE: "Looking for an earlier payment in Open Dental before anything is charged.",
    DuePart.Hold.PAUSED: "Falls due while the plan is paused.",
    DuePart.Hold.SKIPPED: "Skipped by staff.",
}


@dataclass(frozen=True)
class Facts:
    """Everything known about one installment. `attempts` oldest first; `card` is the one autopay charges."""

    installment: Installment
    part: DuePart | None
    attempts: list[Attempt]
    posting: LedgerPosting | None
    card: Card | None
    is_collectable: bool
    charge_hour: int
    zone: ZoneInfo
    tries_used: int = 0
    max_tries: int = 15
    # What staff decided about this charge, in words.
    decided: str = ""

    @property
    def last(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None


@dataclass(frozen=True)
class Told:
    """`state` is a chip key, `strong` the words that stand out, `text` the rest; `tone` colors `strong`."""

    state: str
    strong: str = ""
    text: str = ""
    tone: str = ""


def tell(facts: Facts, today: date) -> Told:
    """The row of this installment on the practice-local day `today`."""
    status = facts.installment.status
    if facts.last and facts.last.state in IN_FLIGHT:
        return _in_flight(facts.last)
    if status == Installment.Status.PAID and facts.installment.forgiven_cents:
        return Told("installment:CLOSED", text=facts.installment.status_note)
    if status == Installment.Status.PAID:
        return Told("installment:PAID", text=_how_paid(facts))
    if status == Installment.Status.CANCELED:
        return Told("installment:CANCELED", text=facts.installment.status_note or "Not collected any more.")
    if facts.part and facts.part.hold:
        return _held(facts, facts.part)
    if facts.last and facts.last.state in (AttemptState.DECLINED, AttemptState.NOT_TAKEN):
        return _tried(facts, facts.last, today)
    return _waiting(facts, today)


def tell_part(facts: Facts, today: date) -> Told:
    """The same of one payer's part where two people pay: theirs may be paid while the other's is not."""
    is_open = facts.installment.status in (Installment.Status.PENDING, Installment.Status.FAILED)
    if is_open and facts.part is None and facts.posting is not None:
        return Told("installment:PAID", text=_how_paid(facts))
    return tell(facts, today)


def _in_flight(attempt: Attempt) -> Told:
    return Told("installment:PROCESSING", text=IN_FLIGHT[AttemptState(attempt.state)].format(card=attempt.means))


def _how_paid(facts: Facts) -> str:
    if facts.posting is None or facts.last is None:
        return facts.installment.status_note or "Paid in Open Dental, not charged here."
    words = [facts.last.means]
    if len(facts.attempts) > 1:
        words.append(f"{ordinal(len(facts.attempts))} try")
    posted = POSTED[LedgerPosting.State(facts.posting.state)]
    if facts.posting.state == LedgerPosting.State.MATCHED:
        posted = f"posted to Open Dental as payment {facts.posting.pay_num}, read back"
    elif facts.posting.state_reason:
        posted = f"{posted}: {facts.posting.state_reason}"
    return " · ".join([*words, posted])


def _held(facts: Facts, part: DuePart) -> Told:
    strong = f"{declined_words(facts.last)}." if facts.last and facts.last.state == AttemptState.DECLINED else ""
    text = part.hold_reason or HELD[DuePart.Hold(part.hold)]
    if part.hold == DuePart.Hold.ARREARS:
        return Told("installment:OVERDUE", text=text, tone="bad")
    if strong or facts.installment.status == Installment.Status.FAILED:
        return Told("installment:FAILED", strong=strong, text=text, tone="bad")
    return Told("installment:HELD", text=text, tone="warn")


def _tried(facts: Facts, attempt: Attempt, today: date) -> Told:
    words = []
    if facts.part and facts.part.next_try_at and facts.card:
        words.append(f"Next try {soon(local_date(facts.part.next_try_at, facts.zone), today)}")
    if attempt.state == AttemptState.NOT_TAKEN:
        reason = attempt.reason or "The card processor did not take the charge."
        return Told("installment:OVERDUE", strong="Not charged.", text=" · ".join([reason, *words]), tone="warn")
    words.append(f"{facts.tries_used} of {facts.max_tries} tries used")
    return Told("installment:FAILED", strong=f"{declined_words(attempt)}.", text=" · ".join(words), tone="bad")


def _waiting(facts: Facts, today: date) -> Told:
    due = facts.installment.due_date
    state = "installment:OVERDUE" if due < today else "installment:PENDING"
    if not facts.is_collectable:
        return Told(state, text="Never charged by KasperPay.")
    if facts.installment.is_down_payment:
        return Told(state, text="Down payment: taken at the desk, never charged automatically.")
    if facts.card is None:
        # The plan's head says once that no card is attached; only a missed payment needs the words again.
        return Told(state, text="No card attached, so nobody was charged." if due < today else "")
    if facts.part and facts.part.wait_reason == Dispute.FROZEN:
        return Told("installment:HELD", strong="Held.", text=f"{Dispute.FROZEN}.", tone="warn")
    if facts.part and facts.part.wait_reason:
        return Told(state, strong="Waiting.", text=f"{facts.part.wait_reason}. Tried again in minutes.", tone="warn")
    if facts.card.state != Card.State.ACTIVE:
        return Told(state, strong="Needs a new card.", text=f"{facts.card} can't be charged.", tone="warn")
    return _will_charge(state, facts, facts.card, today)


def _will_charge(state: str, facts: Facts, card: Card, today: date) -> Told:
    on = max(facts.installment.due_date, today)
    if facts.part and facts.part.next_try_at:
        on = local_date(facts.part.next_try_at, facts.zone)
    text = f"Will charge {card} {soon(on, today)} at {hour(facts.charge_hour)}"
    text = " · ".join(filter(None, (text, facts.decided)))
    if card.expires_before(on):
        return Told(
            state,
            strong="Card expires before.",
            text=f"{card} ends {card.exp_month:02d}/{card.exp_year % 100:02d}.",
            tone="warn",
        )
    return Told(state, text=text)


def declined_words(attempt: Attempt | None) -> str:
    """ "Declined: insufficient funds", from the reason kept with the attempt or the processor's code."""
    if attempt is None:
        return "Declined"
    reason = (attempt.reason or attempt.decline_code.replace("_", " ")).removeprefix("Declined: ")
    return f"Declined: {reason.rstrip('.')}" if reason else "Declined"


def sentence(attempt: Attempt) -> str:
    """What became of a try, as a message says it."""
    amount, card = format_cents(attempt.amount_cents), attempt.means
    if attempt.state == AttemptState.SUCCEEDED:
        return f"Charged {amount} to {card}."
    if attempt.state == AttemptState.DECLINED:
        return f"{amount} was not charged to {card}. {declined_words(attempt)}."
    if attempt.state == AttemptState.NOT_TAKEN:
        return f"{amount} was not charged: {attempt.reason or 'the card processor did not take it'}."
    return f"{amount} on {card}: no clear answer yet. The card processor is being asked; do not charge again."


def soon(day: date, today: date) -> str:
    """A day inside a sentence: today, tomorrow, or "Fri, Dec 12"."""
    near = {0: "today", 1: "tomorrow"}
    return near.get((day - today).days) or plain_day(day, today)


def ordinal(number: int) -> str:
    return ORDINALS.get(number) or f"{number}th"
