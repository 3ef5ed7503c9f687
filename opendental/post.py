"""The ledger outbox of a practice: send, look for what was lost, read back, repair. One writer per office.

Every step is committed before the next one begins, so that a worker killed anywhere is picked up from its state:
SENDING for too long → UNCLEAR → searched by reference; POSTED → splits read → Partial if needed → read again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

import structlog

from core import trace
from core.calendar import local_date
from core.money import format_cents
from opendental import (
    breaker,
    features,
    office_notes,
    outbox,
    post_adjustment,
    post_move,
    post_refund,
    post_sale,
    refund_by_hand,
    verify,
    wire,
)
from opendental.client import Office
from opendental.errors import NotAllowed, OpenDentalError, Refused, Throttled, TooOldVersion, UnableToReachOffice
from opendental.fields import Fields, Unreadable
from opendental.models import Connection
from opendental.outbox import State
from opendental.plans import pull_plan
from opendental.store import Overtaken
from opendental.turns import only_one
from payments.models import LedgerAdjustment, LedgerPosting
from payplans.models import Installment, PayPlan

log = logging.getLogger(__name__)
steps = structlog.stdlib.get_logger(__name__)
Route = LedgerPosting.Route
# A worker that holds a posting longer than this is dead: waiting for the office's turn (pacing.py) and one request
# (client.py) take less together. Were it taken for dead earlier, it might still send after two searches.
LOST_AFTER = timedelta(minutes=4)
# Two searches with a gap that found nothing.
PROVEN_ABSENT = 2


def post_due(practice_id: int, now: datetime) -> int:
    """Work through every posting whose time has come; returns how many were worked on."""
    connection = Connection.objects.get(practice_id=practice_id)
    with only_one("post", practice_id) as turn:
        if turn is None:
            return 0
        office = Office(connection, urgent=True)
        office.heartbeat = turn.extend
        return Poster(connection, office, now).run()


class Poster:
    """One pass over a practice's outbox."""

    def __init__(self, connection: Connection, office: Office, now: datetime) -> None:
        self.connection = connection
        self.office = office
        self.is_away = False
        self._began, self._clock = now, time.monotonic()

    @property
    def now(self) -> datetime:
        """Business time, running on: a pass over many postings takes minutes, and gaps are counted from each send."""
        return self._began + timedelta(seconds=time.monotonic() - self._clock)

    def run(self) -> int:
        self._find_lost()
        # Before the payments they belong to: Open Dental then puts the money where it is open.
        worked = post_adjustment.run(self, lost_after=LOST_AFTER)
        due = LedgerPosting.objects.filter(
            practice_id=self.connection.practice_id,
            state__in=[State.QUEUED, State.UNCLEAR, State.POSTED],
            next_at__lte=self.now,
        ).order_by("next_at", "pk")
        found = due.select_related("plan__patient", "plan__guarantor", "patient", "payment__attempt")
        for posting in [*found, *refund_by_hand.waiting_for_staff(self.connection.practice_id, self.now)]:
            if self.is_away:
                break
            self._shielded(posting, self._work)
            worked += 1
        post_move.work(self)
        office_notes.work(self)
        return worked

    def _shielded(self, posting: LedgerPosting, step: Callable[[LedgerPosting], None]) -> None:
        """One posting that can't be worked on must not keep the others of the practice from the ledger."""
        attempt, before = posting.payment.attempt, posting.state
        with trace.bound(attempt.trace, attempt=str(attempt.uuid), reference=posting.reference):
            try:
                step(posting)
            except Exception:
                log.exception("Unable to work on posting %s of practice %s", posting.pk, posting.practice_id)
                outbox.set_aside(posting, now=self.now)
            steps.info("posting_worked_on", before=before, state=posting.state)

    def _find_lost(self) -> None:
        lost = LedgerPosting.objects.filter(
            practice_id=self.connection.practice_id, state=State.SENDING, claimed_at__lte=self.now - LOST_AFTER
        )
        for posting in lost:
            self._shielded(posting, self._lost)

    def _lost(self, posting: LedgerPosting) -> None:
        outbox.unclear(posting, "The worker that sent it was lost.", now=self.now)
        # Its request is long over, so there is nothing to wait for.
        outbox.move(posting, when=[State.UNCLEAR], now=self.now, next_at=self.now)

    def _work(self, posting: LedgerPosting) -> None:
        if posting.movement in (LedgerPosting.Movement.REFUND, LedgerPosting.Movement.MOVE_OUT):
            post_refund.work(self, posting)
            return
        match posting.state:
            case State.QUEUED:
                self._send(posting)
            case State.UNCLEAR:
                self._search(posting)
            case State.POSTED:
                self._read_back(posting)

    # Sending

    def _send(self, posting: LedgerPosting) -> None:
        if reason := self._cannot_post():
            outbox.put_back(posting, reason, now=self.now)
            outbox.alarm(posting, "POSTING_BLOCKED", reason, now=self.now, key=outbox.BLOCKED)
            return
        if self._plan_is_busy(posting) or post_adjustment.go_first(posting) or post_move.is_too_early(posting):
            outbox.wait(posting, now=self.now)
            return
        if route_of(self.connection, posting) == Route.PREPAYMENT and not self._plan_is_fresh(posting):
            return
        route = route_of(self.connection, posting)
        body = _body(self.connection, posting, route)
        today = local_date(self.now, posting.practice.zone)
        if not outbox.claim(posting, route=route, body=body, now=self.now, office_date=today):
            return
        self._ask(posting, body)

    def _ask(self, posting: LedgerPosting, body: dict[str, Any]) -> None:
        try:
            # Nothing but the number counts: an answer that has it means that the payment is there.
            pay_num = Fields(self.office.post("/payments", body)).key("PayNum")
        except OpenDentalError as error:
            self.send_failed(posting, error)
        except Unreadable:
            outbox.unclear(posting, "Open Dental's answer can't be understood.", now=self.now)
        else:
            self._posted(posting, pay_num)

    def _plan_is_fresh(self, posting: LedgerPosting) -> bool:
        """Once the charge is issued, a prepayment would be spent on the next one: so it is read again before."""
        try:
            self._read_plan(cast("PayPlan", posting.plan))
        except OpenDentalError as error:
            self.note(posting, error)
            self._later(posting, error.reason)
            return False
        except Unreadable as error:
            self._later(posting, f"Open Dental's answer about this plan can't be understood: {error}.")
            return False
        posting.refresh_from_db()
        return True

    def _later(self, posting: LedgerPosting, reason: str) -> None:
        outbox.put_back(posting, reason, now=self.now)
        outbox.tell_if_late(posting, reason, now=self.now)

    def _posted(self, posting: LedgerPosting, pay_num: int) -> None:
        if outbox.posted(posting, pay_num, now=self.now):
            self._read_back(posting)

    def _plan_is_busy(self, posting: LedgerPosting) -> bool:
        """Another payment of the plan isn't settled: both would take the same open charge and shut each other out.

        Of several that are proven not to be in the books, the oldest goes first; else they'd wait for each other.
        """
        taking = [LedgerPosting.Movement.PAYMENT, LedgerPosting.Movement.MOVE_IN]
        payments = LedgerPosting.objects.filter(plan_id=posting.plan_id, movement__in=taking)
        others = payments.filter(state__in=outbox.IN_FLIGHT).exclude(pk=posting.pk)
        if posting.state == State.UNCLEAR:
            others = others.exclude(state=State.UNCLEAR, searches__gte=PROVEN_ABSENT, pk__gt=posting.pk)
        return posting.plan_id is not None and others.exists()

    def _cannot_post(self) -> str:
        if not features.can_post(self.connection):
            return "The Open Dental key lacks the permission Payments."
        if not self.connection.pay_type_num:
            return "No payment type is chosen for posting to Open Dental."
        return ""

    def send_failed(self, posting: LedgerPosting, error: OpenDentalError) -> None:
        self.note(posting, error)
        if not error.certainly_not_done:
            outbox.unclear(posting, error.reason, now=self.now)
        elif isinstance(error, Throttled):
            outbox.put_back(posting, error.reason, now=self.now, wait=timedelta(seconds=error.retry_after))
        elif isinstance(error, UnableToReachOffice) or outbox.HEALS.search(error.explanation):
            outbox.put_back(posting, error.reason, now=self.now)
        elif isinstance(error, NotAllowed):
            outbox.put_back(posting, error.reason, now=self.now)
            outbox.alarm(posting, "POSTING_BLOCKED", error.reason, now=self.now, key=outbox.BLOCKED)
        else:
            outbox.stuck(posting, State.REFUSED, error.reason, now=self.now)

    # Looking for what may have arrived

    def _search(self, posting: LedgerPosting) -> None:
        self._adopt(posting)
        try:
            found = verify.find(self.office, self.connection, posting)
        except OpenDentalError as error:
            self.note(posting, error)
            self._later(posting, error.reason)
            return
        if len(found) > 1:
            numbers = ", ".join(str(number) for number in found)
            reason = f"Open Dental has this payment {len(found)} times (PayNum {numbers}): remove all but the first."
            outbox.alarm(posting, "POSTING_DUPLICATE", reason, now=self.now, key=f"duplicate:{posting.pk}")
        if found:
            self._posted(posting, found[0])
        else:
            self._not_found(posting)

    def _adopt(self, posting: LedgerPosting) -> None:
        """After a restore nothing is known of what was sent: what would be sent now is as near as can be told."""
        if posting.sent_body:
            return
        route = route_of(self.connection, posting)
        body = _body(self.connection, posting, route)
        day = local_date(posting.created_at, posting.practice.zone)
        outbox.move(posting, when=[State.UNCLEAR], now=self.now, route=route, sent_body=body, office_date=day)

    def _not_found(self, posting: LedgerPosting) -> None:
        """Two searches with a gap prove that it did not arrive; then it is sent once more, and never a third time."""
        if posting.searches == 0:
            outbox.move(posting, when=[State.UNCLEAR], now=self.now, searches=1, next_at=self.now + outbox.SEARCH_GAP)
        elif posting.sends < 2:
            if outbox.move(posting, when=[State.UNCLEAR], now=self.now, searches=PROVEN_ABSENT):
                self._send(posting)
        else:
            reason = "Open Dental did not confirm this payment twice and does not show it: check the ledger by hand."
            outbox.stuck(posting, State.REFUSED, reason, now=self.now)

    # Reading back

    def _read_back(self, posting: LedgerPosting) -> None:
        try:
            if posting.pay_num is not None or self._finds_number(posting):
                self._compare(posting)
        except OpenDentalError as error:
            self.note(posting, error)
            wait = None if error.certainly_not_done else outbox.SEARCH_GAP
            outbox.put_back(posting, error.reason, now=self.now, wait=wait)
            outbox.tell_if_late(posting, error.reason, now=self.now)
        except Unreadable as error:
            outbox.stuck(posting, State.MISMATCH, f"Open Dental's splits can't be understood: {error}.", now=self.now)

    def _finds_number(self, posting: LedgerPosting) -> bool:
        """It is in the books, but its number was another posting's: only the reference tells. Never sent from here."""
        if found := verify.find(self.office, self.connection, posting):
            return outbox.posted(posting, found[0], now=self.now)
        outbox.stuck(posting, State.MISMATCH, "Open Dental does not show this payment any more.", now=self.now)
        return False

    def _compare(self, posting: LedgerPosting) -> None:
        splits = verify.splits_of(self.office, self.connection, posting.pay_num or 0)
        if splits is None:
            self._compare_amount(posting)
            return
        verdict = _judge(posting, splits)
        if verdict.rows_missed and (refusal := self._repair(posting)) is not None:
            if refusal:
                outbox.stuck(posting, State.MISMATCH, f"{verdict.reason} {refusal}", now=self.now)
                return
            verdict = _judge(posting, verify.splits_of(self.office, self.connection, posting.pay_num or 0) or [])
        if verdict.matches:
            outbox.matched(posting, now=self.now)
        else:
            outbox.stuck(posting, State.MISMATCH, verdict.reason, now=self.now)

    def _compare_amount(self, posting: LedgerPosting) -> None:
        """An office too old to show splits: the payment itself must be there with its amount."""
        if verify.find(self.office, self.connection, posting):
            outbox.matched(posting, now=self.now)
        else:
            outbox.stuck(posting, State.MISMATCH, "Open Dental does not show this payment.", now=self.now)

    def _repair(self, posting: LedgerPosting) -> str | None:
        """Put the payment where it belongs. '' = done, a sentence = refused, None = nothing to repair with.

        Repeating it replaces the same splits by the same splits, so a lost answer does no harm.
        """
        if parts := post_sale.allocations(posting):
            amounts = post_sale.amounts(self.connection, posting, parts)
            return self._partial(posting, "procNumsAndAmounts", amounts) if amounts else None
        plan, installment = posting.plan, _installment(posting)
        if plan is None or installment is None:
            return None
        self._read_plan(plan)
        rows = verify.targets(installment, posting)
        if not rows:
            return f"{format_cents(posting.amount_cents)} is not open on this installment any more."
        amounts = [{"PayPlanChargeNum": number, "Amount": cents / 100} for number, cents in rows]
        return self._partial(posting, "payPlanChargeNumsAndAmounts", amounts)

    def _partial(self, posting: LedgerPosting, name: str, amounts: list[dict[str, Any]]) -> str:
        try:
            self.office.put(f"/payments/{posting.pay_num}/Partial", {name: amounts})
        except (Refused, TooOldVersion) as error:
            return error.reason
        return ""

    def _read_plan(self, plan: PayPlan) -> None:
        """Which rows the installment has and what is open on them, as of now."""
        try:
            pull_plan(self.connection, plan.pay_plan_num, self.now, office=self.office)
        except Overtaken:
            return  # Somebody else has just read it.

    def note(self, posting: LedgerPosting | LedgerAdjustment, error: OpenDentalError) -> None:
        log.warning("%s %s of practice %s: %s", posting._meta.model_name, posting.pk, posting.practice_id, error)
        breaker.missed(self.connection, error, now=self.now)
        # The office is away: the other postings would only wait for the same silence.
        self.is_away = isinstance(error, UnableToReachOffice | NotAllowed | Throttled)


