"""A desk sale from what Open Dental shows to what it shows afterwards: taken once, on the procedures named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from opendental import account
from patients.models import Patient
from payments import charging, recorded, refunds, sales, upward
from payments.claim import UnableToClaim
from payments.models import Attempt, DuePart, LedgerPosting, Payment, Sale
from payments.sale_lines import lines
from payments.sales import UnableToSell
from tests.opendental.desk import Desk, alarms
from tests.plugins.stripe import POOR, Shop

Basis, Channel, State = Sale.Basis, Attempt.Channel, LedgerPosting.State
CASH = 70


class Counter:
    """The desk of one patient with two finished procedures, $80 and $40."""

    def __init__(self, desk: Desk, shop: Shop) -> None:
        self.desk, self.shop = desk, shop
        self.number = desk.patient()
        self.first, self.second = self.work(80), self.work(40)
        desk.pull(cycles=2)
        self.patient = Patient.objects.get(pat_num=self.number)

    def work(self, fee: float) -> int:
        return int(self.desk.act("procedures", PatNum=self.number, ProcFee=fee)["ProcNum"])

    def draft(self, basis: str = Basis.PATIENT, **wish: Any) -> Sale:
        now = self.desk.now()
        shown = account.read(self.desk.practice.pk, self.number, now)
        found = lines(shown, basis, **wish)
        return sales.draft(self.patient, basis=basis, lines=found, note="At the desk", actor="user:1", now=now)

    def charge(self, sale: Sale, cents: int, number: str = "4242424242424242") -> Attempt:
        card = self.shop.card(self.patient, number, is_primary=False)
        part = sales.tender(sale.pk, cents=cents, payer=self.patient, actor="user:1", now=self.desk.now())
        return charging.collect(
            part.pk, channel=Channel.ON_FILE, actor="user:1", now=self.desk.now(), card_id=card.pk, newest=0
        )

    def cash(self, sale: Sale, cents: int) -> Attempt:
        return recorded.record(
            sale.pk, cents=cents, payer=self.patient, pay_type_num=CASH, paid_with="Cash", actor="user:1",
            now=self.desk.now(),
        )  # fmt: skip

    def on_procedures(self) -> dict[int, int]:
        """Cents of the office's splits by ProcNum; 0 is on none."""
        found: dict[int, int] = {}
        for split in self.desk.books("paysplits"):
            found[split["ProcNum"]] = found.get(split["ProcNum"], 0) + split["amount_cents"]
        return found


