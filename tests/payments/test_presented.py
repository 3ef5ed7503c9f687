"""Cards that a person presents: one attempt over several cards, ended only by what the processor says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from patients.models import Patient
from payments import inbox, outcomes, presented, reconcile, recover, sales, upward
from payments.claim import UnableToClaim
from payments.models import Alarm, Attempt, AttemptState, DuePart, LedgerPosting, Payment, Sale, SaleLine
from payments.sale_lines import Line
from practices.models import Practice
from processors.port import NotTaken, Pending, PresentedQuestion, Succeeded
from processors.stripe import StripeProcessor
from tests import factories
from tests.payments.making import Deliver, work
from tests.plugins.money import Ledger
from tests.plugins.stripe import POOR, VISA, Shop

SESSIONS = "POST /v1/checkout/sessions"
# The bank takes its time.
SLOW = "4000000000091076"
Channel = Attempt.Channel


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int]) -> None:
    """The higher apps."""


@pytest.fixture
def now() -> datetime:
    """The sandbox's own time: it counts the half hour of a page."""
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def tender(shop: Shop, practice: Practice, now: datetime) -> DuePart:
    """$100.00 of a sale of $150.00, to be paid somehow."""
    patient: Patient = factories.PatientFactory.create(practice=practice)
    line = Line(SaleLine.Kind.PREPAYMENT, patient.pat_num, 150_00)
    sale = sales.draft(patient, basis=Sale.Basis.PREPAYMENT, lines=[line], note="", actor="user:1", now=now)
    return sales.tender(sale.pk, cents=100_00, payer=patient, actor="user:1", now=now)


def at_page(tender: DuePart, now: datetime) -> Attempt:
    wish = presented.Wish(Channel.HOSTED, "user:1", back="https://kp.example/back/", cancel="https://kp.example/sale/")
    return presented.begin(tender.pk, wish, now=now)


def at_reader(tender: DuePart, now: datetime) -> Attempt:
    return presented.begin(tender.pk, presented.Wish(Channel.TERMINAL, "user:1"), now=now)


def type_in(shop: Shop, attempt: Attempt, number: str = VISA) -> httpx.Response:
    form = {"number": number, "expiry": "12 / 40", "code": "123", "name": "Pat Example", "zip_code": "97301"}
    return shop.process.http.post(f"/c/pay/{attempt.page}", data=form)


def look(attempt: Attempt, now: datetime) -> str:
    attempt.refresh_from_db()
    presented.look(attempt, now=now, actor="user:1")
    attempt.refresh_from_db()
    return attempt.state


def reconciled(shop: Shop, attempt: Attempt, now: datetime, *, after: timedelta = timedelta(minutes=2)) -> str:
    reconcile.reconcile(shop.account.practice_id, now=now, real_now=datetime.now(UTC) + after)
    attempt.refresh_from_db()
    return attempt.state


def pages(shop: Shop) -> list[str]:
    client = StripeProcessor(shop.account)._client
    return [one.status or "" for one in client.checkout.sessions.list({}).data]


def test_a_page_takes_the_money_once_and_tells_what_paid(tender: DuePart, shop: Shop, now: datetime) -> None:
    attempt = at_page(tender, now)
    assert (attempt.state, attempt.reference, bool(attempt.page)) == (AttemptState.PENDING, "", True)
    assert look(attempt, now) == AttemptState.PENDING
    assert type_in(shop, attempt).status_code == 303
    before = Ledger()

    assert look(attempt, now) == AttemptState.SUCCEEDED
    before.wrote(payments=1, allocations=1, postings=1, messages=1, events=1)
    assert (attempt.means, attempt.card_facts["funding"], shop.taken()) == ("Visa 4242", "credit", [100_00])  # type: ignore[index]
    paid = Payment.objects.get()
    assert (paid.amount_cents, paid.processor_reference) == (100_00, attempt.reference)