def _installment(posting: LedgerPosting) -> Installment | None:
    if posting.move is not None:
        return posting.move.installment
    allocation = posting.payment.allocations.select_related("installment").first()
    return allocation.installment if allocation else None


def _judge(posting: LedgerPosting, splits: list[wire.SplitFacts]) -> verify.Verdict:
    if parts := post_sale.allocations(posting):
        return post_sale.judge(posting, parts, splits)
    return verify.judge(posting, splits, _numbers(posting))


def _numbers(posting: LedgerPosting) -> set[int]:
    installment = _installment(posting)
    return set(installment.charge_rows.values_list("pay_plan_charge_num", flat=True)) if installment else set()


def route_of(connection: Connection, posting: LedgerPosting) -> str:
    """How it would get there now."""
    if parts := post_sale.allocations(posting):
        return post_sale.route(connection, parts)
    installment = _installment(posting)
    if posting.plan is None or installment is None:
        return Route.PATIENT
    return features.route_of(connection, posting.plan, is_issued=installment.is_issued)


def _body(connection: Connection, posting: LedgerPosting, route: str) -> dict[str, Any]:
    """POST /payments. Exactly this is stored, sent and searched for."""
    body: dict[str, Any] = {
        "PatNum": posting.patient.pat_num,
        "PayAmt": f"{posting.amount_cents / 100:.2f}",
        "PayDate": local_date(posting.payment.paid_at, posting.practice.zone).isoformat(),
        "CheckNum": posting.reference,
        "PayNote": _note(posting),
    }
    if features.at_least(connection, "23.1.27"):
        body["PayType"] = posting.payment.attempt.pay_type_num or connection.pay_type_num
    body |= post_sale.fields(post_sale.allocations(posting), route)
    if route != Route.PATIENT and posting.plan is not None:
        body |= {"PatNum": account_of(posting.plan), "payPlanNum": posting.plan.pay_plan_num}
    if route == Route.PREPAYMENT:
        body["isPrepayment"] = "true"
    return body


def _note(posting: LedgerPosting) -> str:
    """Begins with the reference, by which staff find it too."""
    attempt = posting.payment.attempt
    words = [f"{posting.reference} KasperPay {attempt.paid_with or 'card payment'}"]
    if posting.plan_id is None:
        words += post_sale.words(attempt.due_part)
    return ". ".join(filter(None, words))


def account_of(plan: PayPlan) -> int:
    """PatNum of the account a plan's charges live on: the patient's, or the guarantor's of another family."""
    same_family = plan.patient.guarantor_num == plan.guarantor.guarantor_num
    return plan.patient.pat_num if same_family else plan.guarantor.pat_num
