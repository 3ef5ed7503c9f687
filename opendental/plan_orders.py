"""Carries out what staff ordered for a plan in Open Dental: sent once, looked for after an unclear answer, read back.

Every step is committed before the next one begins, so that a worker killed anywhere is picked up from the order's state
(docs/adr/0011). One worker per office.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from opendental import outbox, plan_order_looks, plan_refusals, post
from opendental.client import Office, Row
from opendental.errors import OpenDentalError, Throttled
from opendental.fields import Unreadable
from opendental.models import Connection, PlanOrder
from opendental.plans import pull_plan
from opendental.store import Overtaken
from opendental.turns import only_one
from practices.models import Event

log = logging.getLogger(__name__)
State, Kind = PlanOrder.State, PlanOrder.Kind
# Staff stand at the desk: what could not be sent by then is not sent later behind their back, but looked for: in a
# restored database it may have been sent before.
_TOO_LATE = timedelta(minutes=5)
_SOON = timedelta(seconds=15)
_PROVEN_ABSENT = 2


class UnableToOrder(Exception):
    """The order is not taken; the text says why, for staff."""


def place(order: PlanOrder) -> PlanOrder:
    """Commit it. The order of the same form (uuid) is returned where there is one. Raises UnableToOrder."""
    order.next_at = order.made_at
    try:
        with transaction.atomic(durable=True):
            order.save(force_insert=True)
            _record(order, "placed", actor=order.actor, text=order.reason, now=order.made_at)
    except IntegrityError as error:
        same = PlanOrder.objects.filter(practice_id=order.practice_id, uuid=order.uuid).first()
        if same is None:
            raise UnableToOrder("Another order for it is under way. Wait for its result") from error
        return same
    return order


def work_through(practice_id: int, *, now: datetime) -> int:
    """Every order whose time has come; returns how many were looked at."""
    due = PlanOrder.objects.filter(practice_id=practice_id, state__in=_open(), next_at__lte=now)
    if not due.exists():
        return 0
    connection = Connection.objects.select_related("practice").get(practice_id=practice_id)
    with only_one("plan orders", practice_id) as turn:
        if turn is None:
            return 0
        office = Office(connection, urgent=True)
        office.heartbeat = turn.extend
        found = list(due.order_by("pk"))
        for order in found:
            Worker(connection, office, order, now).run()
    return len(found)


def _open() -> list[str]:
    return [State.QUEUED, State.SENDING, State.UNCLEAR, State.READING]


class Worker:
    """One pass over one order."""

    def __init__(self, connection: Connection, office: Office, order: PlanOrder, now: datetime) -> None:
        self.connection, self.office, self.order, self.now = connection, office, order, now

    def run(self) -> None:
        steps = {
            State.QUEUED: self._send, State.SENDING: self._lost, State.UNCLEAR: self._look, State.READING: self._read,
        }  # fmt: skip
        try:
            steps[State(self.order.state)]()
        except OpenDentalError as error:
            # Asking again is harmless: only _send, which catches its own, writes.
            self._wait(error.reason)
        if self.order.state == State.READING and self.order.next_at <= self.now:
            self.run()

    def _send(self) -> None:
        if self.now - self.order.made_at > _TOO_LATE or self.connection.practice.recover_since is not None:
            self._move(State.UNCLEAR, "It could not be sent in time", next_at=self.now)
            return
        if not self._move(State.SENDING, "", sent_at=self.now):
            return
        try:
            answer = self._request()
        except OpenDentalError as error:
            self._not_answered(error)
            return
        self._done(answer)

    def _request(self) -> Any:
        order = self.order
        if order.kind == Kind.CREATE:
            return self.office.post("/payplans/Dynamic", order.body)
        verb = "Close" if order.kind == Kind.CLOSE else "Dynamic"
        return self.office.put(f"/payplans/{order.pay_plan_num}/{verb}", order.body)

    def _not_answered(self, error: OpenDentalError) -> None:
        if not error.certainly_not_done:
            self._move(State.UNCLEAR, error.reason, next_at=self.now + outbox.SEARCH_GAP)
        elif isinstance(error, Throttled) or plan_refusals.heals(error):
            self._move(State.QUEUED, error.reason, next_at=self.now + _SOON)
        else:
            field, words = plan_refusals.explain(error, self.order)
            self._move(State.REFUSED, words, wrong_field=field)

    def _lost(self) -> None:
        """Its worker is gone."""
        if self.order.sent_at is None or self.now - self.order.sent_at < post.LOST_AFTER:
            self._wait("")
            return
        self._move(State.UNCLEAR, "The answer was lost", next_at=self.now)

    def _look(self) -> None:
        found = plan_order_looks.find(self.connection, self.office, self.order)
        if found is not None:
            self._done(found)
        elif self.order.searches + 1 >= _PROVEN_ABSENT:
            why = self.order.state_reason.rstrip(".")
            self._move(State.NOT_DONE, f"{why}. It was looked for twice in Open Dental, and is not there.")
        else:
            gap = outbox.SEARCH_GAP
            self._move(State.UNCLEAR, self.order.state_reason, searches=self.order.searches + 1, next_at=self.now + gap)

    def _done(self, answer: Row) -> None:
        number = self.order.pay_plan_num or plan_order_looks.number_of(answer)
        if number is None:
            # A success without a number: the plan is found by its reference.
            self._move(State.UNCLEAR, "Open Dental's answer can't be understood", next_at=self.now + outbox.SEARCH_GAP)
            return
        self._move(State.READING, "", pay_plan_num=number, next_at=self.now)

    def _read(self) -> None:
        number = self.order.pay_plan_num
        if number is None:
            raise ValueError(f"order {self.order.pk} has no plan number to read")
        try:
            row = plan_order_looks.row_of(self.connection, self.office, self.order)
            plan = pull_plan(self.connection, number, self.now, office=self.office, row=row)
        except (Overtaken, Unreadable) as error:
            self._wait(str(error))
            return
        if plan is None:
            self._move(State.DIFFERENT, "Open Dental does not have the plan any more")
            return
        differences = plan_order_looks.differences(self.order, plan)
        state = State.DIFFERENT if differences else State.DONE
        self._move(state, "", plan=plan, differences=differences)

    def _wait(self, reason: str) -> None:
        self._move(State(self.order.state), reason or self.order.state_reason, next_at=self.now + _SOON)

    def _move(self, state: str, reason: str, **changes: Any) -> bool:
        """Change the row if nobody else did, with its event; False when somebody did."""
        order, before = self.order, self.order.state
        with transaction.atomic(durable=True):
            mine = PlanOrder.objects.filter(pk=order.pk, state=before, sent_at=order.sent_at)
            moved = mine.update(state=state, state_reason=reason[:300], **changes)
            order.refresh_from_db()
            if moved and state != before:
                _record(order, state.lower(), actor="poster", text=reason, now=self.now)
        return bool(moved)


def _record(order: PlanOrder, what: str, *, actor: str, text: str, now: datetime) -> None:
    about = {"patient": order.patient_id, "plan_order": order.pk}
    if order.plan_id is not None:
        about["plan"] = order.plan_id
    Event.record(
        order.practice_id, kind=f"plan_order_{what}", actor=actor, now=now, about=about,
        text=f"{order.get_kind_display()}: {order.get_state_display().lower()}{f'. {text}' if text else ''}"[:400],
        after={"body": order.body} if what == "placed" else None,
    )  # fmt: skip
