"""Reading one payment for giving it back, and one refund for watching it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.shortcuts import get_object_or_404

from core.money import format_cents
from payments import pages, refund_rows, voids
from payments.forms import RefundForm, VoidForm
from payments.models import Dispute, LedgerPosting, Payment, Refund
from payments.refund_rows import RefundRow
from payments.refunds import Wish
from practices import refund_limits
from practices.models import Membership, Practice


def form_for(payment: Payment, data: QueryDict | None) -> RefundForm:
    """Everything left, unless less is typed."""
    rows = refund_rows.of_payment(payment)
    left = refund_rows.left_of(payment, rows)
    initial = {
        "amount": format_cents(left).removeprefix("$"),
        "newest": _newest(rows),
        "reason": Refund.Reason.REQUESTED,
        "then": "open",
    }
    return RefundForm(data, left_cents=left, has_plan=_has_installment(payment), initial=initial)


def void_form(payment: Payment, data: QueryDict | None) -> VoidForm:
    return VoidForm(data, initial={"newest": _newest(refund_rows.of_payment(payment))})


def wish(payment: Payment, form: RefundForm | VoidForm, giver: Membership) -> Wish:
    """What a valid form asks for. A void is all of it."""
    who: dict[str, Any] = {"actor": f"user:{giver.user_id}", "giver": giver}
    if isinstance(form, RefundForm):
        return Wish(**form.wish, **who)
    return Wish(cents=payment.amount_cents, reason=Refund.Reason.VOID, **form.cleaned_data, **who)


def page(payment: Payment, form: RefundForm | VoidForm, giver: Membership) -> dict[str, Any]:
    rows = refund_rows.of_payment(payment)
    return {
        "payment": payment,
        "form": form,
        "limit": refund_limits.of(giver).words,
        "refunds": rows,
        "given_back": refund_rows.given_back(rows),
        "left": refund_rows.left_of(payment, rows),
        "is_by_hand": _is_by_hand(payment),
        "is_recovering": payment.practice.recover_since is not None,
        "barring": Dispute.barring_refunds(payment),
    }


def void_page(payment: Payment, form: VoidForm, giver: Membership, now: datetime) -> dict[str, Any]:
    """What will happen, or why it can't be voided."""
    return {
        **page(payment, form, giver),
        "is_untold": voids.is_untold(payment.posting),
        "why_not": voids.refusal(payment, payment.amount_cents, now),
    }


def refund_page(practice: Practice, refund_id: int, *, poll: int) -> dict[str, Any]:
    """How one refund stands; `poll` 0 means that the page doesn't ask by itself."""
    refund = get_object_or_404(Refund.objects.filter(practice=practice), pk=refund_id)
    payment = pages.payment_or_404(practice, refund.payment_id)
    rows = refund_rows.of_payment(payment)
    row = next(row for row in rows if row.refund.pk == refund.pk)
    return {
        "payment": payment,
        "row": row,
        "refund": row.refund,
        "posting": row.posting,
        "poll": poll if row.is_moving else 0,
        "left": refund_rows.left_of(payment, rows),
        "has_stopped": row.refund.is_open and not poll,
    }


def _newest(rows: list[RefundRow]) -> int:
    """0: the payment has no refund."""
    return max((row.refund.pk for row in rows), default=0)


def _has_installment(payment: Payment) -> bool:
    return any(one.installment_id for one in payment.allocations.all())


def _is_by_hand(payment: Payment) -> bool:
    """Open Dental lets no program refund what is attached to a plan (opendental/post_refund.py)."""
    posting = LedgerPosting.standing(payment.pk)
    return posting is not None and posting.plan_id is not None and posting.route != LedgerPosting.Route.PATIENT
