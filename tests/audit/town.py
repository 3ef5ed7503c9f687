"""A small consistent world for the auditor: one practice, three people, real charges, postings and messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from cards.models import Consent
from notifications.models import MessagingAccount
from notifications.send import send_due
from opendental import account
from patients.models import Patient
from payments import attaching, charging, payouts, presented, recorded, sales, sweep, upward
from payments.attaching import Witness
from payments.fees import Means
from payments.models import Attempt, FeeSettings, Sale
from payments.sale_lines import lines
from payplans.models import Installment, PayPlan
from practices import tenancy
from processors.models import ProcessorAccount
from sandbox.common.clock import Clock
from tests import factories, outside
from tests.notifications.conftest import OUR_NUMBER, SID, TOKEN
from tests.opendental.desk import Desk, installments
from tests.outside import Outside
from tests.plugins.stripe import POOR, VISA, Shop

CENTS = 100_00


@dataclass
class Town:
    """The sandbox's processes on one clock, each with its state folder below `folder`."""

    folder: Path
    opendental: Outside
    stripe: Outside
    messaging: Outside

    @classmethod
    def start(cls, folder: Path) -> Town:
        clock, smtp = folder / "clock.json", ("--smtp-port", str(outside.free_port()))
        return cls(
            folder,
            outside.start("sandbox.opendental", folder / "opendental", clock=clock),
            outside.start("sandbox.stripe", folder / "stripe", clock=clock),
            outside.start("sandbox.messaging", folder / "messaging", *smtp, clock=clock),
        )

    def stop(self) -> None:
        for process in (self.opendental, self.stripe, self.messaging):
            process.stop()


