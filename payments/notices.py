"""Which messages the money path queues, and with which values. Called inside the transaction that made the news."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from cards import copies
from cards.models import AnyAutopay, Autopay, Card, PayerAutopay
from core import calendar
from core.money import format_cents
from notifications import outbox
from notifications.models import Kind
from notifications.templates import shown_phone
from payments import budget, upward
from payments.claim import about
from payments.models import Attempt, AttemptState, DuePart, Refund
from payments.reconciling import RECOVERY
from payplans.models import Installment, PayPlan
from payplans.retry import Verdict, VerdictKind
from practices.models import PaymentSettings

# In letters of the GSM alphabet; the words are those that paylinks/text_words.py reads.
_MOVE = {
    "en": "To pay later text MOVE and a day, like MOVE {day}.",
    "es": "Para pagar luego escriba MOVER y un dia: MOVER {day}.",
}
_ASK = {"en": "Questions? {phone}", "es": "¿Preguntas? {phone}"}


def success(attempt: Attempt, now: datetime) -> None:
    """The receipt text: once per attempt."""
    _enqueue(attempt, Kind.PAYMENT_SUCCESSFUL, now, values=_values(attempt))


def failure(attempt: Attempt, verdict: Verdict, now: datetime) -> None:
    """The first failure, then every n-th (settings; 0 = no more), and whenever a new card is needed.

    Not while an earlier payment is looked for: the link would invite to pay twice.
    """
    if verdict.kind == VerdictKind.RECONCILE:
        return
    part = attempt.due_part
    every = PaymentSettings.objects.get(practice_id=attempt.practice_id).notify_every_nth_failure
    declines = budget.tries_of(part).filter(state=AttemptState.DECLINED).count()
    is_nth = declines == 1 or (every > 0 and declines % every == 0)
    if not is_nth and verdict.kind != VerdictKind.NEW_CARD:
        return
    values = _values(attempt)
    if verdict.next_try_at is not None:
        values["Next Try Date"] = calendar.local_date(verdict.next_try_at, attempt.practice.zone)
    nonce = upward.handlers.fix_link(part, now)
    _enqueue(attempt, Kind.PAYMENT_FAILED, now, values=values, nonce=nonce)


def refunded(refund: Refund, now: datetime) -> None:
    """Money is on its way back to a card: once per refund. Cash is handed over, and who disputed knows."""
    attempt = refund.payment.attempt
    if refund.is_lost_dispute or not refund.payment.processor_reference:
        return
    values: dict[str, str | date] = {"Transaction Amount": format_cents(refund.amount_cents)}
    # Also of a card that was presented; '' where the processor does not tell it.
    if attempt.card_told is not None:
        values["Card Last 4"] = attempt.card_told.last4
    outbox.enqueue(
        practice=attempt.practice, kind=Kind.REFUND, patient=refund.payment.payer, values=values,
        dedupe_key=f"{Kind.REFUND}:{refund.uuid}", now=now,
        about={"refund": refund.pk, "payment": refund.payment_id, "patient": refund.payment.payer_id},
        perhaps_sent=refund.actor == RECOVERY,
    )  # fmt: skip


def _enqueue(
    attempt: Attempt, kind: str, now: datetime, *, values: dict[str, str | date], nonce: UUID | None = None
) -> None:
    practice, payer = attempt.practice, attempt.due_part.payer
    payer.practice = practice  # The same row: its zone is asked for again and again.
    outbox.enqueue(
        practice=practice, kind=kind, patient=payer, values=values,
        dedupe_key=f"{kind}:{attempt.uuid}", now=now, link_nonce=nonce, about=about(attempt),
        perhaps_sent=attempt.recovered_at is not None,
    )  # fmt: skip


def _values(attempt: Attempt) -> dict[str, str | date]:
    installment = attempt.due_part.installment
    due = installment.due_date if installment else calendar.local_date(attempt.started_at, attempt.practice.zone)
    return {
        "Transaction Amount": format_cents(attempt.amount_cents),
        "Payment Due Date": due,
        "Card Last 4": attempt.card_told.last4 if attempt.card_told else "",
    }


def consent_copy(autopay: AnyAutopay, *, now: datetime) -> None:
    """The person who agreed gets the exact words."""
    copies.send(autopay.consent, now=now)


def plan_work(plan: PayPlan, autopay: AnyAutopay, *, now: datetime) -> None:
    """Staff paused, skipped or moved something: each payer is told, with their charge that comes next, once a moment.

    Nothing where nothing will be charged by itself any more.
    """
    second = PayerAutopay.objects.filter(plan=plan, is_on=True).select_related("card__patient", "consent")
    for one in (autopay, *(second if plan.is_shared else [])):
        _plan_work(plan, one, now)


def _plan_work(plan: PayPlan, autopay: AnyAutopay, now: datetime) -> None:
    parts = DuePart.objects.filter(
        installment__plan=plan, payer=autopay.card.patient_id, state=DuePart.State.OPEN, hold="", next_try_at__gte=now
    )
    coming = parts.order_by("next_try_at").first()
    if coming is None or coming.next_try_at is None:
        return
    outbox.enqueue(
        practice=plan.practice, kind=Kind.PLAN_CHANGED, patient=autopay.card.patient,
        values={
            "Transaction Amount": format_cents(coming.amount_cents),
            "Payment Due Date": calendar.local_date(coming.next_try_at, plan.practice.zone),
        },
        dedupe_key=f"{Kind.PLAN_CHANGED}:work:{plan.pk}:{autopay.card.patient_id}:{now.isoformat()}", now=now,
        about={"patient": autopay.card.patient_id, "plan": plan.pk},
    )  # fmt: skip


def plan_completed(plan: PayPlan, now: datetime) -> None:
    """Thanks, once, when the last installment is paid; not where the office closed the plan, or a refund a part."""
    if not plan.is_collectable or plan.installments.unpaid().exists():
        return
    if plan.installments.filter(forgiven_cents__gt=0).exists():
        return
    second = PayerAutopay.objects.filter(plan=plan, is_on=True).select_related("payer")
    for payer in (plan.guarantor, *(one.payer for one in (second if plan.is_shared else []))):
        whose = "" if payer.pk == plan.guarantor_id else f":{payer.pk}"
        outbox.enqueue(
            practice=plan.practice, kind=Kind.PLAN_COMPLETED, patient=payer, values={}, now=now,
            dedupe_key=f"{Kind.PLAN_COMPLETED}:{plan.pk}{whose}", about={"patient": payer.pk, "plan": plan.pk},
        )  # fmt: skip


def card_updated(card: Card, now: datetime) -> None:
    """The network gave us what the bank changed on a card that pays a plan: once per new number and expiry."""
    own = Autopay.objects.filter(card=card, is_on=True).select_related("plan__practice").first()
    paying = own or PayerAutopay.objects.filter(card=card, is_on=True).select_related("plan__practice").first()
    if paying is None:
        return
    expiry = f"{card.exp_month:02d}/{card.exp_year}"
    outbox.enqueue(
        practice=paying.plan.practice, kind=Kind.CARD_UPDATED, patient=card.patient,
        values={"Card Last 4": card.last4, "Card Expiration": expiry},
        dedupe_key=f"{Kind.CARD_UPDATED}:{card.pk}:{card.last4}:{expiry}", now=now,
        about={"patient": card.patient_id, "plan": paying.plan_id, "card": card.pk},
    )  # fmt: skip


def upcoming(
    part: DuePart, installment: Installment, card: Card, day: date, now: datetime, *, last_day: date | None = None
) -> None:
    """A reminder some days before the charge, once per installment and day of the charge.

    `last_day`: to which day the payer may move it by text (ADR 13); None = not at all.
    """
    language, phone = outbox.language_of(card.patient), shown_phone(installment.practice.phone)
    change = _MOVE[language].format(day=last_day.day) if last_day else _ASK[language].format(phone=phone)
    _remind(Kind.UPCOMING_CHARGE, part, installment, card, day, now, {"How to Change": change})


def card_expiring(part: DuePart, installment: Installment, card: Card, day: date, now: datetime) -> None:
    """The card will not be valid on that day; once per card and installment."""
    _remind(Kind.CARD_EXPIRING, part, installment, card, day, now, {})


def _remind(
    kind: str, part: DuePart, installment: Installment, card: Card, day: date, now: datetime, more: dict[str, str]
) -> None:
    outbox.enqueue(
        practice=installment.practice, kind=kind, patient=card.patient,
        values={
            "Transaction Amount": format_cents(part.amount_cents),
            "Payment Due Date": day,
            "Card Last 4": card.last4,
            **more,
        },
        # By number: the same card saved anew is no news.
        dedupe_key=f"{kind}:{installment.pk}:{day}:{card.fingerprint}", now=now,
        about={"patient": card.patient_id, "plan": installment.plan_id, "installment": installment.pk},
    )  # fmt: skip
