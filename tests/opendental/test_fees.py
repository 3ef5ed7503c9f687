"""Cash discount and surcharge through the books: screen, drawer or processor, and Open Dental agree to the cent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from opendental import account, adjusting
from opendental.client import Office
from opendental.models import Connection
from payments import charging, fees, receipts, recorded, refunds, sales, upward
from payments.fees import Means
from payments.models import (
    Alarm,
    Allocation,
    Attempt,
    DuePart,
    FeeSettings,
    LedgerAdjustment,
    LedgerPosting,
    Payment,
    Refund,
    Sale,
    TenderFee,
)
from payments.sales import PriceChanged
from practices.models import Event
from tests.opendental.desk import Desk, alarms
from tests.opendental.test_sales import CASH, Counter, states
from tests.plugins.stripe import DEBIT, VISA, Shop

CHECK, TAKES_OFF = 69, 1


@pytest.fixture
def counter(desk: Desk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Counter:
    monkeypatch.setattr(upward.handlers, "nudge", lambda _practice: None)
    return Counter(desk, shop)


def decide(counter: Counter, mode: str, **more: Any) -> FeeSettings:
    now = counter.desk.now()
    facts: dict[str, Any] = {"cash_types": [CASH, CHECK], "adj_type_num": TAKES_OFF, "discount_rate": 300}
    if mode == "SURCHARGE":
        counter.desk.practice.state = "TX"
        counter.desk.practice.save()
        facts = {"surcharge_rate": 300, "cost_rate": 300}
    facts |= {"effective_on": now.date() - timedelta(days=1), **more}
    return FeeSettings.objects.create(
        practice=counter.desk.practice, mode=mode, actor="user:1", decided_at=now, **facts
    )


def cash(counter: Counter, sale: Sale, cents: int, shown: int | None, pay_type: int = CASH) -> Attempt:
    return recorded.record(
        sale.pk, cents=cents, payer=counter.patient, pay_type_num=pay_type, paid_with="Cash", actor="user:1",
        now=counter.desk.now(), shown_cents=shown,
    )  # fmt: skip


def adjustments(counter: Counter) -> list[dict[str, Any]]:
    office = Office(Connection.objects.get())
    return list(office.get_all("/adjustments", PatNum=counter.number))


def adjusted(counter: Counter) -> dict[int, int]:
    return {row["ProcNum"]: round(row["AdjAmt"] * 100) for row in adjustments(counter)}


def still_open(counter: Counter) -> dict[int, int]:
    return account.open_now(counter.desk.practice.pk, counter.number, counter.desk.now())


def row_states() -> list[str]:
    return list(LedgerAdjustment.objects.order_by("pk").values_list("state", flat=True))


def test_cash_pays_less_and_the_account_comes_to_zero(counter: Counter) -> None:
    decide(counter, "DISCOUNT")
    sale = counter.draft()
    attempt = cash(counter, sale, 120_00, 116_40)
    counter.desk.post()

    sale.refresh_from_db()
    payment = Payment.objects.get()
    assert (sale.state, attempt.amount_cents, payment.amount_cents) == ("PAID", 116_40, 116_40)
    assert (states(), row_states()) == (["MATCHED"], ["MATCHED", "MATCHED"])
    assert counter.on_procedures() == {counter.first: 77_60, counter.second: 38_80}
    assert adjusted(counter) == {counter.first: -2_40, counter.second: -1_20}
    assert still_open(counter) == {}
    assert list(Allocation.objects.order_by("pk").values_list("amount_cents", "discount_cents")) == [
        (77_60, 2_40), (38_80, 1_20),
    ]  # fmt: skip
    assert fees.receipt_lines(attempt) == [("Cash discount", -3_60)]
    assert TenderFee.objects.get().sentence == "Card price $120.00, with cash or check $116.40: $3.60 less."
    assert (sales.is_over(sale), alarms()) == (True, [])


def test_an_office_that_is_told_no_lines_still_comes_to_zero(counter: Counter) -> None:
    """The adjustments go first, so that its own first-in first-out lands right."""
    Connection.objects.update(version="24.4.30.0")
    decide(counter, "DISCOUNT")
    cash(counter, counter.draft(), 120_00, 116_40)
    counter.desk.post()
    assert (states(), row_states(), still_open(counter)) == (["MATCHED"], ["MATCHED", "MATCHED"], {})
    assert counter.on_procedures() == {counter.first: 77_60, counter.second: 38_80}


def test_another_providers_procedure_gets_the_adjustment_of_its_provider(counter: Counter) -> None:
    number = counter.desk.act("procedures", PatNum=counter.number, ProcFee=10, ProvNum=2)["ProcNum"]
    decide(counter, "DISCOUNT")
    cash(counter, counter.draft("PROCEDURES", chosen=[number]), 10_00, 9_70)
    counter.desk.post()
    assert [(row["ProvNum"], row["AdjNote"][:3]) for row in adjustments(counter)] == [(2, "KP-")]
    assert number not in still_open(counter)


def test_a_card_pays_the_posted_price_and_splits_with_discounted_cash(counter: Counter) -> None:
    decide(counter, "DISCOUNT")
    sale = counter.draft()
    cash(counter, sale, 50_00, 48_50, CHECK)
    counter.charge(sale, 70_00)
    counter.desk.post()
    sale.refresh_from_db()
    assert (sale.state, counter.shop.taken(), states()) == ("PAID", [70_00], ["MATCHED", "MATCHED"])
    assert (adjusted(counter), still_open(counter)) == ({counter.first: -1_50}, {})


def test_what_was_not_shown_is_not_taken(counter: Counter) -> None:
    decide(counter, "DISCOUNT")
    sale = counter.draft()
    for shown in (120_00, 116_39, None):
        with pytest.raises(PriceChanged, match=r"\$116.40"):
            cash(counter, sale, 120_00, shown)
    assert (Payment.objects.count(), DuePart.objects.filter(sale=sale).count(), TenderFee.objects.count()) == (0, 0, 0)


def test_no_discount_on_other_money_or_on_what_names_no_procedure(counter: Counter) -> None:
    decide(counter, "DISCOUNT", cash_types=[CASH])
    cash(counter, counter.draft("PROCEDURES", chosen=[counter.second]), 40_00, 40_00, CHECK)
    cash(counter, counter.draft("PREPAYMENT", cents=50_00), 50_00, 50_00)
    counter.desk.post()
    assert (states(), LedgerAdjustment.objects.count(), TenderFee.objects.count()) == (["MATCHED", "MATCHED"], 0, 0)


def test_a_lost_answer_is_searched_for_and_the_adjustment_is_there_once(counter: Counter) -> None:
    decide(counter, "DISCOUNT")
    sale = counter.draft("PROCEDURES", chosen=[counter.second])
    cash(counter, sale, 40_00, 38_80)
    counter.desk.outside.fault("POST /api/v1/adjustments", "drop_after", times=1)
    counter.desk.post()
    sale.refresh_from_db()
    assert (row_states(), states(), sales.is_over(sale)) == (["UNCLEAR"], ["QUEUED"], False)
    counter.desk.wait(seconds=61)
    counter.desk.post()
    assert (row_states(), states(), len(adjustments(counter))) == (["MATCHED"], ["MATCHED"], 1)
    assert (still_open(counter), alarms()) == ({counter.first: 80_00}, [])


def test_a_request_that_never_arrived_is_sent_once_more_after_two_searches(counter: Counter) -> None:
    decide(counter, "DISCOUNT")
    cash(counter, counter.draft("PROCEDURES", chosen=[counter.second]), 40_00, 38_80)
    counter.desk.outside.fault("POST /api/v1/adjustments", "drop_before", times=1)
    for _ in range(4):
        counter.desk.post()
        counter.desk.wait(seconds=61)
    assert (row_states(), states(), len(adjustments(counter))) == (["MATCHED"], ["MATCHED"], 1)
    assert LedgerAdjustment.objects.get().sends == 2


def test_what_open_dental_refuses_waits_for_staff_and_ends_when_they_enter_it(counter: Counter) -> None:
    decide(counter, "DISCOUNT", adj_type_num=293)
    Connection.objects.update(adjustment_types={"293": "Turned into a plus meanwhile"})
    cash(counter, counter.draft("PROCEDURES", chosen=[counter.second]), 40_00, 38_80)
    counter.desk.post()
    counter.desk.wait(seconds=20)
    counter.desk.post()
    row = LedgerAdjustment.objects.get()
    assert (row.state, states(), alarms()) == ("BY_HAND", ["MATCHED"], ["ADJUSTMENT_BY_HAND"])

    office = Office(Connection.objects.get())
    wrong = {"PatNum": counter.number, "AdjType": TAKES_OFF, "AdjAmt": "-1.00", "ProcNum": counter.second}
    made = office.post("/adjustments", {**wrong, "AdjDate": "2022-07-01", "AdjNote": f"{row.reference} Dana"})["AdjNum"]
    counter.desk.wait(minutes=16)
    counter.desk.post()
    assert (row_states(), alarms()) == (["BY_HAND"], ["ADJUSTMENT_BY_HAND"])
    office.put(f"/adjustments/{made}", {"AdjAmt": "-1.20"})
    counter.desk.wait(minutes=16)
    counter.desk.post()
    assert (row_states(), alarms(), LedgerAdjustment.objects.get().adj_num) == (["MATCHED"], [], made)


def test_a_credit_card_pays_a_surcharge_that_stays_out_of_open_dental(counter: Counter) -> None:
    decide(counter, "SURCHARGE")
    attempt = surcharged(counter)
    counter.desk.post()
    assert (attempt.state, counter.shop.taken(), Payment.objects.get().amount_cents) == ("SUCCEEDED", [123_60], 123_60)
    assert (states(), LedgerPosting.objects.get().amount_cents) == (["MATCHED"], 120_00)
    assert counter.on_procedures() == {counter.first: 80_00, counter.second: 40_00}
    assert (adjustments(counter), still_open(counter), alarms()) == ([], {}, [])
    assert "surcharge of $3.60" in counter.desk.books("payments")[0]["PayNote"]
    assert fees.receipt_lines(attempt) == [("Surcharge for paying with a credit card (3 %)", 3_60)]


def surcharged(counter: Counter) -> Attempt:
    sale = counter.draft()
    card = counter.shop.card(counter.patient, VISA, is_primary=False)
    part = sales.tender(
        sale.pk, cents=120_00, payer=counter.patient, actor="user:1", now=counter.desk.now(),
        means=Means.of_card(card.funding), shown_cents=123_60,
    )  # fmt: skip
    return charging.collect(
        part.pk, channel=Attempt.Channel.ON_FILE, actor="user:1", now=counter.desk.now(), card_id=card.pk, newest=0
    )


def test_a_debit_card_pays_none(counter: Counter) -> None:
    decide(counter, "SURCHARGE")
    card = counter.shop.card(counter.patient, DEBIT, is_primary=False)
    part = sales.tender(
        counter.draft().pk, cents=120_00, payer=counter.patient, actor="user:1", now=counter.desk.now(),
        means=Means.of_card(card.funding), shown_cents=120_00,
    )  # fmt: skip
    assert (part.charge_cents, TenderFee.objects.count()) == (120_00, 0)


def give_back(counter: Counter, cents: int) -> None:
    wish = refunds.Wish(cents=cents, reason="REQUESTED", actor="user:1")
    refunds.refund(Payment.objects.get().pk, wish, now=counter.desk.now())


def test_refunds_give_the_surcharge_back_in_proportion_and_all_of_it_in_the_end(counter: Counter) -> None:
    decide(counter, "SURCHARGE")
    surcharged(counter)
    counter.desk.post()
    for cents in (50_00, 33_33, 40_27):
        give_back(counter, cents)
    assert list(Refund.objects.order_by("pk").values_list("amount_cents", "fee_cents")) == [
        (50_00, 1_45), (33_33, 97), (40_27, 1_18),
    ]  # fmt: skip
    back = LedgerPosting.objects.filter(movement="REFUND").order_by("pk")
    assert list(back.values_list("amount_cents", flat=True)) == [-48_55, -32_36, -39_09]


def test_a_whole_refund_of_a_surcharge_is_open_dentals_own_refund_of_the_rest(counter: Counter) -> None:
    decide(counter, "SURCHARGE")
    surcharged(counter)
    counter.desk.post()
    give_back(counter, 123_60)
    counter.desk.post()
    back = LedgerPosting.objects.get(movement="REFUND")
    assert (back.amount_cents, back.route, back.state) == (-120_00, "REFUND", "MATCHED")
    assert still_open(counter) == {counter.first: 80_00, counter.second: 40_00}


def test_discounted_cash_goes_back_with_its_share_of_the_discount(counter: Counter) -> None:
    decide(counter, "DISCOUNT")
    cash(counter, counter.draft(), 120_00, 116_40)
    counter.desk.post()
    give_back(counter, 29_10)
    counter.desk.post()
    assert (adjusted(counter), row_states()) == ({counter.first: -1_80, counter.second: -90}, ["MATCHED"] * 2)
    give_back(counter, 87_30)
    counter.desk.post()
    assert (adjusted(counter), row_states()) == ({counter.first: 0, counter.second: 0}, ["MATCHED"] * 2)
    assert receipts._left_of_sale(Sale.objects.get()) == 120_00


def test_all_of_it_given_back_leaves_the_work_at_its_posted_price(counter: Counter) -> None:
    decide(counter, "DISCOUNT")
    cash(counter, counter.draft(), 120_00, 116_40)
    counter.desk.post()
    give_back(counter, 116_40)
    counter.desk.post()
    back = LedgerPosting.objects.get(movement="REFUND")
    assert (back.amount_cents, back.state, back.route) == (-116_40, "MATCHED", "REFUND")
    assert (still_open(counter), alarms()) == ({counter.first: 80_00, counter.second: 40_00}, [])


def test_a_lost_answer_to_a_smaller_discount_is_told_once_more_and_does_no_harm(counter: Counter) -> None:
    decide(counter, "DISCOUNT")
    cash(counter, counter.draft("PROCEDURES", chosen=[counter.second]), 40_00, 38_80)
    counter.desk.post()
    counter.desk.outside.fault("PUT /api/v1/adjustments/*", "drop_after", times=1)
    give_back(counter, 38_80)
    counter.desk.post()
    assert row_states() == ["UNCLEAR"]
    counter.desk.wait(seconds=61)
    counter.desk.post()
    assert (row_states(), adjusted(counter)) == (["MATCHED"], {counter.second: 0})


def test_a_refund_that_settles_while_a_discount_is_read_back_is_not_forgotten(counter: Counter) -> None:
    decide(counter, "DISCOUNT")
    cash(counter, counter.draft("PROCEDURES", chosen=[counter.second]), 40_00, 38_80)
    counter.desk.post()
    LedgerAdjustment.objects.update(state="POSTED")
    give_back(counter, 19_40)
    assert (row_states(), LedgerAdjustment.objects.get().target_cents) == (["POSTED"], -60)
    counter.desk.post()
    counter.desk.post()
    assert (row_states(), adjusted(counter)) == (["MATCHED"], {counter.second: -60})


def refused(counter: Counter) -> LedgerAdjustment:
    """A discount that Open Dental did not take: its type takes off no more."""
    decide(counter, "DISCOUNT", adj_type_num=293)
    Connection.objects.update(adjustment_types={"293": "Turned into a plus meanwhile"})
    cash(counter, counter.draft("PROCEDURES", chosen=[counter.second]), 40_00, 38_80)
    counter.desk.post()
    return LedgerAdjustment.objects.get()


def test_staff_have_a_refused_discount_posted_again_once_its_cause_is_gone(counter: Counter) -> None:
    row = refused(counter)
    LedgerAdjustment.objects.update(adj_type_num=TAKES_OFF)
    assert adjusting.again(row, actor="user:1", now=counter.desk.now())
    for _ in range(2):
        counter.desk.post()
        counter.desk.wait(seconds=61)
    counter.desk.post()
    assert (row_states(), adjusted(counter), alarms()) == (["MATCHED"], {counter.second: -1_20}, [])
    assert not adjusting.again(LedgerAdjustment.objects.get(), actor="user:1", now=counter.desk.now())


def test_a_discount_marked_as_entered_by_hand_is_left_alone_until_it_is_taken_back(counter: Counter) -> None:
    row = refused(counter)
    assert adjusting.mark(row, reason="In the deposit of May", actor="user:1", now=counter.desk.now())
    counter.desk.wait(hours=1)
    counter.desk.post()
    assert (row_states(), alarms(), adjusted(counter)) == (["MARKED"], [], {})
    assert Event.objects.get(kind="adjustment_marked").text == "In the deposit of May"
    # What goes back with a refund, only those who entered it can change.
    give_back(counter, 38_80)
    row.refresh_from_db()
    assert (row.state, "no discount any more" in Alarm.objects.get(kind="ADJUSTMENT_BY_HAND", closed_at=None).text) == (
        "BY_HAND", True,
    )  # fmt: skip
    assert adjusting.mark(row, reason="Deleted there", actor="user:1", now=counter.desk.now())
    assert adjusting.unmark(row, actor="user:1", now=counter.desk.now())
    counter.desk.post()
    assert row_states() == ["MATCHED"], "nothing of it is there, and nothing should be"
