"""The one place that locks rows of the money path, in the one order (docs/money.md).

All installments of the plan (by id) or the desk sale, then due part, attempt, payment, refund, cards of one number (by
id). The whole plan, because a success looks at its other installments: two settling at once would otherwise each wait
for the other's.
"""

from __future__ import annotations

from cards.models import Card
from payments.models import Allocation, Attempt, Dispute, DuePart, LedgerPosting, Payment, Refund, Sale
from payplans.models import Installment, PayPlan
from practices.models import Membership


def due_part(due_part_id: int) -> DuePart:
    """Lock a due part and its plan's installments; all are read anew. Raises DuePart.DoesNotExist.

    Its plan with practice, autopay, card and consent, which are not locked, is read after that and comes along.
    """
    behind = DuePart.objects.values_list("installment__plan_id", "sale_id").get(pk=due_part_id)
    return _due_part(due_part_id, *behind, along=("autopay__card", "autopay__consent"))


def _due_part(due_part_id: int, plan_id: int | None, sale_id: int | None, *, along: tuple[str, ...] = ()) -> DuePart:
    found = {one.pk: one for one in installments(plan_id)} if plan_id else {}
    its_sale = sale(sale_id) if sale_id else None
    part = DuePart.objects.select_for_update(of=("self",)).select_related("payer").get(pk=due_part_id)
    if plan_id and part.installment_id:
        part.installment = found[part.installment_id]
        part.installment.plan = PayPlan.objects.select_related("practice", *along).get(pk=plan_id)
        part.practice = part.installment.plan.practice
    if its_sale is not None:
        part.sale, part.practice = its_sale, its_sale.practice
    return part


def sale(sale_id: int) -> Sale:
    """Lock a desk sale, so that its tenders queue; it is read anew, with its practice."""
    return Sale.objects.select_for_update(of=("self",)).select_related("practice").get(pk=sale_id)


def attempt(attempt_id: int) -> Attempt:
    """Lock an attempt after its installments and due part; all are read anew. Card, plan and practice come along."""
    part_of = "due_part__installment__plan_id", "due_part__sale_id"
    behind = Attempt.objects.values_list("due_part_id", *part_of).get(pk=attempt_id)
    part = _due_part(*behind)
    found = Attempt.objects.select_for_update(of=("self",)).select_related("card").get(pk=attempt_id)
    found.due_part = part
    found.practice = part.practice
    return found


def payment(payment_id: int) -> Payment:
    """Lock a payment after its attempt and what that locks, and after the plans that it pays; all are read anew."""
    _plans_of(payment_id)
    behind = attempt(Payment.objects.values_list("attempt_id", flat=True).get(pk=payment_id))
    found = Payment.objects.select_for_update().get(pk=payment_id)
    found.attempt = behind
    return found


def payment_to_move(payment_id: int, *, target_id: int, plan_id: int | None) -> Payment:
    """Lock a payment, the plan it goes onto (None: onto none) and the sale that says where to."""
    _plans_of(payment_id, *([plan_id] if plan_id is not None else []))
    sale(target_id)
    return payment(payment_id)


def _plans_of(payment_id: int, *more: int) -> None:
    """A move may have put a desk sale's payment onto a plan: its installments come first all the same."""
    pays = Allocation.objects.filter(payment=payment_id, installment__isnull=False)
    for plan_id in sorted({*pays.values_list("installment__plan_id", flat=True), *more}):
        installments(plan_id)


def refund(refund_id: int) -> Refund:
    """Lock a refund after its payment; all are read anew."""
    paid = payment(Refund.objects.values_list("payment_id", flat=True).get(pk=refund_id))
    found = Refund.objects.select_for_update().get(pk=refund_id)
    found.payment = paid
    return found


def dispute(dispute_id: int) -> Dispute:
    """Lock a dispute's payment, whose disputes are only changed under that lock; both are read anew."""
    paid = payment(Dispute.objects.values_list("payment_id", flat=True).get(pk=dispute_id))
    found = Dispute.objects.select_for_update(of=("self",)).select_related("practice").get(pk=dispute_id)
    found.payment = paid
    return found


def attempt_alone(attempt_id: int) -> Attempt:
    """Lock an attempt and nothing before or after it, to look at it while nobody settles it."""
    return Attempt.objects.select_for_update(of=("self",)).get(pk=attempt_id)


def refund_alone(refund_id: int) -> Refund:
    """Lock a refund and nothing before or after it, to look at it while nobody settles it."""
    return Refund.objects.select_for_update(of=("self",)).get(pk=refund_id)


def installments(plan_id: int) -> list[Installment]:
    """Lock all installments of a plan, in the order of their ids."""
    return list(Installment.objects.select_for_update().filter(plan_id=plan_id).order_by("pk"))


def open_parts(plan_id: int) -> list[DuePart]:
    """Lock the open due parts of a plan after its installments: whoever takes a card next will change them."""
    parts = DuePart.objects.filter(installment__plan=plan_id, state=DuePart.State.OPEN)
    return list(parts.select_for_update(of=("self",)).order_by("pk"))


def card(wanted: Card) -> Card:
    """Lock every card with the number of this one, so that tries against one budget queue; it is read anew."""
    same = Card.objects.select_for_update(no_key=True).filter(fingerprint=wanted.fingerprint).order_by("pk")
    return next(one for one in same if one.pk == wanted.pk)


def by_hand(plan_id: int) -> list[LedgerPosting]:
    """Lock a plan's postings that staff enter, all of them before the plan is put down to be read for any of them."""
    waiting = LedgerPosting.objects.filter(plan_id=plan_id, state=LedgerPosting.State.BY_HAND)
    return list(waiting.select_for_update(of=("self",)).order_by("pk"))


def membership(membership_id: int) -> Membership:
    """Lock a person's role, so that what they give back on a day is added up in turn; it is read anew."""
    found = Membership.objects.select_for_update(no_key=True, of=("self",)).select_related("practice")
    return found.get(pk=membership_id)
