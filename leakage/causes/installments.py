"""What causes about installments share: one leak per installment, and what came in on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from leakage import owed
from leakage.models import Leak
from leakage.owed import Owed
from leakage.shape import Around, Back, Found
from payments.models import DuePart

Hold = DuePart.Hold


def which(row: Owed) -> Leak.Cause | None:
    """The one cause an installment leaks for: what a person must do comes before what goes on by itself."""
    by_hold = {Hold.NEW_CARD: Leak.Cause.NEW_CARD, Hold.ABOVE_CONSENT: Leak.Cause.PLAN_CHANGED}
    if row.hold:
        return by_hold.get(Hold(row.hold), Leak.Cause.HELD)
    if row.has_failed:
        return Leak.Cause.FAILED
    return None if row.has_autopay else Leak.Cause.NO_CARD


def finder(cause: Leak.Cause, words: Callable[[Owed, Around], str]) -> Callable[[Around], Iterable[Found]]:
    """Those of this cause, told in `words`."""

    def find(around: Around) -> Iterable[Found]:
        return [
            Found(
                key=f"{cause}:installment:{row.installment_id}",
                cents=row.cents,
                since=row.since,
                words=words(row, around),
                about=row.about,
                patient_id=row.patient_id,
                paid_cents=row.paid_cents,
            )
            for row in around.owed
            if which(row) == cause
        ]

    return find


def came_back(leaks: Sequence[Leak]) -> dict[int, Back]:
    """Money that came in since is recovered, whoever took it."""
    return {
        pk: Back(Leak.Outcome.RECOVERED, paid.cents, paid.by or "Paid in the office")
        for pk, paid in owed.paid_since(leaks).items()
    }
