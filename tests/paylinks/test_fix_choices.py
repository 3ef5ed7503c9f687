"""Other ways out of a failed payment on the phone: a part now, another day, two parts, a call; bad input."""

from __future__ import annotations

from datetime import date

import pytest

from cards.models import Autopay, Consent
from payments.models import Alarm, Attempt, DuePart, PlanChange
from payplans.models import Installment
from practices.models import PaymentSettings
from tests.paylinks.conftest import DAY, Phone, Time, Workers, words
from tests.plugins.money import Ledger
from tests.plugins.stripe import DEBIT, Shop


def open_parts() -> list[tuple[int, date | None]]:
    return list(DuePart.objects.filter(state="OPEN").order_by("slot").values_list("amount_cents", "charge_from"))


def test_the_page_offers_every_way_and_says_how_many_tries_are_left(phone: Phone) -> None:
    text = words(phone.get())

    assert "If you do nothing, Visa 4242 is tried again on March 11, 2026. Tries left: 14." in text
    assert "Pay a part now Amount, in dollars From $5.00 to $123.60. The rest stays due." in text
    assert "Pay on another day Charge Visa 4242 on Until March 25, 2026. Changes left: 2." in text
    assert "Split it in two" in text
    assert "Ask us to call you" in text


def test_a_part_is_paid_with_another_card_and_the_rest_is_named_and_keeps_its_day(
    phone: Phone, workers: Workers, shop: Shop
) -> None:
    asked = phone.post("/part", dollars="50")
    assert "I allow Maple Grove Dental to charge $50.00 to my card entered on the next page once, now. The rest of" in (
        words(asked)
    )
    assert "The rest, $78.60, is charged to Visa 4242 on March 12, 2026." in words(asked)
    hosted = str(phone.post("/card", amount=phone.cents, cents="5000")["Location"])
    done = phone.client.get(phone.enter_card(hosted, DEBIT))["Location"]
    phone.client.get(done)
    workers.work()

    page = phone.client.get(done)
    assert "Paid. Thank you! $50.00" in words(page)
    assert "The rest, $78.60, is charged to Visa 4242 on March 12, 2026." in words(page)
    assert "Use Visa 5556 for your next payments?" in words(page), "and becomes the plan's card when agreed to"
    assert shop.taken() == [50_00]
    assert open_parts() == [(78_60, date(2026, 3, 12))]
    assert Consent.objects.get(kind="ONE_CHARGE").schedule[0]["amount_cents"] == 78_60
    assert "Still to pay $78.60" in words(phone.get())


def test_a_declined_part_leaves_the_whole_payment_and_pressing_twice_is_one_try(
    phone: Phone, workers: Workers, shop: Shop
) -> None:
    shop.behave(Autopay.objects.get().card, "decline:insufficient_funds")
    for _ in range(2):
        phone.post("/again", amount=phone.cents, cents="5000")
    workers.work()

    assert open_parts() == [(128_60, None)]
    assert list(Attempt.objects.order_by("pk").values_list("amount_cents", "state")) == [
        (128_60, "DECLINED"), (50_00, "DECLINED"),
    ]  # fmt: skip
    assert "Your payment did not go through $128.60" in words(phone.get())


@pytest.mark.parametrize("dollars", ["0", "4.99", "123.61", "-20", "1e2", "", "5000", "4242424242424242"])
def test_an_amount_that_is_no_part_is_answered_and_divides_nothing(phone: Phone, ledger: Ledger, dollars: str) -> None:
    answer = phone.post("/part", dollars=dollars)

    assert answer.status_code == 422
    assert "A part is an amount from $5.00 to $123.60." in words(answer)
    for path in ("/card", "/again"):
        assert phone.post(path, amount=phone.cents, cents="1").status_code == 303
    ledger.wrote()
    assert open_parts() == [(128_60, None)]


