"""A practice with everything around it: an Open Dental office, a processor, plans with a card, and movable time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cards.autopay import Witness
from cards.models import Consent
from patients.models import Patient
from payments import attaching
from payments.models import DuePart, LedgerPosting
from payplans.models import PayPlan
from practices.models import Practice
from tests.opendental.desk import Desk
from tests.plugins.stripe import VISA, Shop

# The office's service issues at 09:00, autopay charges at 10:00 (decisions 8).
BEFORE, CHARGE_TIME = "2022-07-10 08:00", "2022-07-15 10:05"


@dataclass
class Town:
    desk: Desk
    shop: Shop

    @property
    def practice(self) -> Practice:
        return self.desk.practice

    def plans_with_cards(self, count: int, **person: Any) -> list[PayPlan]:
        """Plans over $100 due on July 15 with a card and a consent; nothing is due before CHARGE_TIME."""
        self.desk.at(BEFORE)
        numbers = []
        for place in range(count):
            patient = self.desk.patient(**{"FName": f"Pat{place}", "WirelessPhone": "", "TxtMsgOk": "No", **person})
            numbers.append(self.desk.plan(patient, dollars=300, DatePayPlanStart="2022-07-15", PayAmt=100))
        self.desk.pull(cycles=2)
        plans = list(PayPlan.objects.filter(pay_plan_num__in=numbers).select_related("guarantor", "practice"))
        assert len(plans) == count
        for plan in plans:
            self.attach(plan)
        return plans

    def attach(self, plan: PayPlan, number: str = VISA) -> None:
        card = self.shop.card(Patient.objects.get(pk=plan.guarantor_id), number, is_primary=False)
        witness = Witness(channel=Consent.Channel.STAFF, given_by="test", ip=None)
        attaching.attach(plan, card, max_charge_cents=100_00, witness=witness, now=self.desk.now())

    def time_to_charge(self) -> None:
        self.desk.at(CHARGE_TIME)
        self.desk.pull(cycles=2)

    def posted(self) -> list[tuple[str, int]]:
        """(reference, cents) of every payment in the office's books that bears a mark of ours."""
        rows = self.desk.books("payments")
        return sorted((row["CheckNum"], row["amount_cents"]) for row in rows if row["CheckNum"].startswith("KP-"))

    def is_quiet(self) -> bool:
        """Everything due is collected, posted and read back."""
        due = DuePart.objects.filter(state="OPEN", next_try_at__lte=self.desk.now(), hold="").exists()
        waiting = LedgerPosting.objects.exclude(state="MATCHED").exists()
        return not due and not waiting and LedgerPosting.objects.exists()
