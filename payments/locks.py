"""The one place that locks rows of the money path, in the one order: installment, due part, attempt (docs/money.md)."""

from __future__ import annotations

from payments.models import Attempt, DuePart
from payplans.models import Installment


def due_part(due_part_id: int) -> DuePart:
    """Lock a due part and its installment; both are read anew. Raises DuePart.DoesNotExist."""
    installment_id = DuePart.objects.values_list("installment_id", flat=True).get(pk=due_part_id)
    installment = installment_id and Installment.objects.select_for_update().get(pk=installment_id)
    part = DuePart.objects.select_for_update().get(pk=due_part_id)
    if installment:
        part.installment = installment
    return part


def attempt(attempt_id: int) -> Attempt:
    """Lock an attempt after its installment and due part; all three are read anew."""
    part = due_part(Attempt.objects.values_list("due_part_id", flat=True).get(pk=attempt_id))
    found = Attempt.objects.select_for_update().get(pk=attempt_id)
    found.due_part = part
    return found


def installments(plan_id: int) -> list[Installment]:
    """Lock all installments of a plan, in the order of their ids."""
    return list(Installment.objects.select_for_update().filter(plan_id=plan_id).order_by("pk"))
