"""A request is paid on a phone: once, whatever is pressed twice, only while it is owed, only with one's own card."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from cards.models import Consent
from core.tokens import link_token
from notifications.models import Kind, Message
from patients.models import Patient
from paylinks import request_tries
from paylinks.models import PaymentRequest, ReceiptLink, RequestTry
from payments import presented, reconcile, sales
from payments.making_room import make_room
from payments.models import Attempt, DuePart, LedgerPosting, Payment, Sale, SaleLine
from payments.sale_lines import Line
from payments.sales import UnableToSell
from practices.models import Event, PaymentSettings
from tests import factories
from tests.paylinks.asking import CHECK_UP, FILLING, Mobile, Office, recorded, tries
from tests.paylinks.conftest import Time
from tests.paylinks.conftest import words as marked_words
from tests.plugins.money import Ledger
from tests.plugins.stripe import DEBIT, POOR, Shop
from tests.staff import making


@pytest.fixture
def now() -> datetime:
    """The sandbox's own time: it counts the half hour of a page."""
    return datetime.now(UTC).replace(microsecond=0)


def words(answer: Any) -> str:
    return html.unescape(marked_words(answer)).removeprefix('id="main"> ')


def state(mobile: Mobile) -> tuple[str, int]:
    row = PaymentRequest.objects.get(pk=mobile.request.pk)
    return row.state, row.amount_cents


def test_the_page_shows_the_amount_and_reading_it_changes_nothing(mobile: Mobile, shop: Shop, office: Office) -> None:
    before, said = Ledger(), len(shop.asked())
    for _ in range(3):
        page = mobile.get()
    Client().head(mobile.address)

    text = words(page)
    assert text.startswith("To pay $120.00")
    assert "Pay $120.00" in text
    assert [name in page.content.decode() for name in ("evaluation", "Ana", "Sample")] == [False] * 3
    assert ("<script" in page.content.decode(), len(page.content) < 60_000) == (False, True)
    before.wrote()
    row = PaymentRequest.objects.get()
    assert (row.opened_at, RequestTry.objects.count(), Sale.objects.filter(state="OPEN").count()) == (None, 0, 0)
    assert (len(shop.asked()), office.reads) == (said, 1), "the office is asked once in two minutes"


def test_it_is_paid_on_the_processors_page_once_whatever_is_pressed_twice(mobile: Mobile, shop: Shop) -> None:
    going = mobile.press()
    assert mobile.post("/pay", shown=120_00, cents=120_00)["Location"] == mobile.address
    assert "One moment" in words(mobile.client.get(going))
    assert len(mobile.crew.waiting) == 1
    mobile.crew.waiting *= 2
    mobile.crew.work()

    hosted = mobile.client.get(going)["Location"]
    assert hosted.startswith(f"{shop.process.url}/c/pay/")
    assert "The card page is open" in words(mobile.client.get(going)), "going back does not lead there again"
    assert mobile.get("/card-page")["Location"] == hosted
    paid = mobile.type_card(hosted)

    assert words(paid).startswith("Paid. Thank you! $120.00")
    assert "Visa 4242" in words(paid)
    for page in (mobile.get(), mobile.client.get(going), Mobile(mobile.request, mobile.crew, shop).get()):
        assert "Paid. Thank you!" in words(page)
    assert mobile.post("/pay", shown=120_00, cents=120_00).status_code == 303
    mobile.crew.work()
    assert (shop.taken(), state(mobile), tries()) == ([120_00], ("PAID", 120_00), [("DONE", "")])
    attempt = Attempt.objects.get()
    assert (attempt.channel, attempt.actor) == ("LINK_PAGE", f"patient:{mobile.request.payer_id}")
    lines = SaleLine.objects.filter(sale=attempt.due_part.sale).order_by("pk").values_list("proc_num", "amount_cents")
    assert list(lines) == [(CHECK_UP, 80_00), (FILLING, 40_00)]
    assert LedgerPosting.objects.get().patient == mobile.request.patient
    assert Message.objects.filter(kind=Kind.PAYMENT_SUCCESSFUL).count() == 1


def test_no_token_and_no_service_is_told_to_the_processor(mobile: Mobile, shop: Shop) -> None:
    mobile.open_page()
    told = str(shop.look("requests"))
    assert (link_token(mobile.request.nonce) in told, "evaluation" in told, "Ana" in told) == (False, False, False)


