"""take_in(): the one place that turns what the processor says of a dispute into state, freeze, loss, alarm and event.

docs/money.md, "Disputes", is its table. Calling it again changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction
from django.db.models import Q

from core.calendar import local_date
from core.money import format_cents
from payments import dispute_words, locks, refund_fee, refund_outcomes
from payments.models import Alarm, Dispute, DuePart, Payment, Refund, RefundState
from payments.reconciling import RECOVERY
from practices.models import Event
from processors.port import DisputeFacts, Failed, Succeeded

State = Dispute.State
_FACTS = ("amount_cents", "withdrawn_cents", "fee_cents", "is_refundable", "reply_by", "reason", "network_code")


def take_in(payment_id: int, facts: DisputeFacts, *, asked: datetime, now: datetime, actor: str) -> bool:
    """Store what is news under the payment's lock, then book or undo the loss. True when anything changed.

    `asked`: real time at which the facts were asked for. Durable: never inside a transaction.
    """
    with transaction.atomic(durable=True):
        payment = locks.payment(payment_id)
        # Whoever holds the payment is alone with its disputes.
        dispute = Dispute.objects.filter(reference=facts.reference).first()
        is_new = dispute is None
        dispute = dispute or _new(payment, facts, asked)
        dispute.payment = payment
        was_frozen = dispute.is_frozen
        before = "" if is_new else dispute.state
        changed = is_new or _apply(dispute, facts, asked, now)
        if changed:
            _follow(dispute, before, now, actor)
    if was_frozen and not dispute.is_frozen:
        let_go(dispute)
    return carry_through(dispute, now=now, actor=actor) or changed


def _new(payment: Payment, facts: DisputeFacts, asked: datetime) -> Dispute:
    found = Dispute(
        practice_id=payment.practice_id, payment=payment, reference=facts.reference, state=facts.news,
        made_at=facts.made_at, heard_at=asked, fingerprint=facts.fingerprint,
        **{name: getattr(facts, name) for name in _FACTS},
    )  # fmt: skip
    card = payment.attempt.card
    found.fingerprint = facts.fingerprint or (card.fingerprint if card else "")
    return found


def _apply(dispute: Dispute, facts: DisputeFacts, asked: datetime, now: datetime) -> bool:
    """False: nothing new, or older than what stands here."""
    if asked <= dispute.heard_at:
        return False
    if facts.news != dispute.state and not dispute.may_become(facts.news):
        _notice_contradiction(dispute, facts, now)
        return False
    Alarm.close(dispute.practice_id, key=_contradiction_key(dispute), now=now, actor="processor")
    before = _standing(dispute)
    dispute.state, dispute.heard_at = facts.news, asked
    for name in _FACTS:
        setattr(dispute, name, getattr(facts, name))
    return before != _standing(dispute)


def _standing(dispute: Dispute) -> tuple[object, ...]:
    return (dispute.state, *(getattr(dispute, name) for name in _FACTS))


def _contradiction_key(dispute: Dispute) -> str:
    return f"dispute-contradiction:{dispute.reference}"


def _notice_contradiction(dispute: Dispute, facts: DisputeFacts, now: datetime) -> None:
    """A step back of an open one is news that was overtaken; what was over and is not is a contradiction (M10)."""
    if dispute.is_in_play:
        return
    Alarm.raise_once(
        dispute.practice_id, kind="CONTRADICTION", key=_contradiction_key(dispute), about=about(dispute), now=now,
        text=f"We hold a dispute of {format_cents(dispute.amount_cents)} as {dispute.get_state_display().lower()}, "
        f"the processor says {State(facts.news).label.lower()}",
    )  # fmt: skip


def _follow(dispute: Dispute, before: str, now: datetime, actor: str) -> None:
    """Store it with everything that follows in our own books. `before` '' = it is new."""
    dispute.over_at = None if dispute.is_in_play else dispute.over_at or now
    dispute.is_frozen = dispute.wants_freeze
    _book_loss(dispute, now)
    dispute.save()
    news = dispute.state.lower() if before != dispute.state else "updated"
    kind = f"dispute_{news}" if before else "dispute_opened"
    Event.record(
        dispute.practice_id, kind=kind, actor=actor, now=now, about=about(dispute), text=_words(dispute),
        before={"state": before},
        after={"state": dispute.state, "withdrawn_cents": dispute.withdrawn_cents, "is_frozen": dispute.is_frozen},
    )  # fmt: skip
    _tell(dispute, now)


def _words(dispute: Dispute) -> str:
    amount, gone = format_cents(dispute.amount_cents), format_cents(dispute.withdrawn_cents)
    why = dispute_words.why(dispute.reason).words
    frozen = " Autopay with this card is held." if dispute.is_frozen else ""
    return f"{amount} disputed ({why}): {dispute.get_state_display()}. {gone} withdrawn.{frozen}"


# The loss


def _book_loss(dispute: Dispute, now: datetime) -> None:
    """What the balance lost for good goes out of our books like money given back, whatever was given back before."""
    if dispute.state != State.LOST or dispute.withdrawn_cents <= 0 or dispute.loss_id is not None:
        return
    payment = dispute.payment
    is_recovered = payment.practice.recover_since is not None
    dispute.loss = Refund.objects.create(
        practice_id=payment.practice_id, uuid=loss_uuid(dispute), payment=payment, started_at=now,
        amount_cents=dispute.withdrawn_cents, fee_cents=refund_fee.share_of(payment, dispute.withdrawn_cents),
        origin=Refund.Origin.ELSEWHERE, reason=Refund.Reason.DISPUTE,
        reference=dispute.reference, actor=RECOVERY if is_recovered else "processor", trace=payment.attempt.trace,
    )  # fmt: skip


def loss_uuid(dispute: Dispute) -> UUID:
    """Never change this format: after a restore the loss is looked for under the reference that derives from it."""
    return uuid5(NAMESPACE_URL, f"kasperpay:dispute:{dispute.practice_id}:{dispute.reference}")


def carry_through(dispute: Dispute, *, now: datetime, actor: str) -> bool:
    """Settle the loss, or undo it once the dispute was won after all. Repeating it changes nothing."""
    loss = dispute.loss
    if loss is None:
        return False
    if dispute.state == State.WON and loss.state in RefundState.holding():
        undone = Failed(dispute.reference, "The dispute was won after all")
        return refund_outcomes.settle_refund(loss.pk, undone, now=now, actor=actor)
    if loss.state == RefundState.STARTED:
        booked = Succeeded(dispute.reference, loss.amount_cents)
        return refund_outcomes.settle_refund(loss.pk, booked, now=now, actor=actor)
    return False


# The freeze


def let_go(dispute: Dispute) -> None:
    """What waited for this freeze is looked at by the next sweep, not hours later. Another freeze makes it wait again.

    Outside the transaction: due parts come before payments in the order of locks.
    """
    waiting = DuePart.objects.filter(state=DuePart.State.OPEN, wait_reason=Dispute.FROZEN)
    plans = "installment__plan__autopay__card__fingerprint", "installment__plan__payer_autopays__card__fingerprint"
    waiting.filter(Q((plans[0], dispute.fingerprint)) | Q((plans[1], dispute.fingerprint))).update(
        wait_reason="", leased_until=None
    )


# Telling


def about(dispute: Dispute) -> dict[str, int]:
    """The ids under which the dispute's events are found."""
    payment = dispute.payment
    ids = {"dispute": dispute.pk, "payment": payment.pk, "patient": payment.payer_id}
    if payment.attempt.card_id is not None:
        ids["card"] = payment.attempt.card_id
    installment = payment.attempt.due_part.installment
    if installment is not None:
        ids |= {"installment": installment.pk, "plan": installment.plan_id}
    return ids