def test_a_declined_card_leaves_the_attempt_open_and_the_next_one_pays_with_the_same_intent(
    tender: DuePart, shop: Shop, now: datetime
) -> None:
    attempt = at_page(tender, now)
    before = Ledger()
    type_in(shop, attempt, POOR)

    assert [look(attempt, now), look(attempt, now)] == [AttemptState.PENDING] * 2
    before.wrote(events=1)
    assert (attempt.decline_code, attempt.reason) == ("insufficient_funds", "insufficient funds")
    type_in(shop, attempt)
    assert look(attempt, now) == AttemptState.SUCCEEDED
    assert (shop.taken(), shop.intents()) == ([100_00], ["succeeded"])


def test_webhooks_alone_bring_decline_and_success_in_any_order(
    tender: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    attempt = at_page(tender, now)
    type_in(shop, attempt, POOR)
    [intent] = [row["id"] for row in shop.books("payment_intents")]
    deliver("payment_intent.payment_failed", intent, event="evt_1")
    assert work(shop, now) == 1
    attempt.refresh_from_db()
    assert (attempt.state, attempt.decline_code) == (AttemptState.PENDING, "insufficient_funds")

    type_in(shop, attempt)
    deliver("checkout.session.completed", attempt.page, event="evt_2")
    deliver("payment_intent.succeeded", intent, event="evt_3")
    deliver("payment_intent.payment_failed", intent, event="evt_4")
    assert work(shop, now) == 3
    attempt.refresh_from_db()
    assert (attempt.state, Payment.objects.count(), Alarm.objects.count()) == (AttemptState.SUCCEEDED, 1, 0)


def test_giving_up_closes_the_page_first_and_frees_the_sale(tender: DuePart, shop: Shop, now: datetime) -> None:
    attempt = at_page(tender, now)
    assert presented.give_up(attempt, now=now, actor="user:1").state == AttemptState.NOT_TAKEN
    assert (type_in(shop, attempt).status_code, shop.taken(), pages(shop)) == (410, [], ["expired"])
    tender.refresh_from_db()
    assert (tender.state, sales.left_cents(tender.sale)) == (DuePart.State.CLOSED, 150_00)  # type: ignore[arg-type]


def test_money_that_was_faster_than_giving_up_is_paid(tender: DuePart, shop: Shop, now: datetime) -> None:
    attempt = at_page(tender, now)
    type_in(shop, attempt)
    assert presented.give_up(attempt, now=now, actor="user:1").state == AttemptState.SUCCEEDED
    assert (shop.taken(), Payment.objects.count()) == ([100_00], 1)


def test_an_unclear_answer_to_giving_up_leaves_it_waiting(tender: DuePart, shop: Shop, now: datetime) -> None:
    attempt = at_page(tender, now)
    shop.fault(f"{SESSIONS}/*/expire", "drop_before", times=4)
    assert presented.give_up(attempt, now=now, actor="user:1").state == AttemptState.PENDING
    assert pages(shop) == ["open"]


def test_a_page_that_expired_is_not_taken_whoever_asks(tender: DuePart, shop: Shop, now: datetime) -> None:
    attempt = at_page(tender, now)
    StripeProcessor(shop.account)._client.checkout.sessions.expire(attempt.page)
    assert reconciled(shop, attempt, now) == AttemptState.NOT_TAKEN
    assert attempt.reason == "The card page was closed before a card was approved"


def test_a_worker_killed_before_the_id_was_stored_leaves_a_page_that_nobody_can_pay(
    tender: DuePart, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_attempt: int, page: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(presented, "_remember_page", killed)
    with pytest.raises(KeyboardInterrupt):
        at_page(tender, now)
    attempt = Attempt.objects.get()
    assert (attempt.state, pages(shop)) == (AttemptState.STARTED, ["open"])
    assert reconciled(shop, attempt, now) == AttemptState.NOT_TAKEN
    assert pages(shop) == ["expired"]


def test_an_answer_that_was_lost_is_asked_for_and_the_page_withdrawn(
    tender: DuePart, shop: Shop, now: datetime
) -> None:
    shop.fault(SESSIONS, "drop_after", times=2)
    attempt = at_page(tender, now)
    assert attempt.state == AttemptState.UNKNOWN
    assert reconciled(shop, attempt, now) == AttemptState.NOT_TAKEN
    assert set(pages(shop)) == {"expired"}


def test_a_worker_that_wakes_up_after_the_reconciler_closes_its_page(
    tender: DuePart, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember = presented._remember_page

    def late(attempt_id: int, page: str) -> bool:
        Attempt.objects.filter(pk=attempt_id).update(state=AttemptState.NOT_TAKEN)
        return remember(attempt_id, page)

    monkeypatch.setattr(presented, "_remember_page", late)
    assert at_page(tender, now).state == AttemptState.NOT_TAKEN
    assert pages(shop) == ["expired"]


def test_an_answer_from_before_the_page_was_stored_is_void(tender: DuePart, shop: Shop, now: datetime) -> None:
    attempt = at_page(tender, now)
    Attempt.objects.filter(pk=attempt.pk).update(state=AttemptState.STARTED)
    never = StripeProcessor(shop.account).look_up_presented(
        PresentedQuestion("", "", True, "11111111-1111-4111-8111-111111111111", now)
    )
    assert outcomes.settle(attempt.pk, never, now=now, actor="reconciler", asked_about="") is False


@pytest.mark.parametrize("begin", [at_page, at_reader])
def test_what_nobody_finishes_is_withdrawn_after_forty_minutes(
    tender: DuePart, shop: Shop, now: datetime, begin: Any
) -> None:
    attempt = begin(tender, now)
    assert reconciled(shop, attempt, now, after=timedelta(minutes=39)) == AttemptState.PENDING
    assert reconciled(shop, attempt, now, after=timedelta(minutes=41)) == AttemptState.NOT_TAKEN


@pytest.mark.parametrize("begin", [at_page, at_reader])
def test_a_second_click_opens_nothing(tender: DuePart, shop: Shop, now: datetime, begin: Any) -> None:
    begin(tender, now)
    with pytest.raises(UnableToClaim, match="under way"):
        begin(tender, now)
    assert Attempt.objects.count() == 1


def test_a_refused_request_is_not_taken_and_says_so(tender: DuePart, shop: Shop, now: datetime) -> None:
    shop.account.secret_key = "sk_wrong"
    shop.account.save()
    attempt = at_page(tender, now)
    assert (attempt.state, attempt.reason) == (AttemptState.NOT_TAKEN, "The processor refuses the secret key")
    assert [alarm.kind for alarm in Alarm.objects.all()] == ["PROCESSOR_REFUSES"]


def test_less_than_asked_pays_that_much_and_leaves_the_rest_of_the_sale(
    tender: DuePart, shop: Shop, now: datetime
) -> None:
    attempt = at_reader(tender, now)
    outcomes.settle(attempt.pk, Succeeded(attempt.reference, 60_00, "ch_1"), now=now, actor="webhook")
    tender.refresh_from_db()
    assert (tender.state, tender.amount_cents, Payment.objects.get().amount_cents) == ("PAID", 60_00, 60_00)
    assert sales.left_cents(tender.sale) == 90_00  # type: ignore[arg-type]
    attempt.refresh_from_db()
    assert (sales.paid_cents(tender.sale), attempt.amount_cents) == (60_00, 60_00)  # type: ignore[arg-type]
    assert [alarm.kind for alarm in Alarm.objects.all()] == ["AMOUNT_DIFFERS"], "we never ask for less"


def test_a_readers_intent_waits_and_is_canceled_by_giving_up(tender: DuePart, shop: Shop, now: datetime) -> None:
    attempt = at_reader(tender, now)
    assert (attempt.state, shop.intents()) == (AttemptState.PENDING, ["requires_payment_method"])
    assert look(attempt, now) == AttemptState.PENDING
    assert presented.give_up(attempt, now=now, actor="user:1").state == AttemptState.NOT_TAKEN
    assert shop.intents() == ["canceled"]


def test_open_dental_is_asked_before_anything_is_opened(
    tender: DuePart, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_part: int, _now: datetime) -> None:
        raise upward.UnableToRecheck("The office did not answer")

    monkeypatch.setattr(upward.handlers, "recheck", silent)
    with pytest.raises(UnableToClaim, match="did not answer"):
        at_page(tender, now)
    assert (Attempt.objects.count(), pages(shop)) == (0, [])


def test_a_restored_database_closes_the_pages_it_does_not_know(tender: DuePart, shop: Shop, now: datetime) -> None:
    lost = at_page(tender, now)
    type_in(shop, lost, POOR)
    lost.delete()
    recover.recover(shop.account.practice_id, since=now - timedelta(hours=1), now=now)
    assert (pages(shop), shop.intents()) == (["expired"], ["canceled"])


def test_a_restored_database_leaves_what_was_paid_meanwhile_to_staff_and_waits_for_what_may_be(
    tender: DuePart, shop: Shop, now: datetime
) -> None:
    lost = at_page(tender, now)
    lost.delete()
    practice, since = shop.account.practice, now - timedelta(hours=1)
    shop.fault(f"{SESSIONS}/*/expire", "drop_before", times=4)
    recover.recover(practice.pk, since=since, now=now)
    practice.refresh_from_db()
    assert (pages(shop), practice.recover_since is None) == (["open"], False), "it could still be paid"
    type_in(shop, lost)
    recover.recover(practice.pk, since=since, now=now)
    practice.refresh_from_db()
    [alarm] = Alarm.objects.filter(kind="RECOVERY_UNPLACED", closed_at=None)
    assert ("$100.00 was charged" in alarm.text, practice.recover_since) == (True, None)


def test_what_was_waiting_in_the_backup_is_posted_only_after_a_search(
    tender: DuePart, shop: Shop, now: datetime
) -> None:
    attempt = at_page(tender, now)
    type_in(shop, attempt)
    recover.mark_restored(shop.account.practice_id, since=now, now=now)
    assert look(attempt, now) == AttemptState.SUCCEEDED
    assert [(one.state, one.sends) for one in LedgerPosting.objects.all()] == [("UNCLEAR", 1)]


def test_money_for_a_page_that_was_given_up_here_raises_an_alarm(tender: DuePart, shop: Shop, now: datetime) -> None:
    attempt = at_page(tender, now)
    outcomes.settle(attempt.pk, NotTaken("Closed"), now=now, actor="user:1")
    type_in(shop, attempt)
    assert look(attempt, now) == AttemptState.NOT_TAKEN
    assert [alarm.kind for alarm in Alarm.objects.all()] == ["CONTRADICTION"]


def test_a_bank_that_declines_after_the_page_was_done_ends_the_attempt(
    tender: DuePart, shop: Shop, now: datetime
) -> None:
    attempt = at_page(tender, now)
    type_in(shop, attempt, SLOW)
    assert look(attempt, now) == AttemptState.PENDING
    shop.finish(shop.books("payment_intents")[0]["id"], "failed")
    assert look(attempt, now) == AttemptState.NOT_TAKEN
    assert attempt.reason == "The bank declined it afterwards"


def test_a_webhook_of_money_waits_until_its_page_can_be_asked(
    tender: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    attempt = at_page(tender, now)
    type_in(shop, attempt)
    deliver("payment_intent.succeeded", shop.books("payment_intents")[0]["id"])
    shop.fault("GET /v1/checkout/sessions/*", "drop_before", times=2)
    assert work(shop, now) == 0
    assert work(shop, now) == 1
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.SUCCEEDED


def test_looking_at_an_open_page_says_nothing_about_an_account_that_refuses_charges(
    tender: DuePart, shop: Shop, now: datetime
) -> None:
    attempt = at_page(tender, now)
    about = {"practice_id": shop.account.practice_id, "kind": "PROCESSOR_REFUSES", "key": "processor"}
    Alarm.raise_once(about.pop("practice_id"), **about, text="403", about={}, now=now)  # type: ignore[arg-type]
    look(attempt, now)
    assert Alarm.objects.get().closed_at is None


def test_the_processor_is_not_the_one_to_end_a_pending_attempt_by_silence(
    tender: DuePart, shop: Shop, now: datetime
) -> None:
    attempt = at_page(tender, now)
    shop.fault("GET /v1/checkout/sessions/*", "drop_before", times=4)
    assert look(attempt, now) == AttemptState.PENDING
    assert outcomes.settle(attempt.pk, Pending(""), now=now, actor="x") is False
    assert inbox.work_through(shop.account.practice_id, now=now) == 0
