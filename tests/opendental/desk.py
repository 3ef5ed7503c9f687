"""A sandbox office as tests see it: its desk, its books, its clock, and the practice connected to it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from opendental import connecting
from opendental.models import Connection
from opendental.post import post_due
from opendental.pull import PullResult, pull
from payments.models import Alarm, Allocation, Attempt, AttemptState, LedgerPosting, Payment
from payplans.models import Installment, PayPlan
from practices.models import Practice
from sandbox.common.clock import Clock
from tests import factories
from tests.outside import Outside

_keys = itertools.count(1)


@dataclass
class Desk:
    """One office. Business time is the sandbox's movable clock; `now()` is what the product is given."""

    outside: Outside
    clock: Clock
    practice: Practice
    key: str
    zone: ZoneInfo

    @classmethod
    def open(cls, outside: Outside, clock: Clock, practice: Practice, **settings: Any) -> Desk:
        zone = ZoneInfo(settings.pop("timezone", practice.timezone))
        key = f"{settings.pop('key', 'office')}-{practice.slug}-{next(_keys)}"
        body = {"key": key, "timezone": str(zone), **settings}
        outside.http.post("/_sandbox/offices", json=body).raise_for_status()
        return cls(outside, clock, practice, key, zone)

    def act(self, action: str, **body: Any) -> dict[str, Any]:
        answer = self.outside.http.post(f"/_sandbox/offices/{self.key}/{action}", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def books(self, table: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.outside.http.get(f"/_sandbox/offices/{self.key}/books").json()[table]
        return found

    def at(self, local: str) -> datetime:
        """Move the clock to this office-local time, "2022-07-24 10:00"."""
        self.clock.set_now(datetime.fromisoformat(local).replace(tzinfo=self.zone))
        return self.now()

    def wait(self, **delta: float) -> datetime:
        self.clock.advance(timedelta(**delta))
        return self.now()

    def now(self) -> datetime:
        return self.clock.now().astimezone(UTC)

    def connect(self, mode: str = "SERVICE") -> Connection:
        return connecting.connect(
            self.practice,
            base_url=f"{self.outside.url}/api/v1",
            developer_key="dev-sandbox",
            customer_key=self.key,
            mode=mode,
            now=self.now(),
        ).connection

    def pull(self, *, cycles: int = 1) -> PullResult:
        result = PullResult()
        for _ in range(cycles):
            result = pull(self.practice.pk, self.now())
        return result

    def post(self) -> int:
        return post_due(self.practice.pk, self.now())

    # What staff do

    def patient(self, **more: Any) -> int:
        names = {"LName": "Exampleton", "FName": "Pat", "Birthdate": "1980-04-15", "WirelessPhone": "(555)555-0172"}
        return int(self.act("patients", **{**names, **more})["PatNum"])

    def plan(self, patient: int, *, dollars: float = 500, **terms: Any) -> int:
        """A dynamic plan over one finished procedure; due monthly from today unless `terms` say otherwise."""
        procedure = self.act("procedures", PatNum=patient, ProcFee=dollars)["ProcNum"]
        today = self.now().astimezone(self.zone).date().isoformat()
        body = {"PatNum": patient, "PayAmt": 100, "DatePayPlanStart": today, "IsLocked": "false", **terms}
        return int(self.act("plans", procNums=[procedure], **body)["PayPlanNum"])


def plan_of(number: int) -> PayPlan:
    return PayPlan.objects.get(pay_plan_num=number)


def schedule(number: int) -> list[tuple[str, int, str]]:
    """(due date, cents, status) of a plan's installments that still count."""
    rows = Installment.objects.filter(plan__pay_plan_num=number).exclude(status="CANCELED").order_by("due_date", "pk")
    return [(row.due_date.isoformat(), row.amount_cents, row.status) for row in rows]


def installments(number: int) -> list[Installment]:
    return list(Installment.objects.filter(plan__pay_plan_num=number).order_by("due_date", "pk"))


def collect(installment: Installment, *, now: datetime, cents: int | None = None) -> LedgerPosting:
    """Money taken for an installment, as settle() leaves it: payment, allocation, posting that waits."""
    plan = installment.plan
    card = factories.CardFactory(patient=plan.guarantor, is_primary=False)
    amount = installment.amount_cents if cents is None else cents
    part = installment.due_parts.filter(state="OPEN").first() or factories.DuePartFactory(installment=installment)
    attempt = Attempt.objects.create(
        practice_id=plan.practice_id, due_part=part, number=part.attempts.count() + 1, amount_cents=amount, card=card,
        channel=Attempt.Channel.AUTOPAY, actor="test", state=AttemptState.SUCCEEDED, create_params={},
        confirm_params={}, reference=f"pi_{part.pk}", started_at=now,
    )  # fmt: skip
    payment = Payment.objects.create(
        practice_id=plan.practice_id, attempt=attempt, payer=plan.guarantor, amount_cents=amount, paid_at=now,
        processor_reference=f"pi_{part.pk}",
    )  # fmt: skip
    Allocation.objects.create(
        practice_id=plan.practice_id, payment=payment, installment=installment, amount_cents=amount
    )
    part.state = "PAID"
    part.save(update_fields=["state"])
    installment.collected_cents += amount
    if installment.owed_cents == 0:
        installment.status = Installment.Status.PAID
    installment.save(update_fields=["collected_cents", "status"])
    return LedgerPosting.objects.create(
        practice_id=plan.practice_id, payment=payment, patient=plan.patient, plan=plan, amount_cents=amount,
        next_at=now, created_at=now,
    )  # fmt: skip


def collected(desk: Desk, place: int = 0, **terms: Any) -> LedgerPosting:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01", **terms)
    desk.at("2022-08-01 10:00")
    desk.pull()
    return collect(installments(number)[place], now=desk.now())


def state(posting: LedgerPosting) -> str:
    posting.refresh_from_db()
    return posting.state


def rows_hit(desk: Desk) -> list[tuple[int, int]]:
    return [(split["PayPlanChargeNum"], split["amount_cents"]) for split in desk.books("paysplits")]


def row_of(posting: LedgerPosting) -> int:
    installment = Installment.objects.get(allocations__payment=posting.payment)
    return installment.charge_rows.get().pay_plan_charge_num


def alarms() -> list[str]:
    return list(Alarm.objects.filter(closed_at=None).values_list("kind", flat=True).order_by("pk"))
