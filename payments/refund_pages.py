"""Reading one payment for giving it back, and one refund for watching it."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from django.shortcuts import get_object_or_404

from core.money import format_cents
from payments import pages, refund_rows
from payments.forms import RefundForm
from payments.models import LedgerPosting, Payment, Refund
from payments.refund_rows import RefundRow
from practices.models import Practice


def form_for(payment: Payment, data: QueryDict | None) -> RefundForm:
    """Everything left, unless less is typed."""
    rows = refund_rows.of_payment(payment)
    left = refund_rows.left_of(payment, rows)
    initial = {
        "amount": format_cents(left).removeprefix("$"),
        "newest": _newest(rows),
        "reason": Refund.Reason.REQUESTED,
    }
    return RefundForm(data, left_cents=left, initial=initial)


def page(payment: Payment, form: RefundForm) -> dict[str, Any]:
    rows = refund_rows.of_payment(payment)
    return {
        "payment": payment,
        "form": form,
        "refunds": rows,
        "given_back": refund_rows.given_back(rows),
        "left": refund_rows.left_of(payment, rows),
        "is_by_hand": _is_by_hand(payment),
        "is_recovering": payment.practice.recover_since is not None,
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


def _is_by_hand(payment: Payment) -> bool:
    """Open Dental lets no program refund what is attached to a plan (opendental/post_refund.py)."""
    posting = payment.posting
    return posting is not None and posting.plan_id is not None and posting.route != LedgerPosting.Route.PATIENT
