"""Fees on the screens: decided with the rules explained, shown before paying, charged as shown."""

from __future__ import annotations

import html
import re
from datetime import date
from typing import Any

import pytest
from django.test import Client

from patients.models import Patient
from payments import making_room, upward
from payments.models import Attempt, FeeSettings, Payment, Sale, TenderFee
from practices.models import Event, Practice
from tests.plugins.stripe import DEBIT, Shop
from tests.staff.conftest import SignIn
from tests.staff.selling import draft, newest, work

pytestmark = pytest.mark.usefixtures("office")
URL = "/settings/payments/fees/"
TODAY = "2026-03-10"
DISCOUNT: dict[str, Any] = {
    "mode": "DISCOUNT", "effective_on": TODAY, "discount": "3", "cash_types": [69, 70], "adj_type": "1", "state": "TX",
}  # fmt: skip
SURCHARGE: dict[str, Any] = {
    "mode": "SURCHARGE", "effective_on": TODAY, "surcharge": "3", "cost": "2.75", "state": "TX",
    "notice_on": "2026-02-08", "acknowledgement": "notice given, signs posted", "cash_types": [70],
}  # fmt: skip


def words(answer: Any) -> str:
    """What somebody reads; each tag and each run of white space is one space."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


@pytest.fixture
def manager(sign_in: SignIn) -> Client:
    return sign_in("MANAGER")


@pytest.fixture(autouse=True)
def types(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The office's adjustment types; `refusal` says why none can be posted."""
    said: dict[str, Any] = {"names": {1: "Cash discount"}, "refusal": ""}
    monkeypatch.setattr(
        upward.handlers, "adjustment_types", lambda _practice: upward.AdjustmentTypes(said["names"], said["refusal"])
    )
    monkeypatch.setattr(upward.handlers, "payment_types", lambda _practice: {69: "Check", 70: "Cash", 71: "EFT"})
    return said


def test_a_decision_is_kept_with_its_day_and_its_person(manager: Client, practice: Practice) -> None:
    assert "Nothing was decided yet: the practice absorbs." in words(manager.get(URL))
    manager.post(URL, DISCOUNT)
    manager.post(URL, {**SURCHARGE, "effective_on": "2026-04-01"})

    now, planned = FeeSettings.objects.order_by("pk")
    practice.refresh_from_db()
    assert (now.mode, now.discount_rate, now.cash_types, now.adj_type_num) == ("DISCOUNT", 300, [69, 70], 1)
    assert (planned.surcharge_rate, planned.cost_rate, planned.state, practice.state) == (300, 275, "TX", "TX")
    assert (planned.notice_on, planned.effective_on) == (date(2026, 2, 8), date(2026, 4, 1))
    assert Event.objects.filter(kind="FEES_DECIDED").count() == 2
    page = words(manager.get(URL))
    assert "Now: Cash discount of 3 %" in page
    assert "Surcharge of 2.75 % on credit cards Planned" in page


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({**SURCHARGE, "state": "CT"}, "Connecticut does not permit surcharges on cards."),
        ({**SURCHARGE, "state": ""}, "Choose the practice's state first"),
        ({**SURCHARGE, "state": "CO"}, "CO permits at most 2 %."),
        ({**SURCHARGE, "surcharge": "3.01"}, "less than or equal to 3"),
        ({**SURCHARGE, "cost": ""}, "Enter what accepting a card costs you."),
        ({**SURCHARGE, "acknowledgement": "yes"}, "Type exactly: NOTICE GIVEN, SIGNS POSTED"),
        ({**SURCHARGE, "notice_on": "2026-02-09"}, "30 days after the notice is Mar 11, 2026."),
        ({**SURCHARGE, "notice_on": "2026-03-11"}, "Enter the day on which the acquirer was told."),
        ({**DISCOUNT, "adj_type": ""}, "Choose the adjustment type of the discount."),
        ({**DISCOUNT, "adj_type": "293"}, "Select a valid choice."),
        ({**DISCOUNT, "discount": "0"}, "greater than or equal to 0.01"),
        ({**DISCOUNT, "cash_types": []}, "Choose which payment types get the discount."),
        ({**DISCOUNT, "effective_on": "2026-03-09"}, "Choose today or a later day"),
        ({}, "This field is required."),
    ],
)
def test_what_the_rules_bar_is_refused_in_words(manager: Client, wish: dict[str, Any], said: str) -> None:
    answer = manager.post(URL, wish)
    assert (answer.status_code, said in words(answer)) == (422, True), words(answer)
    assert (FeeSettings.objects.count(), Event.objects.count()) == (0, 0)


def test_an_office_without_an_adjustment_type_is_told_what_to_do(manager: Client, types: dict[str, Any]) -> None:
    types |= {"names": {}, "refusal": "Add one there."}
    answer = manager.post(URL, {**DISCOUNT, "adj_type": ""})
    assert (answer.status_code, "Add one there." in words(answer), FeeSettings.objects.count()) == (422, True, 0)


def test_the_example_follows_what_is_typed_and_saves_nothing(manager: Client) -> None:
    page = words(manager.post(f"{URL}preview/", SURCHARGE))
    assert "Credit card on file $102.75 $2.75 surcharge" in page
    assert "Debit or prepaid card $100.00" in page
    assert "Massachusetts does not permit" in words(manager.post(f"{URL}preview/", {**SURCHARGE, "state": "MA"}))
    assert "Cash or check $97.00 $3.00 less" in words(manager.post(f"{URL}preview/", DISCOUNT))
    assert FeeSettings.objects.count() == 0