def test_two_phones_pay_once_and_the_open_page_is_closed_before_a_saved_card_is_charged(
    mobile: Mobile, shop: Shop
) -> None:
    card = shop.card(mobile.request.payer)
    other = Mobile(mobile.request, mobile.crew, shop)
    assert "Charge $120.00 to Visa 4242 now" in words(other.get())
    hosted = mobile.open_page()

    assert "The card page is open" in words(other.get())
    assert other.post("/pay", shown=120_00, cents=120_00, card=card.pk)["Location"] == mobile.address
    assert other.post("/close").status_code == 303
    assert other.press(card=card.pk)
    mobile.crew.work()

    assert mobile.type_card(hosted).status_code == 410
    assert "Paid. Thank you!" in words(mobile.get())
    assert (shop.taken(), state(mobile)[0]) == ([120_00], "PAID")
    consent = Consent.objects.get(kind="ONE_CHARGE")
    assert (consent.max_charge_cents, consent.channel, consent.card) == (120_00, "LINK", card)


def test_a_page_that_turns_out_paid_is_settled_and_not_replaced(mobile: Mobile, shop: Shop) -> None:
    card = shop.card(mobile.request.payer)
    hosted = mobile.open_page()
    shop.process.http.post(
        hosted.removeprefix(shop.process.url),
        data={"number": DEBIT, "expiry": "12 / 40", "code": "123", "name": "Ana", "zip_code": "97301"},
    )
    # A second phone's press got in before the first one's page was known to be open.
    tried = RequestTry.objects.create(
        practice=mobile.request.practice, request=mobile.request, shown_cents=120_00, amount_cents=120_00, card=card,
        agreed_at=mobile.crew.time.now,
    )  # fmt: skip
    request_tries.run(tried.pk, now=mobile.crew.time.now)

    assert (shop.taken(), state(mobile)[0]) == ([120_00], "PAID")
    assert tries() == [("DONE", ""), ("DONE", "SETTLED")]


def test_less_that_is_owed_is_shown_first_and_paid_when_agreed_to(
    mobile: Mobile, shop: Shop, office: Office, time: Time
) -> None:
    mobile.get()
    office.owed[FILLING] = 15_00
    going = mobile.press()
    mobile.crew.work()

    page = words(mobile.client.get(going))
    assert "Nothing was charged. The amount has changed" in page
    assert "To pay $95.00" in page or "To pay $90.00" in page
    assert (tries(), shop.asked(), state(mobile)) == ([("DONE", "CHANGED")], [], ("OPEN", 95_00))
    assert mobile.type_card(mobile.open_page(shown=95_00)).status_code == 200
    assert (shop.taken(), state(mobile)) == ([95_00], ("PAID", 95_00))


def test_an_amount_that_was_made_up_is_refused_before_anything_is_asked(mobile: Mobile, shop: Shop) -> None:
    stranger = shop.card(making.patient(mobile.request.practice, pat_num=90))
    for wish in (
        {"shown": 1_00, "cents": 1_00},
        {"shown": 120_00, "cents": 60_00},
        {"shown": 120_00, "cents": -5},
        {"shown": "x", "cents": "y"},
        {},
        {"shown": 120_00, "cents": 120_00, "card": stranger.pk},
        {"shown": 120_00, "cents": 120_00, "card": "1 OR 1"},
    ):
        assert mobile.post("/pay", **wish).status_code == 409, wish
    assert (tries(), shop.asked(), mobile.crew.waiting) == ([], [], [])


def test_what_was_paid_at_the_desk_meanwhile_is_settled_with_thanks(mobile: Mobile, shop: Shop, office: Office) -> None:
    mobile.get()
    office.owed = {}
    going = mobile.press()
    mobile.crew.work()
    assert "Nothing to pay here" in words(mobile.client.get(going))
    assert (state(mobile)[0], shop.asked(), tries()) == ("SETTLED", [], [("DONE", "SETTLED")])


def test_an_office_that_is_away_shows_the_amount_as_it_was_and_takes_nothing(
    mobile: Mobile, shop: Shop, office: Office
) -> None:
    office.problem = "The office is offline."
    assert "Pay $120.00" in words(mobile.get())
    going = mobile.press()
    mobile.crew.work()
    page = words(mobile.client.get(going))
    assert "We can't check the amount at the moment" in page
    assert "offline" not in page
    assert (tries(), shop.asked(), Sale.objects.filter(state="OPEN").count()) == ([("DONE", "AWAY")], [], 0)