def open_key(reference: str, state: str) -> str:
    """Each state has its own alarm: what is asked of staff differs."""
    return f"dispute:{reference}:{state.lower()}"


def lost_key(reference: str) -> str:
    return f"dispute-lost:{reference}"


def _tell(dispute: Dispute, now: datetime) -> None:
    """A person, where one can do something: while a reply is due, while won money is missing, once it is lost."""
    asked, amount = dispute.awaits_reply or dispute.is_not_back, format_cents(dispute.amount_cents)
    others = [open_key(dispute.reference, state) for state in State.values if state != dispute.state or not asked]
    keys = others if dispute.state == State.LOST else [*others, lost_key(dispute.reference)]
    Alarm.close(dispute.practice_id, *keys, key=keys[0], now=now, actor="processor")
    if asked:
        Alarm.raise_once(
            dispute.practice_id, kind="DISPUTE_OPEN", key=open_key(dispute.reference, dispute.state), now=now,
            about=about(dispute), text=_asked_of_staff(dispute),
        )  # fmt: skip
    if dispute.state == State.LOST and dispute.is_frozen:
        Alarm.raise_once(
            dispute.practice_id, kind="DISPUTE_LOST", key=lost_key(dispute.reference), about=about(dispute), now=now,
            text=f"A dispute of {amount} is lost: the bank has taken {format_cents(dispute.withdrawn_cents)} back, and "
            "it is owed again. Autopay with that card stays held until a manager releases it",
        )  # fmt: skip


def _asked_of_staff(dispute: Dispute) -> str:
    amount = format_cents(dispute.amount_cents)
    if dispute.is_not_back:
        return f"A dispute was won, but {format_cents(dispute.withdrawn_cents)} is not back in the balance yet"
    by = ""
    if dispute.reply_by is not None:
        day = local_date(dispute.reply_by, dispute.payment.practice.zone)
        by = f" by {day:%b} {day.day}"
    if dispute.state == State.INQUIRY:
        return f"The cardholder's bank asks about {amount}: reply or refund{by}, or it may become a dispute"
    return f"A payment of {amount} is disputed: reply at the card processor{by}, or it is lost"
