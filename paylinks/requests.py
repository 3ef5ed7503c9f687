"""Requests for money: made from a drafted sale, sent, changed, canceled, found by their link, ended (docs/adr/0012)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core import signing
from django.db import transaction
from django.db.models import F

from core.money import format_cents
from core.tokens import link_token, token_hash
from notifications import outbox
from notifications.models import Kind, Message
from patients.models import Patient
from paylinks import request_amounts
from paylinks.models import PaymentRequest, RequestLine, RequestTry
from payments import sales, upward
from payments.models import Sale
from payments.sales import UnableToSell
from practices.models import Event

State = PaymentRequest.State
# Business time.
VALID_FOR = timedelta(days=30)
MOST_WRONG_DATES = 5
# Real time: how long whoever gave the right date sees the services on the page.
PASS_FOR = timedelta(minutes=30)
_SALT = "request-services"
LEAST_CENTS = 50


class UnableToRequest(Exception):
    """Nothing was sent or changed. The text says why, for staff."""


@dataclass(frozen=True)
class FoundRequest:
    """A request that exists, by its link."""

    request: PaymentRequest
    is_dead: bool

    @property
    def patient(self) -> Patient:
        return self.request.payer


@dataclass(frozen=True)
class Order:
    """Whom staff want to ask, by which channel. `click` is made with the form: a double click is one request."""

    payer: Patient
    channel: str
    click: uuid.UUID


def ask(sale: Sale, order: Order, *, actor: str, now: datetime) -> PaymentRequest:
    """Hand what this sale would take over to a request, and end the sale. Raises UnableToRequest."""
    before = PaymentRequest.objects.filter(practice=sale.practice_id, click=order.click).first()
    if before is not None:
        return before
    if sale.amount_cents < LEAST_CENTS:
        raise UnableToRequest("Cards can't be charged less than $0.50")
    if sale.state != Sale.State.DRAFT or now - sale.drafted_at > sales.DRAFT_MAX_AGE:
        raise UnableToRequest("This was read from Open Dental a while ago or is being paid: begin again")
    with transaction.atomic():
        try:
            sales.cancel(sale.pk, actor=actor, now=now)
        except UnableToSell as error:
            raise UnableToRequest(str(error)) from error
        request = _make(sale, order, actor, now)
        text = f"Request of {format_cents(request.amount_cents)} to {order.payer.full_name}"
        _note(request, "request_made", actor, now, text)
        _send(request, Kind.REQUEST, now)
    return request


def _make(sale: Sale, order: Order, actor: str, now: datetime) -> PaymentRequest:
    nonce = uuid.uuid4()
    request = PaymentRequest.objects.create(
        practice_id=sale.practice_id, nonce=nonce, token_hash=token_hash(link_token(nonce)), click=order.click,
        patient=sale.patient, payer=order.payer, basis=sale.basis, amount_cents=sale.amount_cents, actor=actor,
        prefers=order.channel, created_at=now, sent_at=now, expires_at=now + VALID_FOR,
    )  # fmt: skip
    RequestLine.objects.bulk_create(
        RequestLine(
            practice_id=sale.practice_id,
            request=request,
            kind=line.kind,
            patient_id=line.patient_id,
            amount_cents=line.amount_cents,
            proc_num=line.proc_num,
            service_date=line.service_date,
            code=line.code,
            description=line.description,
            provider=line.provider,
        )  # fmt: skip
        for line in sale.lines.order_by("pk")
    )
    return request


def _send(request: PaymentRequest, kind: str, now: datetime) -> Message:
    """Queue it once per sending and reminder, and wake the sender."""
    message = outbox.enqueue(
        practice=request.practice, kind=kind, patient=request.payer, now=now, link_nonce=request.nonce,
        values={"Transaction Amount": format_cents(request_amounts.left_cents(request))},
        dedupe_key=f"{kind}:{request.nonce}:{request.sendings}:{request.reminders}", about=about(request),
        prefers=request.prefers,
    )  # fmt: skip
    PaymentRequest.objects.filter(pk=request.pk).update(message=message)
    practice_id = request.practice_id
    transaction.on_commit(lambda: upward.handlers.nudge(practice_id), robust=True)
    return message


def resend(request_id: int, *, shown: int, actor: str, now: datetime) -> PaymentRequest:
    """The same link again, for another 30 days. `shown`: its sendings as the page had them. Raises UnableToRequest.

    Also revives an expired one, and opens its list of services for new tries.
    """
    with transaction.atomic():
        request = _locked(request_id)
        if request.sendings != shown:
            raise UnableToRequest("It was sent again meanwhile")
        outbox.call_off(request.practice_id, request.nonce, reason="Sent again")
        request.sendings, request.reminders, request.wrong_tries = request.sendings + 1, 0, 0
        request.sent_at, request.expires_at = now, now + VALID_FOR
        request.save(update_fields=["sendings", "reminders", "wrong_tries", "sent_at", "expires_at"])
        _note(request, "request_sent_again", actor, now, "Request sent again")
        _send(request, Kind.REQUEST, now)
    return request


def remind(request_id: int, *, reminders: int, now: datetime) -> None:
    """The next reminder; quiet when another worker has just done it."""
    waiting = PaymentRequest.objects.filter(pk=request_id, state=State.OPEN, reminders=reminders)
    with transaction.atomic():
        if waiting.update(reminders=F("reminders") + 1):
            request = PaymentRequest.objects.select_related("practice", "payer").get(pk=request_id)
            _send(request, Kind.REQUEST_REMINDER, now)


def change_amount(request_id: int, *, cents: int, actor: str, now: datetime) -> PaymentRequest:
    """Ask for another amount, at most what its lines name. Raises UnableToRequest."""
    with transaction.atomic():
        request = _locked(request_id)
        _refuse_while_paying(request)
        most = sum(line.amount_cents for line in request.lines.all())
        least = request_amounts.paid_cents(request) + LEAST_CENTS
        if not least <= cents <= most:
            raise UnableToRequest(f"The amount can be {format_cents(least)} to {format_cents(most)}")
        set_amount(request, cents, actor=actor, now=now)
    return request


def set_amount(request: PaymentRequest, cents: int, *, actor: str, now: datetime) -> None:
    """Store another amount and say so in the trail; quiet when it is the same."""
    before = request.amount_cents
    if cents != before and PaymentRequest.objects.filter(pk=request.pk, state=State.OPEN).update(amount_cents=cents):
        request.amount_cents = cents
        text = f"Request changed from {format_cents(before)} to {format_cents(cents)}"
        _note(request, "request_changed", actor, now, text)
    request_amounts.forget(request)


def cancel(request_id: int, *, actor: str, now: datetime) -> PaymentRequest:
    """Make its link useless at once. Raises UnableToRequest while it is being paid."""
    with transaction.atomic():
        request = _locked(request_id)
        _refuse_while_paying(request)
        _end(request, State.CANCELED, actor, now, "Request canceled")
    return request


def settle_elsewhere(request: PaymentRequest, *, actor: str, now: datetime) -> None:
    """Open Dental shows nothing of it as owed any more."""
    paid = request_amounts.paid_cents(request)
    if paid:
        set_amount(request, paid, actor=actor, now=now)
        _end(request, State.PAID, actor, now, "Request paid: nothing more is owed of it")
    else:
        _end(request, State.SETTLED, actor, now, "Request settled: Open Dental shows nothing of it as owed any more")


def sale_paid(sale_id: int, *, now: datetime) -> None:
    """A tender succeeded (upward handler, inside settle's transaction): the request is paid when nothing is left."""
    tried = RequestTry.objects.select_related("request").filter(sale=sale_id).first()
    if tried is None:
        return
    request_amounts.forget(tried.request)
    if not request_amounts.left_cents(tried.request):
        amount = format_cents(request_amounts.paid_cents(tried.request))
        _end(tried.request, State.PAID, f"patient:{tried.request.payer_id}", now, f"Request paid: {amount}")


def _end(request: PaymentRequest, state: str, actor: str, now: datetime, text: str) -> None:
    mine = PaymentRequest.objects.filter(pk=request.pk, state=State.OPEN)
    if mine.update(state=state, ended_at=now):
        request.state, request.ended_at = state, now
        outbox.call_off(request.practice_id, request.nonce, reason=text)
        _note(request, f"request_{state.lower()}", actor, now, text)
    request_amounts.forget(request)


def _locked(request_id: int) -> PaymentRequest:
    """Raises UnableToRequest unless it is open."""
    rows = PaymentRequest.objects.select_for_update(of=("self",)).select_related("practice", "payer", "patient")
    request = rows.get(pk=request_id)
    if request.state != State.OPEN:
        raise UnableToRequest(f"This request is {request.get_state_display().lower()}")
    return request


def _refuse_while_paying(request: PaymentRequest) -> None:
    under_way = [RequestTry.State.READY, RequestTry.State.RUNNING]
    if request.tries.filter(state__in=under_way).exists():
        raise UnableToRequest("The patient is paying it just now: wait for the outcome")
    if sales.is_any_moving(request.tries.exclude(sale=None).values_list("sale", flat=True)):
        raise UnableToRequest("The patient has the card page open: wait for the outcome, or cancel the request")


def find(token: str, now: datetime) -> FoundRequest | None:
    """The request of this token in the practice in scope; None for a token that is wrong or of another kind."""
    rows = PaymentRequest.objects.select_related("patient", "payer", "practice")
    request = rows.filter(token_hash=token_hash(token)).first()
    if request is None:
        return None
    is_over = request.state == State.OPEN and now >= request.expires_at
    return FoundRequest(request, is_over or request.state == State.CANCELED)


def proves(request: PaymentRequest, born: date, *, now: datetime) -> bool:
    """Whether this is the birth date of who was asked. Wrong ones count, also when they come side by side."""
    rows = PaymentRequest.objects.filter(pk=request.pk, wrong_tries__lt=MOST_WRONG_DATES)
    # Counted before it is compared: guesses that come at once can't all be the fifth.
    if not rows.update(wrong_tries=F("wrong_tries") + 1):
        return False
    opened(request, now)
    if born == request.payer.birth_date:
        PaymentRequest.objects.filter(pk=request.pk, wrong_tries__gt=0).update(wrong_tries=F("wrong_tries") - 1)
        _note(request, "request_services_shown", f"patient:{request.payer_id}", now, "Services shown on the pay page")
        return True
    request.refresh_from_db(fields=["wrong_tries"])
    _note(request, "request_birth_date_wrong", "visitor", now, "Wrong birth date on the pay page")
    return False


def make_pass(request: PaymentRequest) -> str:
    """What the address of the page carries for a while after the right birth date: phones may keep no cookies."""
    return signing.TimestampSigner(salt=_SALT).sign(str(request.pk))


def is_pass(request: PaymentRequest, given: str) -> bool:
    try:
        return signing.TimestampSigner(salt=_SALT).unsign(given, max_age=PASS_FOR) == str(request.pk)
    except signing.BadSignature:
        return False


def opened(request: PaymentRequest, now: datetime) -> None:
    """The first button was pressed."""
    if PaymentRequest.objects.filter(pk=request.pk, opened_at=None).update(opened_at=now):
        _note(request, "request_opened", f"patient:{request.payer_id}", now, "Request opened")


def about(request: PaymentRequest) -> dict[str, int]:
    """The ids under which its events are found."""
    return {"patient": request.patient_id, "payer": request.payer_id, "request": request.pk}


def _note(request: PaymentRequest, kind: str, actor: str, now: datetime, text: str) -> None:
    Event.record(request.practice_id, kind=kind, actor=actor, now=now, about=about(request), text=text)