def test_a_declined_saved_card_frees_the_work_and_another_card_pays(mobile: Mobile, shop: Shop) -> None:
    card = shop.card(mobile.request.payer)
    shop.behave(card, "decline:insufficient_funds")
    going = mobile.press(card=card.pk)
    mobile.crew.work()
    page = words(mobile.client.get(going))
    assert "Nothing was charged. The bank said there was not enough money" in page
    assert (
        Sale.objects.filter(state="OPEN").count(),
        SaleLine.objects.filter(is_held=True, sale__state="OPEN").count(),
    ) == (0, 0)
    hosted = mobile.open_page()
    mobile.type_card(hosted, POOR)
    assert "Paid. Thank you!" in words(mobile.type_card(hosted))
    assert shop.taken() == [120_00]


def test_only_cards_of_the_one_who_was_asked_are_offered(mobile: Mobile, shop: Shop) -> None:
    kim = making.patient(
        mobile.request.practice, pat_num=73, guarantor_num=72, mobile_phone=mobile.request.payer.mobile_phone
    )
    shop.card(kim)
    assert "Charge $120.00 to" not in words(mobile.get())


def test_the_desk_closes_the_phones_page_first_and_then_takes_the_money(
    mobile: Mobile, shop: Shop, office: Office, time: Time
) -> None:
    hosted = mobile.open_page()
    make_room(mobile.request.patient, actor="user:1", now=time.now)
    assert mobile.type_card(hosted).status_code == 410
    line = Line("PROCEDURE", 72, 80_00, office.account(0, 72, time.now).procedures[0])
    sale = sales.draft(mobile.request.patient, basis="PROCEDURES", lines=[line], note="", actor="user:1", now=time.now)
    sales.tender(sale.pk, cents=80_00, payer=mobile.request.patient, actor="user:1", now=time.now)
    going = mobile.press()
    mobile.crew.work()
    assert "Another payment is still being recorded" in words(mobile.client.get(going))
    assert shop.taken() == []


def test_the_desks_draft_is_refused_when_the_phone_was_faster(
    mobile: Mobile, shop: Shop, office: Office, time: Time
) -> None:
    hosted = mobile.open_page()
    line = Line("PROCEDURE", 72, 80_00, office.account(0, 72, time.now).procedures[0])
    sale = sales.draft(mobile.request.patient, basis="PROCEDURES", lines=[line], note="", actor="user:1", now=time.now)
    form = {"number": DEBIT, "expiry": "12 / 40", "code": "123", "name": "Ana", "zip_code": "97301"}
    shop.process.http.post(hosted.removeprefix(shop.process.url), data=form)
    make_room(mobile.request.patient, actor="user:1", now=time.now)
    assert state(mobile)[0] == "PAID"
    with pytest.raises(UnableToSell):
        sales.tender(sale.pk, cents=80_00, payer=mobile.request.patient, actor="user:1", now=time.now)
    assert shop.taken() == [120_00]


def test_a_try_whose_worker_died_is_ended_and_nobody_is_charged_later(mobile: Mobile, shop: Shop, time: Time) -> None:
    going = mobile.press()
    late = datetime.now(UTC) + timedelta(minutes=6)
    assert request_tries.end_lost(mobile.request.practice_id, now=time.now) == 0
    assert request_tries.end_lost(mobile.request.practice_id, now=time.now, real_now=late) == 1
    mobile.crew.work()
    assert (tries(), shop.asked()) == ([("DONE", "LOST")], [])
    assert "The payment could not be made now" in words(mobile.client.get(going))
    mobile.type_card(mobile.open_page())
    assert shop.taken() == [120_00]


def test_a_page_nobody_finished_is_closed_by_the_reconciler_and_can_be_opened_again(
    mobile: Mobile, shop: Shop, time: Time
) -> None:
    mobile.open_page()
    later = datetime.now(UTC) + presented.ABANDONED_AFTER + timedelta(minutes=1)
    reconcile.reconcile(mobile.request.practice_id, now=time.now, real_now=later)
    assert "Pay $120.00" in words(mobile.get())
    assert "Paid. Thank you!" in words(mobile.type_card(mobile.open_page()))
    assert shop.taken() == [120_00]