@pytest.fixture
def counter(desk: Desk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Counter:
    monkeypatch.setattr(upward.handlers, "nudge", lambda _practice: None)
    return Counter(desk, shop)


def states() -> list[str]:
    return list(LedgerPosting.objects.order_by("pk").values_list("state", flat=True))


def test_the_balance_is_charged_once_and_stands_on_its_procedures(counter: Counter) -> None:
    sale = counter.draft()
    attempt = counter.charge(sale, 120_00)
    counter.desk.post()

    sale.refresh_from_db()
    assert (attempt.state, sale.state, counter.shop.taken()) == ("SUCCEEDED", "PAID", [120_00])
    assert (states(), LedgerPosting.objects.get().route) == ([State.MATCHED], "PROCEDURES")
    assert counter.on_procedures() == {counter.first: 80_00, counter.second: 40_00}
    assert account.open_now(counter.desk.practice.pk, counter.number, counter.desk.now()) == {}
    assert alarms() == []


def test_chosen_procedures_are_paid_before_older_ones(counter: Counter) -> None:
    sale = counter.draft(Basis.PROCEDURES, chosen=[counter.second])
    counter.charge(sale, 40_00)
    counter.desk.post()
    assert (states(), counter.on_procedures()) == ([State.MATCHED], {counter.second: 40_00})


def test_lines_that_open_dental_missed_are_set_by_replacing_the_splits(counter: Counter) -> None:
    counter.desk.act("preferences", RigorousAccounting="2")
    counter.desk.connect()
    sale = counter.draft(Basis.PROCEDURES, chosen=[counter.second], cents=15_00)
    counter.charge(sale, 15_00)
    counter.desk.post()
    assert (states(), counter.on_procedures()) == ([State.MATCHED], {counter.second: 15_00})
    assert len(counter.desk.books("payments")) == 1


def test_a_custom_amount_pays_the_oldest_and_leaves_the_rest_unearned(counter: Counter) -> None:
    sale = counter.draft(Basis.CUSTOM, cents=150_00)
    assert [(line.kind, line.amount_cents) for line in sale.lines.order_by("pk")] == [
        ("PROCEDURE", 80_00), ("PROCEDURE", 40_00), ("REST", 30_00),
    ]  # fmt: skip
    counter.charge(sale, 150_00)
    counter.desk.post()
    assert states() == [State.MATCHED]
    assert counter.on_procedures() == {counter.first: 80_00, counter.second: 40_00, 0: 30_00}


def test_a_prepayment_is_one_unearned_split(counter: Counter) -> None:
    sale = counter.draft(Basis.PREPAYMENT, cents=60_00)
    counter.charge(sale, 60_00)
    counter.desk.post()
    assert (states(), LedgerPosting.objects.get().route) == ([State.MATCHED], "UNEARNED")
    assert [(split["kind"], split["amount_cents"]) for split in counter.desk.books("paysplits")] == [
        ("unearned", 60_00)
    ]


def test_cash_and_a_card_share_a_sale_and_neither_takes_the_others_part(counter: Counter) -> None:
    sale = counter.draft()
    counter.cash(sale, 50_00)
    with pytest.raises(UnableToSell, match=r"Only \$70.00"):
        counter.charge(sale, 120_00)
    counter.charge(sale, 70_00)
    counter.desk.post()

    sale.refresh_from_db()
    assert (sale.state, counter.shop.taken(), states()) == ("PAID", [70_00], [State.MATCHED, State.MATCHED])
    assert counter.on_procedures() == {counter.first: 80_00, counter.second: 40_00}
    cash, card = counter.desk.books("payments")
    assert (cash["PayType"], card["PayType"] == CASH) == (CASH, False)
    assert "Cash" in cash["PayNote"]
    assert "At the desk" in card["PayNote"]


def test_a_declined_card_leaves_the_sale_open_for_another_one(counter: Counter) -> None:
    sale = counter.draft()
    declined = counter.charge(sale, 120_00, POOR)
    sale.refresh_from_db()
    assert (declined.state, sale.state, sales.left_cents(sale)) == ("DECLINED", "OPEN", 120_00)
    assert list(DuePart.objects.filter(sale=sale).values_list("state", "hold", "next_try_at")) == [("CLOSED", "", None)]

    counter.charge(sale, 120_00)
    counter.desk.post()
    assert (counter.shop.taken(), states()) == ([120_00], [State.MATCHED])


def test_what_was_paid_in_the_office_meanwhile_is_not_charged(counter: Counter) -> None:
    sale = counter.draft()
    counter.desk.act("prepay_procedure", ProcNum=counter.first, amount_cents=80_00)
    with pytest.raises(UnableToClaim, match="less is owed now"):
        counter.charge(sale, 120_00)
    assert counter.shop.taken() == []


def test_two_sales_of_one_procedure_can_not_both_be_paid(counter: Counter) -> None:
    mine, theirs = counter.draft(), counter.draft(Basis.PROCEDURES, chosen=[counter.second])
    counter.cash(mine, 120_00)
    # Open Dental shows it as open until the first is posted, so a draft made now looks right as well.
    with pytest.raises(UnableToSell, match="under way"):
        counter.cash(counter.draft(), 120_00)
    counter.desk.wait(minutes=1)
    counter.desk.post()
    with pytest.raises(UnableToSell, match="paid after it was read"):
        counter.cash(theirs, 40_00)
    assert (Payment.objects.count(), counter.on_procedures()) == (1, {counter.first: 80_00, counter.second: 40_00})


def test_a_canceled_sale_lets_go_and_a_paid_part_stays_paid(counter: Counter) -> None:
    mine, theirs = counter.draft(), counter.draft()
    counter.cash(mine, 20_00)
    counter.desk.post()
    ended = sales.cancel(mine.pk, actor="user:1", now=counter.desk.now())
    assert (ended.state, sales.paid_cents(ended)) == ("CANCELED", 20_00)
    with pytest.raises(UnableToSell, match="paid after it was read"):
        counter.cash(theirs, 100_00)

    counter.desk.wait(minutes=1)
    counter.cash(counter.draft(), 100_00)
    counter.desk.post()
    assert states() == [State.MATCHED, State.MATCHED]


def test_an_old_draft_is_not_paid(counter: Counter) -> None:
    sale = counter.draft()
    counter.desk.wait(minutes=11)
    with pytest.raises(UnableToSell, match="begin again"):
        counter.cash(sale, 120_00)
    assert (Payment.objects.count(), DuePart.objects.filter(sale=sale).count()) == (0, 0)


def test_what_nobody_goes_on_with_is_ended_and_let_go(counter: Counter) -> None:
    sale = counter.draft()
    part = sales.tender(sale.pk, cents=120_00, payer=counter.patient, actor="user:1", now=counter.desk.now())
    now = counter.desk.wait(minutes=11)
    assert sales.tidy(counter.desk.practice.pk, now=now) == 0, "its worker may still be at it, by real time"
    assert sales.tidy(counter.desk.practice.pk, now=now, real_now=part.created_at + timedelta(minutes=11)) == 1
    sale.refresh_from_db()
    part.refresh_from_db()
    assert (sale.state, part.state) == ("CANCELED", "CLOSED")
    counter.cash(counter.draft(), 120_00)


def test_a_sale_is_given_back_by_open_dentals_own_refund(counter: Counter) -> None:
    sale = counter.draft()
    counter.charge(sale, 120_00)
    counter.desk.post()
    wish = refunds.Wish(cents=120_00, reason="REQUESTED", actor="user:1", newest=0)
    refunds.refund(Payment.objects.get().pk, wish, now=counter.desk.now())
    counter.desk.post()
    assert states() == [State.MATCHED, State.MATCHED]
    assert LedgerPosting.objects.get(movement="REFUND").route == "REFUND"
    assert account.open_now(counter.desk.practice.pk, counter.number, counter.desk.now()) == {
        counter.first: 80_00, counter.second: 40_00,
    }  # fmt: skip


def test_a_lost_answer_to_a_sales_posting_is_searched_for_and_not_sent_twice(counter: Counter) -> None:
    sale = counter.draft()
    counter.charge(sale, 120_00)
    counter.desk.outside.fault("POST /api/v1/payments", "drop_after", times=1)
    counter.desk.post()
    assert states() == [State.UNCLEAR]
    counter.desk.wait(seconds=61)
    counter.desk.post()
    assert (states(), len(counter.desk.books("payments"))) == ([State.MATCHED], 1)