class Life:
    """What happens in the town, through the product's own functions."""

    def __init__(self, town: Town) -> None:
        self.practice = factories.PracticeFactory(slug="audited")
        clock = Clock(town.folder / "clock.json")
        with tenancy.scope(self.practice.pk):
            factories.PaymentSettingsFactory(practice=self.practice)
            self.desk = Desk.open(town.opendental, clock, self.practice)
            self.desk.at("2022-07-01 09:00")
            self.desk.connect()
            account = ProcessorAccount.objects.create(
                practice=self.practice, base_url=town.stripe.url, secret_key="sk_test_audited",
                webhook_secret="whsec_audited", connected_at=self.desk.now(),
            )  # fmt: skip
            self.shop = Shop(town.stripe, account)
            town.messaging.http.post("/_sandbox/numbers", json={"number": OUR_NUMBER, "inbound_url": ""})
            MessagingAccount.objects.create(
                practice=self.practice, base_url=town.messaging.url, sid=SID, token=TOKEN, from_number=OUR_NUMBER,
                connected_at=self.desk.now(),
            )  # fmt: skip

    def plan(self, first: str, place: int, number: str, **more: str) -> PayPlan:
        """A person with a plan of five times $100 from July 10 and a card on it; `number` is the card's."""
        person = {"FName": first, "TxtMsgOk": "Yes", "WirelessPhone": f"(212)555-010{place}", **more}
        pay_plan_num = self.desk.plan(self.desk.patient(**person), DatePayPlanStart="2022-07-10")
        self.desk.pull()
        plan = PayPlan.objects.select_related("guarantor").get(pay_plan_num=pay_plan_num)
        card = self.shop.card(plan.guarantor, number)
        witness = Witness(channel=Consent.Channel.STAFF, given_by="user:1", ip=None)
        attaching.attach(plan, card, max_charge_cents=CENTS, witness=witness, now=self.desk.now())
        return plan

    def sweep(self, local: str) -> None:
        """What is due is charged, posted and told, as the workers would do it."""
        self.desk.at(local)
        self.desk.pull()
        sweep.sweep(now=self.desk.now(), hand_over=self.autopay)
        self.work()

    def autopay(self, due_part_id: int) -> None:
        charging.collect(due_part_id, channel=Attempt.Channel.AUTOPAY, actor="autopay", now=self.desk.now())

    def pay_now(self, installment: Installment, card_id: int) -> None:
        part = installment.due_parts.get(state="OPEN")
        channel = Attempt.Channel.PAY_NOW
        charging.collect(part.pk, channel=channel, actor="user:1", now=self.desk.now(), card_id=card_id)
        self.work()

    def sell(self, first: str) -> None:
        """$90 of work outside a plan, paid at the desk: $50 by a card on file, $40 in cash."""
        number = self.desk.patient(FName=first)
        self.desk.act("procedures", PatNum=number, ProcFee=90)
        self.desk.pull(cycles=2)
        patient, now = Patient.objects.get(pat_num=number), self.desk.now()
        wish = lines(account.read(self.practice.pk, number, now), Sale.Basis.PATIENT)
        sale = sales.draft(patient, basis=Sale.Basis.PATIENT, lines=wish, note="", actor="user:1", now=now)
        card = self.shop.card(patient, VISA, is_primary=False)
        part = sales.tender(sale.pk, cents=50_00, payer=patient, actor="user:1", now=now)
        channel = Attempt.Channel.ON_FILE
        charging.collect(part.pk, channel=channel, actor="user:1", now=now, card_id=card.pk, newest=0)
        recorded.record(sale.pk, cents=40_00, payer=patient, pay_type_num=70, paid_with="Cash", actor="user:1", now=now)
        self.work()

    def sell_at_page(self, first: str) -> None:
        """$35 of work outside a plan; the first card on the processor's page is declined, the second pays."""
        number = self.desk.patient(FName=first)
        self.desk.act("procedures", PatNum=number, ProcFee=35)
        self.desk.pull(cycles=2)
        patient, now = Patient.objects.get(pat_num=number), self.desk.now()
        wish = lines(account.read(self.practice.pk, number, now), Sale.Basis.PATIENT)
        sale = sales.draft(patient, basis=Sale.Basis.PATIENT, lines=wish, note="", actor="user:1", now=now)
        part = sales.tender(sale.pk, cents=35_00, payer=patient, actor="user:1", now=now)
        back = presented.Wish(
            Attempt.Channel.HOSTED, "user:1", back="https://kp.example/", cancel="https://kp.example/"
        )
        attempt = presented.begin(part.pk, back, now=now)
        for card in (POOR, VISA):
            typed = {"number": card, "expiry": "12/40", "code": "123", "name": "Pat Example", "zip_code": "10001"}
            self.shop.process.http.post(f"/c/pay/{attempt.page}", data=typed)
            presented.look(attempt, now=now, actor="user:1")
        self.work()

    def sell_with_fees(self, first: str) -> None:
        """$90 of work: $50 of it for $48.50 in cash, $40 for $41.20 by a credit card."""
        number = self.desk.patient(FName=first)
        self.desk.act("procedures", PatNum=number, ProcFee=90)
        self.desk.pull(cycles=2)
        patient, now = Patient.objects.get(pat_num=number), self.desk.now()
        wish = lines(account.read(self.practice.pk, number, now), Sale.Basis.PATIENT)
        sale = sales.draft(patient, basis=Sale.Basis.PATIENT, lines=wish, note="", actor="user:1", now=now)
        self._decide(FeeSettings.Mode.DISCOUNT, discount_rate=300, cash_types=[70], adj_type_num=1)
        paid: dict[str, Any] = {"payer": patient, "actor": "user:1", "now": now}
        recorded.record(sale.pk, cents=50_00, shown_cents=48_50, pay_type_num=70, paid_with="Cash", **paid)
        self._decide(FeeSettings.Mode.SURCHARGE, surcharge_rate=300, cost_rate=300, state="TX")
        card = self.shop.card(patient, VISA, is_primary=False)
        part = sales.tender(sale.pk, cents=40_00, shown_cents=41_20, means=Means.CREDIT, **paid)
        channel = Attempt.Channel.ON_FILE
        charging.collect(part.pk, channel=channel, actor="user:1", now=now, card_id=card.pk, newest=0)
        self.work()

    def _decide(self, mode: str, **facts: Any) -> None:
        self.practice.state = facts.get("state", "")
        self.practice.save()
        now = self.desk.now()
        day = {"effective_on": now.date() - timedelta(days=1), "actor": "user:1", "decided_at": now}
        FeeSettings.objects.create(practice=self.practice, mode=mode, **day, **facts)

    def work(self) -> None:
        """Postings and messages; twice, because one payment of a plan waits for another."""
        for _ in range(2):
            self.desk.post()
            send_due(self.practice.pk, self.desk.now())
            self.desk.wait(seconds=61)
        self.desk.pull()


def settle(town: Town) -> datetime:
    """Everything that can go well: autopay, a decline repaired by Pay Now, a payment ahead, a text and an e-mail.

    Returns business time some quiet hours later.
    """
    port = town.messaging.http.get("/_sandbox/health").json()["smtp_port"]
    smtp = {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": port,
        "DEFAULT_FROM_EMAIL": "payments@example.com",
    }
    with pytest.MonkeyPatch.context() as patch, override_settings(**smtp):
        patch.setattr(upward.handlers, "nudge", lambda _practice: None)
        life = Life(town)
        with tenancy.scope(life.practice.pk):
            return _live(life)


def _live(life: Life) -> datetime:
    anna = life.plan("Anna", 1, VISA)
    ben = life.plan("Ben", 2, POOR)
    life.plan("Cleo", 3, "5555555555554444", TxtMsgOk="No", Email="cleo@example.com")
    life.sweep("2022-07-10 10:05")
    life.pay_now(installments(ben.pay_plan_num)[0], life.shop.card(ben.guarantor, VISA, is_primary=False).pk)
    life.pay_now(installments(anna.pay_plan_num)[1], anna.autopay.card_id)
    life.sell("Dora")
    life.sell_at_page("Eve")
    life.sell_with_fees("Erik")
    life.shop.control("payouts/make", account_key=life.shop.account.secret_key, status="paid")
    payouts.hear(life.practice.pk, now=life.desk.now())
    life.desk.wait(hours=3)
    return life.desk.now()