def test_a_part_is_paid_where_the_practice_allows_it_and_the_rest_waits_until_it_is_recorded(
    mobile: Mobile, shop: Shop, office: Office
) -> None:
    assert mobile.post("/amount", dollars="50").status_code == 303, "off by default"
    assert mobile.post("/pay", shown=120_00, cents=50_00).status_code == 409
    PaymentSettings.objects.update(part_payments=True)
    for wrong in ("0.20", "500", "a lot", ""):
        assert mobile.post("/amount", dollars=wrong).status_code == 422
    assert "To pay $50.00 of $120.00 that is due" in words(mobile.post("/amount", dollars="50"))
    paid = words(mobile.type_card(mobile.open_page(cents=50_00)))
    assert paid.startswith("Paid. Thank you! $50.00")
    assert state(mobile) == ("OPEN", 120_00)

    going = mobile.press(shown=70_00)
    mobile.crew.work()
    assert "Another payment is still being recorded" in words(mobile.client.get(going))
    recorded()
    office.owed = {CHECK_UP: 30_00, FILLING: 45_00}
    mobile.type_card(mobile.open_page(shown=70_00))
    assert (shop.taken(), state(mobile)[0]) == ([50_00, 70_00], "PAID")


def test_services_are_shown_for_the_birth_date_only_and_five_wrong_ones_close_them_but_not_the_paying(
    mobile: Mobile, shop: Shop
) -> None:
    born = {"month": "3", "day": "14", "year": "1986"}
    seen = mobile.post("/services", **born)["Location"]
    shown = words(mobile.client.get(seen))
    assert "periodic oral evaluation" in shown
    assert "$80.00" in shown
    assert "evaluation" not in words(mobile.client.get(f"{mobile.address}?seen={mobile.request.pk}:made:up"))
    assert PaymentRequest.objects.get().wrong_tries == 0
    for _ in range(5):
        assert "evaluation" not in words(mobile.post("/services", **{**born, "year": "1987"}))
    assert "evaluation" not in words(mobile.post("/services", **born))
    assert "What is it for?" not in words(mobile.get())
    assert Event.objects.filter(kind="request_birth_date_wrong").count() == 5
    assert mobile.post("/services", month="2", day="31", year="1986").status_code == 422
    mobile.type_card(mobile.open_page())
    assert shop.taken() == [120_00]


def test_the_itemized_receipt_has_a_link_of_its_own_that_asks_for_the_birth_date(mobile: Mobile) -> None:
    assert mobile.post("/itemised").status_code == 303
    assert ReceiptLink.objects.count() == 0
    mobile.type_card(mobile.open_page())
    first, again = mobile.post("/itemised")["Location"], mobile.post("/itemised")["Location"]
    assert first == again != mobile.address
    assert "Your birth date" in words(mobile.client.get(first))


def test_too_many_tries_on_one_link_are_stopped_for_the_day(mobile: Mobile, shop: Shop, time: Time) -> None:
    for _ in range(request_tries.MAX_A_DAY):
        RequestTry.objects.create(
            practice=mobile.request.practice, request=mobile.request, shown_cents=1, amount_cents=1, state="DONE",
            agreed_at=time.now,
        )  # fmt: skip
    assert mobile.post("/pay", shown=120_00, cents=120_00).status_code == 429
    time.now += timedelta(days=1, minutes=1)
    assert mobile.post("/pay", shown=120_00, cents=120_00).status_code == 303


def test_an_expired_or_canceled_request_is_of_no_use_and_its_way_back_ends(mobile: Mobile, time: Time) -> None:
    from_page = mobile.open_page()
    tried = RequestTry.objects.get()
    back = f"/p/{mobile.request.practice.slug}/back/{tried.uuid}/pay"
    assert mobile.client.get(f"{back}?canceled=1")["Location"] == mobile.address
    assert from_page
    time.now += timedelta(hours=3)
    assert mobile.client.get(back).status_code == 404
    time.now += timedelta(days=30)
    assert (mobile.get().status_code, mobile.post("/pay", shown=120_00, cents=120_00).status_code) == (410, 410)
    assert (Payment.objects.count(), DuePart.objects.count()) == (0, 1)


def test_a_spanish_speaker_reads_spanish(mobile: Mobile, ana: Patient) -> None:
    Patient.objects.filter(pk=ana.pk).update(language="spa")
    assert words(mobile.get()).startswith("Por pagar $120.00 Saldo de su cuenta con nosotros")


def test_staff_cancel_a_request_whose_card_page_is_open_by_closing_the_page_first(mobile: Mobile, shop: Shop) -> None:
    desk = Client()
    desk.force_login(factories.MembershipFactory.create(practice=mobile.request.practice, role="FRONT_DESK").user)
    hosted = mobile.open_page()
    here = f"/payments/requests/{mobile.request.pk}/"
    assert "cancel the request" in desk.post(f"{here}change/", {"amount": "60"}).content.decode()
    assert desk.post(f"{here}cancel/").status_code == 302
    assert mobile.type_card(hosted).status_code == 410
    assert (state(mobile)[0], shop.taken(), mobile.get().status_code) == ("CANCELED", [], 410)
