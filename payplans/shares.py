"""What each payer of a plan owes of an installment: the parts sum to what is owed, to the cent (ADR 14)."""

from __future__ import annotations

from collections.abc import Iterable

from payplans.models import Installment, PayPlan, PlanShare

# The processor takes no less, so a smaller share stays with the guarantor, and so does what is too small for two.
LEAST_CENTS = 50


class Shares:
    """Of one plan. `rows` in any order."""

    def __init__(self, guarantor_id: int, rows: Iterable[PlanShare]) -> None:
        self.guarantor_id = guarantor_id
        self.rows = sorted(rows, key=lambda row: row.pk)

    def of(self, one: Installment) -> PlanShare | None:
        """The newest decision that counts for it; None: the guarantor pays all of it."""
        if one.is_down_payment:
            return None
        found = next((row for row in reversed(self.rows) if row.from_date <= one.first_due_date), None)
        if found is None or found.payer_id is None or found.payer_id == self.guarantor_id:
            return None
        return found

    def owed(self, one: Installment) -> dict[int, int]:
        """Payer → cents to be collected from them, the guarantor first; who owes nothing is left out."""
        share, owed = self.of(one), one.owed_cents
        theirs = self._theirs(one, share) if share else 0
        parts = {self.guarantor_id: owed - theirs}
        if share is not None and share.payer_id is not None:
            parts[share.payer_id] = theirs
        return {payer: cents for payer, cents in parts.items() if cents > 0}

    @staticmethod
    def _theirs(one: Installment, share: PlanShare) -> int:
        theirs = min(one.owed_cents, max(0, share.of_cents(one.amount_cents) - one.shared_cents))
        return theirs if theirs >= LEAST_CENTS and one.amount_cents >= 2 * LEAST_CENTS else 0

    def owed_by(self, one: Installment, payer_id: int) -> int:
        return self.owed(one).get(payer_id, 0)

    def payers(self, installments: Iterable[Installment]) -> list[int]:
        """Everybody but the guarantor who still pays, or will pay, one of these."""
        found = [share.payer_id for one in installments if one.is_open and (share := self.of(one))]
        return list(dict.fromkeys(payer for payer in found if payer is not None))


def of_plan(plan: PayPlan) -> Shares:
    """One query, or none where they were fetched with the plan or nobody shares it."""
    return Shares(plan.guarantor_id, plan.shares.all() if plan.is_shared else [])


def count(plan: PayPlan, one: Installment, payer_id: int, cents: int) -> None:
    """Money of this person came on the installment, or left it (negative): the second payer's counts as theirs.

    The caller saves `shared_cents`.
    """
    share = of_plan(plan).of(one)
    if share is not None and share.payer_id == payer_id:
        one.shared_cents = max(0, one.shared_cents + cents)
