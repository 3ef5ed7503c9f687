"""Which of our payments or refunds a line of a payout belongs to. Reads our books, writes only to lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from payments.models import Attempt, Payment, PayoutLine, Refund
from processors.port import LineKind

# So many lines in suspense are looked at again in one pass, the newest first.
_AGAIN = 200


class Line(Protocol):
    """A line as the processor gives it, or as we keep it."""

    @property
    def kind(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def intent(self) -> str: ...


@dataclass(frozen=True)
class Ours:
    """Row ids by the processor's ids: payments by intent and by charge, refunds with their payment."""

    payments: dict[str, int]
    refunds: dict[str, tuple[int, int]]

    def of(self, line: Line) -> tuple[int | None, int | None]:
        """(payment, refund); what isn't ours has neither."""
        if line.kind in (LineKind.REFUND, LineKind.REFUND_FAILED) and line.source in self.refunds:
            refund, payment = self.refunds[line.source]
            return payment, refund
        return self.payments.get(line.intent) or self.payments.get(line.source), None


def of_lines(lines: Iterable[Line]) -> Ours:
    """Three queries for any number of lines."""
    shown = list(lines)
    intents = {line.intent for line in shown} - {""}
    sources = {line.source for line in shown} - {""}
    payments = dict(Payment.objects.filter(processor_reference__in=intents).values_list("processor_reference", "pk"))
    charges = Attempt.objects.filter(charge_reference__in=sources, payment__isnull=False)
    payments |= dict(charges.values_list("charge_reference", "payment__pk"))
    refunds = Refund.objects.filter(reference__in=sources).values_list("reference", "pk", "payment_id")
    return Ours(payments, {reference: (pk, payment) for reference, pk, payment in refunds})


def match_again() -> int:
    """A payout may be read before our own books knew what is in it (a refund made elsewhere, a restore)."""
    waiting = PayoutLine.objects.filter(PayoutLine.in_suspense()).exclude(kind=PayoutLine.Kind.OTHER)
    lines = list(waiting.order_by("-made_at", "-pk")[:_AGAIN])
    ours = of_lines(lines)
    found = [line for line in lines if _place(line, ours)]
    PayoutLine.objects.bulk_update(found, ["payment", "refund"])
    return len(found)


def _place(line: PayoutLine, ours: Ours) -> bool:
    before = (line.payment_id, line.refund_id)
    line.payment_id, line.refund_id = ours.of(line)
    return (line.payment_id, line.refund_id) != before
