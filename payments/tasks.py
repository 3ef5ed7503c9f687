"""Celery tasks of the money path: ids in, one call inward. Every precondition is checked again inside."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from cards import picking_up
from core import clock
from payments import (
    charging,
    circuit,
    disputes,
    inbox,
    payouts,
    presented,
    progress,
    reconcile,
    refund_news,
    refunds,
    reminders,
    sales,
    shares,
    sweep,
)
from payments.claim import UnableToClaim
from payments.models import Attempt
from practices import rounds, tenancy
from practices.models import Practice
from processors import accounts, breaker
from processors.port import UnableToReachProcessor


def active_practices() -> list[int]:
    return list(Practice.objects.filter(is_active=True).values_list("pk", flat=True))


@shared_task
def sweep_all(**_: Any) -> None:
    rounds.hand_out(sweep_one, active_practices())


@shared_task
@rounds.one_in_queue
def sweep_one(*, practice_id: int, **_: Any) -> int:
    """Each charge gets its time, so that no worker sits waiting for one account's turn while others have work."""
    with tenancy.scope(practice_id):
        now, pace = clock.now(), accounts.pace_of(practice_id)
        most = circuit.most(practice_id, now=now)
        if most == 0:
            return 0
        count = sweep.sweep(
            now=now,
            room=pace.book if most is None else lambda wanted: min(wanted, most),
            hand_over=lambda due_part_id: autopay_one.apply_async(
                kwargs={"practice_id": practice_id, "due_part_id": due_part_id, "is_probe": most is not None},
                countdown=pace.next_wait(),
            ),
        )
        if most and not count:
            circuit.nothing_to_try(practice_id, now=now)
        return count


# A message that waited longer than its lease is dropped: another sweep has handed the part over, or will.
@shared_task(queue="charges", expires=600)
def autopay_one(*, practice_id: int, due_part_id: int, is_probe: bool = False, **_: Any) -> str:
    """One installment by autopay; returns the attempt's state or why there is none."""
    with tenancy.scope(practice_id), shares.seats.seat(practice_id) as seat:
        if not seat:
            sweep.give_back(due_part_id)
            return "no seat"
        try:
            if not is_probe:
                circuit.refuse_while_open(practice_id, now=clock.now())
            attempt = charging.collect(due_part_id, channel=Attempt.Channel.AUTOPAY, actor="autopay", now=clock.now())
        except UnableToClaim as error:
            sweep.wait(due_part_id, reason=str(error), now=clock.now())
            if is_probe:
                breaker.probe_again(practice_id, now=clock.now())
            return str(error)
        circuit.learn(attempt, now=clock.now())
        return attempt.state


# The broker delivers again what a killed worker had taken: by then nobody is waiting for it any more.
@shared_task(queue="charges", expires=600)
def collect_one(
    *,
    practice_id: int,
    due_part_id: int,
    channel: str,
    actor: str,
    request: str,
    card_id: int | None = None,
    newest: int | None = None,
    **_: Any,
) -> str:
    """A person asked for it (Pay Now). The answer to them is kept under `request`.

    `newest`: the newest attempt they could see; a newer one means that a second click or a redelivery asks again.
    """
    with tenancy.scope(practice_id):
        try:
            attempt = charging.collect(
                due_part_id, channel=channel, actor=actor, now=clock.now(), card_id=card_id, newest=newest
            )
        except UnableToClaim as error:
            progress.refuse(request, str(error))
            sales.drop(due_part_id)
            return str(error)
        circuit.learn(attempt, now=clock.now())
        return attempt.state


@shared_task(queue="charges", expires=600)
def open_page_one(
    *,
    practice_id: int,
    due_part_id: int,
    actor: str,
    back: str,
    cancel: str,
    request: str = "",
    newest: int = 0,
    **_: Any,
) -> str:
    """Open the hosted card page for a tender of a desk sale or for an installment; the attempt's state or why there is
    none. `request`: under which a refusal is told (payments/progress.py); `newest` as in `collect_one`.
    """
    wish = presented.Wish(Attempt.Channel.HOSTED, actor, back=back, cancel=cancel)
    with tenancy.scope(practice_id):
        try:
            return presented.begin(due_part_id, wish, now=clock.now(), newest=newest).state
        except UnableToClaim as error:
            progress.refuse(request or progress.sale_request(due_part_id), str(error))
            sales.drop(due_part_id)
            return str(error)


@shared_task(queue="charges", expires=600)
def refund_one(*, practice_id: int, refund_id: int, **_: Any) -> str:
    """Ask the processor for a refund that staff ordered; returns its state. One that isn't STARTED is left alone."""
    with tenancy.scope(practice_id):
        return refunds.carry_out(refund_id, now=clock.now()).state


@shared_task
def reconcile_all(**_: Any) -> None:
    rounds.hand_out(reconcile_one, active_practices())


@shared_task
@rounds.one_in_queue
def reconcile_one(*, practice_id: int, **_: Any) -> int:
    """Open attempts and refunds, webhooks that were not worked through, cards nobody came back for."""
    with tenancy.scope(practice_id):
        now = clock.now()
        sales.tidy(practice_id, now=now)
        settled = reconcile.reconcile(practice_id, now=now) + refund_news.reconcile_refunds(practice_id, now=now)
        settled += disputes.reconcile_disputes(practice_id, now=now)
        try:
            return settled + inbox.work_through(practice_id, now=now) + picking_up.pick_up(now=now)
        except UnableToReachProcessor:
            # Webhooks wait for the processor to come back; the reconciler has raised the alarm.
            return settled


@shared_task
@rounds.one_in_queue
def inbox_one(*, practice_id: int, **_: Any) -> int:
    """All that is new: one message stands for however many events came before it began."""
    with tenancy.scope(practice_id):
        count = done = inbox.work_through(practice_id, now=clock.now())
        while done == inbox.PAGE:
            done = inbox.work_through(practice_id, now=clock.now())
            count += done
        if count and payouts.unread().exists():
            # Reading what is in a payout takes a while: never before news of charges.
            rounds.wake(payouts_one, practice_id)
        return count


@shared_task
def payouts_all(**_: Any) -> None:
    rounds.hand_out(payouts_one, active_practices())


@shared_task
@rounds.one_in_queue
def payouts_one(*, practice_id: int, **_: Any) -> int:
    with tenancy.scope(practice_id):
        try:
            return payouts.hear(practice_id, now=clock.now())
        except UnableToReachProcessor:
            # The next round, or the next webhook, asks again.
            return 0


@shared_task
def notices_all(**_: Any) -> None:
    rounds.hand_out(notices_one, active_practices())


@shared_task
@rounds.one_in_queue
def notices_one(*, practice_id: int, **_: Any) -> int:
    with tenancy.scope(practice_id):
        return reminders.queue_due(now=clock.now())