def test_decisions_are_never_changed(manager: Client) -> None:
    manager.post(URL, DISCOUNT)
    with pytest.raises(Exception, match="append-only"):
        FeeSettings.objects.update(discount_rate=400)


def pay(client: Client, sale: Sale, **wish: Any) -> Any:
    means = {"method": "recorded", "pay_type": "", "number": "", "newest": newest(sale), **wish}
    return client.post(f"/payments/sales/{sale.uuid}/pay/", means)


def test_both_prices_are_shown_and_cash_is_taken_as_shown(manager: Client, ana: Patient) -> None:
    manager.post(URL, DISCOUNT)
    sale = draft(manager, ana)
    page = words(manager.get(f"/payments/sales/{sale.uuid}/"))
    assert "Any card $120.00 the posted price Cash or check $116.40 $3.60 less" in page

    price = manager.post(
        f"/payments/sales/{sale.uuid}/price/", {"method": "recorded", "pay_type": "70", "amount": "50"}
    )
    assert "Card price $50.00, with cash or check $48.50: $1.50 less. Take $48.50" in words(price)
    assert 'name="shown" value="4850"' in price.content.decode()

    stale = pay(manager, sale, pay_type="70", amount="50", shown="5000")
    assert (stale.status_code, Payment.objects.count(), TenderFee.objects.count()) == (422, 0, 0)
    assert "Nothing was taken yet. This is the price: look at it, then take it. Card price $50.00" in words(stale)
    assert 'name="shown" value="4850"' in stale.content.decode()

    pay(manager, sale, pay_type="70", amount="50", shown="4850")
    assert [one.amount_cents for one in Payment.objects.all()] == [48_50]
    page = words(manager.get(f"/payments/sales/{sale.uuid}/"))
    assert "$48.50 taken: Cash. With a cash discount of $1.50 it pays $50.00." in page
    assert "Pay the rest Any card $70.00" in page

    giving_back = words(manager.get(f"/payments/{Payment.objects.get().pk}/refund/"))
    assert "Its share of the cash discount goes with it" in giving_back
    receipt = words(manager.get(f"/payments/{Payment.objects.get().pk}/receipt/"))
    assert "Cash discount −$1.50" in receipt
    assert "$48.50" in receipt
    assert "Left to pay of $120.00" in receipt
    assert "$70.00" in receipt


def test_a_credit_card_is_charged_the_surcharge_that_was_shown(
    manager: Client,
    ana: Patient,
    shop: Shop,
    handed: list[dict[str, Any]],
) -> None:
    manager.post(URL, SURCHARGE)
    credit, debit = shop.card(ana, is_primary=True), shop.card(ana, DEBIT, is_primary=False)
    sale = draft(manager, ana)
    page = manager.get(f"/payments/sales/{sale.uuid}/")
    assert "Credit card $123.30 with a surcharge of $3.30 Debit card, cash or check $120.00 no surcharge" in words(page)
    assert 'name="shown" value="12330"' in page.content.decode()

    assert pay(manager, sale, method=credit.pk, amount="100", shown="10000").status_code == 422
    pay(manager, sale, method=credit.pk, amount="100", shown="10275")
    work(handed)
    pay(manager, sale, method=debit.pk, amount="20", shown="2000")
    work(handed)
    assert list(Attempt.objects.order_by("pk").values_list("state", "amount_cents")) == [
        ("SUCCEEDED", 102_75), ("SUCCEEDED", 20_00),
    ]  # fmt: skip
    sale.refresh_from_db()
    assert (sale.state, shop.taken()) == ("PAID", [102_75, 20_00])

    receipt = words(manager.get(f"/payments/{Payment.objects.order_by('pk')[0].pk}/receipt/"))
    assert "Surcharge for paying with a credit card (2.75 %) $2.75" in receipt
    assert "$102.75" in receipt


def test_a_practice_that_moves_to_a_barred_state_takes_no_surcharge(
    manager: Client,
    practice: Practice,
    ana: Patient,
) -> None:
    manager.post(URL, SURCHARGE)
    Practice.objects.update(state="ME")
    sale = draft(manager, ana)
    page = words(manager.get(f"/payments/sales/{sale.uuid}/"))
    assert "No surcharge is taken now. Maine does not permit surcharges on cards." in page
    assert "Take $120.00" in page


def test_a_price_that_is_not_the_shown_one_closes_no_page_on_a_phone(
    manager: Client, desk: Client, ana: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Patient] = []
    monkeypatch.setattr(making_room, "make_room", lambda patient, **_: closed.append(patient))
    manager.post(URL, DISCOUNT)
    sale = draft(desk, ana)
    wish = {"method": "recorded", "pay_type": "70", "amount": "120.00", "newest": 0}
    pay_url = f"/payments/sales/{sale.uuid}/pay/"
    assert "Nothing was taken yet." in words(desk.post(pay_url, {**wish, "shown": 120_00}))
    assert (closed, Payment.objects.count()) == ([], 0)
    desk.post(pay_url, {**wish, "shown": 116_40})
    assert (closed, Payment.objects.get().amount_cents) == ([ana], 116_40)