def test_another_day_is_charged_then_and_the_page_says_so(phone: Phone) -> None:
    answer = phone.post("/day", day="2026-03-20")

    page = words(phone.client.get(answer["Location"]))
    assert "Your payment is put off $128.60" in page
    assert "Visa 4242 is charged on March 20, 2026. You don't need to do anything." in page
    change = PlanChange.objects.get()
    assert (change.kind, change.from_date, change.actor) == (
        "MOVE",
        date(2026, 3, 20),
        f"patient:{phone.link.patient_id}",
    )
    assert str(DuePart.objects.get().next_try_at) == "2026-03-20 14:00:00+00:00"


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-03-11", "Choose a day from March 12, 2026 on"),
        ("2025-03-20", "Choose a day from March 12, 2026 on"),
        ("not a day", "Choose a day from March 12, 2026 on"),
        ("2026-03-26", "The latest day is March 25, 2026."),
        ("9999-12-31", "The latest day is March 25, 2026."),
    ],
)
def test_a_day_outside_the_rule_is_answered_and_changes_nothing(
    phone: Phone, ledger: Ledger, day: str, said: str
) -> None:
    answer = phone.post("/day", day=day)

    assert answer.status_code == 422
    assert f"Nothing was changed. {said}" in words(answer)
    ledger.wrote()
    assert PlanChange.objects.count() == 0


def test_it_is_split_after_the_exact_words_were_read_and_once(phone: Phone) -> None:
    wish = {"dollars": "60", "first": "2026-03-15", "second": "2026-03-22"}
    asked = words(phone.post("/halves", **wish))
    text = (
        "I allow Maple Grove Dental to charge this payment of $128.60 to my card Visa 4242 in two parts: $60.00 on "
        "03/15/2026 and $68.60 on 03/22/2026. If a charge is declined, Maple Grove Dental may try it again on later "
        "days until it is paid."
    )
    assert text in asked
    assert open_parts() == [(128_60, None)], "only asked so far"
    assert "in two parts" in words(phone.post("/halves", **wish, shown="other words"))

    for _ in range(2):
        answer = phone.post("/halves", **wish, shown=text)

    assert answer.status_code == 422, "it is in two parts already"
    page = words(phone.get())
    assert "Visa 4242 is charged in two parts: $60.00 · March 15, 2026 $68.60 · March 22, 2026" in page
    assert open_parts() == [(60_00, date(2026, 3, 15)), (68_60, date(2026, 3, 22))]
    assert Consent.objects.get(kind="ONE_CHARGE").text == text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dollars": "0"}, "Each of the two parts"),
        ({"dollars": "128.60"}, "Each of the two parts"),
        ({"second": "2026-03-15"}, "the second day must be later"),
        ({"second": "2026-04-15"}, "The latest day is March 25, 2026."),
        ({"first": ""}, "Choose a day from"),
    ],
)
def test_a_split_outside_the_rule_is_answered(phone: Phone, change: dict[str, str], said: str) -> None:
    answer = phone.post("/halves", **{"dollars": "60", "first": "2026-03-15", "second": "2026-03-22", **change})

    assert answer.status_code == 422
    assert said in words(answer)
    assert open_parts() == [(128_60, None)]


def test_nothing_is_changed_where_it_is_paid_closed_expired_or_switched_off(phone: Phone, time: Time) -> None:
    PaymentSettings.objects.update(patient_moves=0)
    assert "Pay on another day" not in words(phone.get())
    assert "be put off any further" in words(phone.post("/day", day="2026-03-20"))
    PaymentSettings.objects.update(patient_moves=2)
    Installment.objects.update(status="PAID")
    for path in ("/day", "/part", "/halves", "/call"):
        assert phone.post(path, day="2026-03-20", dollars="50").status_code == 303
        assert phone.get(path).status_code == 302 or phone.get(path).status_code == 303
    time.now += 31 * DAY
    assert phone.post("/day", day="2026-04-20").status_code == 410
    assert (PlanChange.objects.count(), Alarm.objects.count()) == (0, 0)


def test_a_call_is_work_for_the_desk_once(phone: Phone, ledger: Ledger) -> None:
    for _ in range(2):
        answer = phone.post("/call")

    page = words(phone.client.get(answer["Location"]))
    assert "We call you back at the number we have for you" in page
    assert "Somebody at the front desk has your wish" in page
    ledger.wrote(alarms=1, events=1)
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.about["patient"]) == ("CALL_WANTED", phone.link.patient_id)
    assert "Ana" not in alarm.text
