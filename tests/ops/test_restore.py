"""Backup, restore, reconcile: the processor, KasperPay and Open Dental agree to the cent, and nothing happens twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from core import clock
from notifications import tasks
from notifications.models import Kind, Message, MessagingAccount
from notifications.send import send_due
from opendental import outbox
from opendental.post import post_due
from payments import charging, due_parts, recover, reminders, sweep
from payments.claim import UnableToClaim, claim
from payments.models import Alarm, Attempt, DuePart, LedgerPosting, Payment
from payments.tasks import autopay_one
from practices.models import Practice
from processors.port import Found
from tests import factories
from tests.notifications.conftest import texts
from tests.ops.town import Town
from tests.outside import Outside
from tests.plugins.stripe import POOR

ONE = {"Email": "pat@example.com"}


def charge(town: Town) -> list[str]:
    """Everything that is due, here and now; how each ended."""
    ended: list[str] = []
    sweep.sweep(
        now=town.desk.now(),
        hand_over=lambda pk: ended.append(autopay_one(practice_id=town.practice.pk, due_part_id=pk)),
    )
    return ended


def work(town: Town, minutes: int = 0) -> None:
    """So much later the poster and the sender come by."""
    town.desk.wait(minutes=minutes)
    post_due(town.practice.pk, town.desk.now())
    send_due(town.practice.pk, town.desk.now())


def reconcile(town: Town) -> None:
    call_command("reconcile", practice=town.practice.slug)
    town.desk.pull(cycles=2)


def the_three_books_agree(town: Town, cents: list[int]) -> None:
    assert sorted(town.shop.taken()) == cents
    assert sorted(Payment.objects.values_list("amount_cents", flat=True)) == cents
    assert [paid for _, paid in town.posted()] == cents
    ours = sorted(LedgerPosting.objects.values_list("reference", "state"))
    assert ours == [(reference, "MATCHED") for reference, _ in town.posted()]
    references = set(Payment.objects.values_list("processor_reference", flat=True))
    assert references == {row["id"] for row in town.shop.books("payment_intents") if row["status"] == "succeeded"}


def test_a_charge_made_after_the_backup_comes_back_once_with_its_posting_and_without_a_second_message(
    town: Town, lose_everything_since: Callable[[], Callable[[], None]]
) -> None:
    first, second = town.plans_with_cards(2, **ONE)
    second.autopay.is_on = False
    second.autopay.save(update_fields=["is_on"])
    town.time_to_charge()
    assert charge(town) == ["SUCCEEDED"]
    work(town)
    second.autopay.is_on = True
    with transaction.atomic():
        second.autopay.save(update_fields=["is_on"])
        due_parts.refresh(second, now=clock.now())
    restore = lose_everything_since()
    town.desk.wait(minutes=10)
    assert charge(town) == ["SUCCEEDED"]
    work(town)
    told, posted = len(mail.outbox), town.posted()
    assert len(posted) == 2

    restore()
    # Nothing may be charged before the processor was asked: it would be the second time.
    assert Payment.objects.count() == 1
    assert charge(town) == ["The database was restored: charges made since the backup are looked for first"]
    reconcile(town)
    work(town, minutes=2)
    reconcile(town)
    town.desk.wait(minutes=10)

    assert charge(town) == []
    work(town, minutes=2)
    the_three_books_agree(town, [100_00, 100_00])
    assert town.posted() == posted
    assert len(mail.outbox) == told
    brought_back = Message.objects.get(
        dedupe_key=f"{Kind.PAYMENT_SUCCESSFUL}:{Attempt.objects.get(actor='recovery').uuid}"
    )
    assert (brought_back.state, brought_back.state_reason) == (
        "BLOCKED", "The database was restored: it may have been sent before."
    )  # fmt: skip
    assert list(second.installments.filter(status="PAID").values_list("collected_cents", "office_paid_cents")) == [
        (100_00, 0)
    ]
    [told_staff] = Alarm.objects.filter(closed_at=None)
    assert (told_staff.kind, "Autopay is on for 2 plans" in told_staff.text) == ("RECOVERY_DECISIONS", True)


def test_a_charge_that_was_taken_but_not_posted_before_the_loss_is_posted_once(
    town: Town, lose_everything_since: Callable[[], Callable[[], None]]
) -> None:
    town.plans_with_cards(1, **ONE)
    town.time_to_charge()
    restore = lose_everything_since()
    assert charge(town) == ["SUCCEEDED"]

    restore()
    reconcile(town)
    assert town.posted() == []
    for _ in range(3):
        work(town, minutes=2)
    reconcile(town)

    the_three_books_agree(town, [100_00])
    assert charge(town) == []


@pytest.mark.parametrize("is_sent", [True, False])
def test_a_text_of_the_lost_hours_is_found_at_the_carrier_or_sent_once(
    town: Town, carrier: Outside, account: MessagingAccount, lose_everything_since: Callable[[], Callable[[], None]],
    is_sent: bool,
) -> None:  # fmt: skip
    phone = {"WirelessPhone": "(555)555-0147", "TxtMsgOk": "Yes"}
    town.plans_with_cards(1, **phone)
    work(town)
    town.time_to_charge()
    restore = lose_everything_since()
    assert charge(town) == ["SUCCEEDED"]
    if is_sent:
        work(town)

    restore()
    reconcile(town)
    for _ in range(5):
        town.desk.wait(minutes=2)
        tasks.run(town.practice.pk, town.desk.now())

    receipts = [text for text in texts(carrier) if "100.00" in text["body"] and "received" in text["body"]]
    assert len(receipts) == 1
    assert Message.objects.get(kind=Kind.PAYMENT_SUCCESSFUL).state in ("SENT", "DELIVERED")


def test_a_posting_that_waited_at_the_backup_and_was_made_afterwards_is_found_and_not_made_again(
    town: Town, lose_everything_since: Callable[[], Callable[[], None]]
) -> None:
    town.plans_with_cards(1, **ONE)
    town.time_to_charge()
    assert charge(town) == ["SUCCEEDED"]
    restore = lose_everything_since()
    work(town)
    told, posted = len(mail.outbox), town.posted()

    restore()
    reconcile(town)
    work(town, minutes=2)

    the_three_books_agree(town, [100_00])
    assert town.posted() == posted
    assert len(mail.outbox) == told
    # The same try, the same reference: nothing was adopted beside it.
    assert Attempt.objects.count() == 1


def test_a_decline_made_after_the_backup_counts_and_is_not_told_again(
    town: Town, lose_everything_since: Callable[[], Callable[[], None]]
) -> None:
    (plan,) = town.plans_with_cards(1, **ONE)
    town.attach(plan, POOR)
    town.time_to_charge()
    restore = lose_everything_since()
    assert charge(town) == ["DECLINED"]
    work(town)
    told = len(mail.outbox)

    restore()
    reconcile(town)
    work(town, minutes=2)

    assert charge(town) == []
    assert Attempt.objects.get().state == "DECLINED"
    assert len(town.shop.books("charges")) == 1
    assert len(mail.outbox) == told
    assert plan.installments.filter(status="FAILED").count() == 1


def test_a_reminder_that_was_sent_after_the_backup_is_not_sent_again(
    town: Town, lose_everything_since: Callable[[], Callable[[], None]]
) -> None:
    town.plans_with_cards(1, **ONE)
    town.desk.at("2022-07-12 11:00")
    work(town)
    restore = lose_everything_since()
    assert reminders.queue_due(now=town.desk.now()) == 1
    work(town)
    told = len(mail.outbox)

    restore()
    reconcile(town)
    reminders.queue_due(now=town.desk.now())
    work(town, minutes=2)

    assert len(mail.outbox) == told
    assert Message.objects.get(kind=Kind.UPCOMING_CHARGE).state == "BLOCKED"


def test_an_intent_that_nobody_will_confirm_any_more_is_canceled_and_the_money_is_taken_once(
    town: Town, lose_everything_since: Callable[[], Callable[[], None]]
) -> None:
    town.plans_with_cards(1, **ONE)
    town.time_to_charge()
    restore = lose_everything_since()
    town.shop.fault("POST /v1/payment_intents/*/confirm", "drop_before", times=2)
    assert charge(town) == ["UNKNOWN"]

    restore()
    reconcile(town)
    assert town.shop.intents() == ["canceled"]
    town.desk.wait(minutes=11)

    assert charge(town) == ["SUCCEEDED"]
    assert town.shop.taken() == [100_00]


def test_money_that_nobody_can_place_is_told_and_everything_else_goes_on(
    town: Town, lose_everything_since: Callable[[], Callable[[], None]]
) -> None:
    restore = lose_everything_since()
    town.plans_with_cards(1, **ONE)
    town.time_to_charge()
    assert charge(town) == ["SUCCEEDED"]

    restore()
    reconcile(town)
    reconcile(town)

    # The card was saved after the backup: only a person knows whose it was.
    alarm = Alarm.objects.get(kind="RECOVERY_UNPLACED")
    assert alarm.text.startswith("$100.00 was charged on Jul 15 (pi_")
    assert Practice.objects.get().recover_since is None
    assert (Attempt.objects.count(), Payment.objects.count()) == (0, 0)


@pytest.mark.parametrize(("behavior", "words"), [("", "was"), ("processing", "may have been")])
def test_what_a_card_of_the_lost_hours_paid_is_not_taken_again_from_the_card_before(
    town: Town, lose_everything_since: Callable[[], Callable[[], None]], behavior: str, words: str
) -> None:
    plan, other = town.plans_with_cards(2, **ONE)
    town.time_to_charge()
    restore = lose_everything_since()
    new = town.shop.card(plan.guarantor, is_primary=False)
    if behavior:
        town.shop.behave(new, behavior)
    part = DuePart.objects.get(installment__plan=plan, installment__is_issued=True)
    charging.collect(part.pk, channel="PAY_NOW", actor="user:1", now=town.desk.now(), card_id=new.pk)

    restore()
    reconcile(town)
    town.desk.wait(minutes=10)

    # The other plan's; this one waits for the person who reads the alarm.
    assert charge(town) == ["SUCCEEDED"]
    assert Payment.objects.get().allocations.filter(installment__plan=other.pk).exists()
    held = DuePart.objects.get(pk=part.pk)
    assert (held.state, held.hold) == ("OPEN", "STAFF")
    assert town.shop.taken() == ([100_00] if behavior else [100_00, 100_00])
    assert Alarm.objects.get(kind="RECOVERY_UNPLACED").text.startswith(f"$100.00 {words} charged on Jul 15 (pi_")


def test_one_charge_that_cannot_be_stored_stops_nothing_else_and_keeps_the_practice_waiting(
    town: Town, lose_everything_since: Callable[[], Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    town.plans_with_cards(2, **ONE)
    town.time_to_charge()
    restore = lose_everything_since()
    assert charge(town) == ["SUCCEEDED", "SUCCEEDED"]
    restore()
    right, broken = recover._adopt, min(row["id"] for row in town.shop.books("payment_intents"))

    def adopt_or_fail(practice_id: int, found: Found) -> Attempt | None:
        if found.reference == broken:
            raise IntegrityError("a defect")
        return right(practice_id, found)

    with monkeypatch.context() as patch:
        patch.setattr(recover, "_adopt", adopt_or_fail)
        reconcile(town)
        reconcile(town)

    assert (Payment.objects.count(), charge(town)) == (
        1, ["The database was restored: charges made since the backup are looked for first"]
    )  # fmt: skip
    unplaced = Alarm.objects.filter(kind="RECOVERY_UNPLACED", closed_at=None)
    assert unplaced.get().text.endswith(f"in the books here: {broken}")
    reconcile(town)
    assert (Payment.objects.count(), charge(town), unplaced.count()) == (2, [], 0)


def test_a_posting_refused_at_the_backup_and_made_good_since_is_searched_for_and_not_made_again(
    town: Town, lose_everything_since: Callable[[], Callable[[], None]]
) -> None:
    town.plans_with_cards(1, **ONE)
    town.time_to_charge()
    charge(town)
    refused = LedgerPosting.objects.get()
    outbox.stuck(refused, LedgerPosting.State.REFUSED, "The plan is gone", now=town.desk.now())
    restore = lose_everything_since()
    assert outbox.look_again(refused, now=town.desk.now())
    work(town)
    posted = town.posted()
    assert len(posted) == 1

    restore()
    reconcile(town)
    assert outbox.look_again(LedgerPosting.objects.get(), now=town.desk.now())
    for _ in range(3):
        work(town, minutes=2)

    assert (town.posted(), LedgerPosting.objects.get().state) == (posted, "MATCHED")


def test_every_practice_is_marked_also_one_that_sleeps_or_comes_after_one_that_fails(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = factories.PracticeFactory.create(slug="zz-sleeps", is_active=False)
    right = recover.mark_restored

    def mark_or_fail(practice_id: int, *, since: datetime, now: datetime) -> None:
        if practice_id == practice.pk:
            raise ValueError("a defect")
        right(practice_id, since=since, now=now)

    monkeypatch.setattr(recover, "mark_restored", mark_or_fail)

    with pytest.raises(CommandError, match="Not every practice"):
        call_command("restored", since=clock.now(), practice=None, json=False)

    assert Practice.objects.get(pk=last.pk).recover_since is not None


def test_recovering_again_changes_nothing(town: Town) -> None:
    town.plans_with_cards(1, **ONE)
    town.time_to_charge()
    charge(town)
    work(town)
    before = (Attempt.objects.count(), Payment.objects.count(), LedgerPosting.objects.get().state)

    found = recover.recover(town.practice.pk, since=clock.now() - timedelta(days=1), now=clock.now())

    assert found == 0
    assert (Attempt.objects.count(), Payment.objects.count(), LedgerPosting.objects.get().state) == before


def test_while_the_processor_is_away_the_restored_practice_waits(town: Town) -> None:
    town.plans_with_cards(1, **ONE)
    town.time_to_charge()
    recover.mark_restored(town.practice.pk, since=clock.now(), now=clock.now())
    town.shop.fault("GET /v1/payment_intents", "error_before", times=9)

    with pytest.raises(Exception, match="Not every practice"):
        call_command("reconcile", practice=town.practice.slug)
    assert Practice.objects.get().recover_since is not None
    assert charge(town) == ["The database was restored: charges made since the backup are looked for first"]
    assert town.shop.taken() == []


def test_a_claim_is_refused_until_the_recovery_is_through(town: Town) -> None:
    (plan,) = town.plans_with_cards(1, **ONE)
    town.time_to_charge()
    part = plan.installments.filter(is_issued=True).get().due_parts.get(state="OPEN")
    recover.mark_restored(town.practice.pk, since=clock.now(), now=clock.now())

    with pytest.raises(UnableToClaim, match="looked for first"):
        claim(part.pk, channel="AUTOPAY", actor="autopay", now=clock.now())
