"""Evidence about the money: the payment, what was agreed, earlier payments, and how it stands in the ledger."""

from __future__ import annotations

from cards.models import Consent
from core.pdf import Column
from payments.evidence_shapes import Content, Table, day, filled, moment
from payments.models import Dispute, LedgerPosting, Payment, RefundState
from payplans.models import PlanSplit
from practices import timeline

# So many earlier payments are shown, the newest.
EARLIER = 10
_AMOUNT = Column("Amount", right=True)


def payment(dispute: Dispute) -> Content:
    paid, zone = dispute.payment, dispute.practice.zone
    attempt = paid.attempt
    refunds = [row for row in paid.refunds.all() if row.state == RefundState.SUCCEEDED and not row.is_lost_dispute]
    facts = filled(
        ("Amount", paid.amount_cents), ("Paid at", moment(paid.paid_at, zone)), ("Paid with", attempt.means),
        ("How", attempt.get_channel_display()), ("Started by", _called(attempt.actor)),
        ("Payment at the processor", paid.processor_reference), ("Charge at the processor", attempt.charge_reference),
    )  # fmt: skip
    rows = tuple((moment(row.settled_at or row.started_at, zone), -row.amount_cents) for row in refunds)
    tables = (Table((Column("Given back", 2), _AMOUNT), rows),) if rows else ()
    return Content(facts=facts, tables=tables)


def _called(actor: str) -> str:
    return timeline.names({actor})[actor]


def standing_consent(dispute: Dispute) -> Consent | None:
    """The newest consent to charge this card, or for this plan, that was there when the payment was made."""
    attempt = dispute.payment.attempt
    given = Consent.objects.filter(practice=dispute.practice_id, given_at__lte=attempt.started_at).order_by("-given_at")
    installment = attempt.due_part.installment
    of_plan = given.filter(plan=installment.plan_id).first() if installment else None
    if of_plan is not None or attempt.card_id is None:
        return of_plan
    return given.filter(card=attempt.card_id).first()


def consent(dispute: Dispute) -> Content:
    found, zone = standing_consent(dispute), dispute.practice.zone
    if found is None:
        return Content()
    facts = filled(
        ("Kind", found.get_kind_display()), ("Version of the text", found.text_version),
        ("Agreed at", moment(found.given_at, zone)), ("How", found.get_channel_display()),
        ("By", _called(found.given_by)), ("IP address", found.ip or ""), ("Card ending in", found.card_last4),
        ("At most per charge", found.max_charge_cents), ("Revoked at", moment(found.revoked_at, zone)),
    )  # fmt: skip
    return Content(facts=facts, texts=(found.text,))


def schedule(dispute: Dispute) -> Content:
    found = standing_consent(dispute)
    rows = tuple((str(one["due_date"]), int(one["amount_cents"])) for one in found.schedule) if found else ()
    installment = dispute.payment.attempt.due_part.installment
    if not rows or installment is None:
        return Content(tables=(Table((Column("Due"), _AMOUNT), rows),) if rows else ())
    paid_for = filled(("This payment was due", day(installment.due_date)))
    return Content(facts=paid_for, tables=(Table((Column("Due"), _AMOUNT), rows),))


def earlier(dispute: Dispute) -> Content:
    paid, zone = dispute.payment, dispute.practice.zone
    if not dispute.fingerprint:
        return Content()
    same = Payment.objects.filter(
        practice=dispute.practice_id,
        payer=paid.payer_id,
        attempt__card__fingerprint=dispute.fingerprint,
        paid_at__lt=paid.paid_at,
        disputes=None,
    )
    found = same.select_related("attempt__card").order_by("-paid_at")[:EARLIER]
    rows = tuple(
        (moment(one.paid_at, zone), one.attempt.get_channel_display(), one.processor_reference, one.amount_cents)
        for one in found
    )
    columns = (Column("Paid at", 1.4), Column("How", 1.2), Column("At the processor", 1.8), _AMOUNT)
    return Content(tables=(Table(columns, rows),) if rows else ())


def ledger(dispute: Dispute) -> Content:
    zone = dispute.practice.zone
    postings = list(dispute.payment.postings.select_related("patient").order_by("pk"))
    columns = (
        Column("Reference", 1.6), Column("Account"), Column("Payment"), Column("Day", 1.1), Column("State", 1.6),
        Column("Read back", 1.5), _AMOUNT,
    )  # fmt: skip
    rows = tuple(
        (one.reference, str(one.patient.pat_num), str(one.pay_num or ""), day(one.office_date), one.get_state_display(),
         moment(one.matched_at, zone), one.amount_cents)
        for one in postings
    )  # fmt: skip
    return Content(tables=(Table(columns, rows), *_splits(postings)) if rows else ())


def _splits(postings: list[LedgerPosting]) -> tuple[Table, ...]:
    """The splits on the plan, as last read from Open Dental."""
    numbers = [one.pay_num for one in postings if one.pay_num]
    found = PlanSplit.objects.filter(pay_num__in=numbers, plan__in=[one.plan_id for one in postings if one.plan_id])
    columns = (Column("Payment"), Column("Plan"), Column("Charge of the plan", 1.3), Column("Day"), _AMOUNT)
    rows = tuple(
        (str(one.pay_num), str(one.plan.pay_plan_num), str(one.pay_plan_charge_num or ""), day(one.paid_date),
         one.amount_cents)
        for one in found.select_related("plan").order_by("pk")
    )  # fmt: skip
    return (Table(columns, rows),) if rows else ()
