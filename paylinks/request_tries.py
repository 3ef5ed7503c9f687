"""One press of Pay: agreed, then a worker reads the account, drafts the sale and asks the processor (docs/adr/0012).

A try that comes to nothing ends its sale at once; one whose worker died is ended, never repeated.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from cards import wording
from cards.models import Card, Consent
from core.money import format_cents
from paylinks import request_amounts, requests
from paylinks.models import PaymentRequest, RequestTry
from paylinks.models.requests import Refusal
from payments import charging, circuit, presented, sale_guard, sales
from payments.claim import UnableToClaim
from payments.models import Attempt, AttemptState, DuePart, Sale
from payments.presented import Wish
from payments.sales import UnableToSell
from payments.upward import UnableToReadAccount
from practices.models import Event
from processors.port import UnableToReachProcessor

State = RequestTry.State
# Real time: whoever pressed the button is not waiting any more, so nothing is begun for it.
MOST_WAIT = timedelta(minutes=2)
# Real time: by then a worker is through with it, or was killed.
LEASE = timedelta(minutes=5)
# Of one request in a day: more is somebody trying out cards that are not theirs.
MAX_A_DAY = 10
log = logging.getLogger(__name__)


class NotNow(Exception):
    """Nothing was asked of the processor."""

    def __init__(self, refusal: Refusal, words: str = "") -> None:
        super().__init__(words or refusal.label)
        self.refusal = refusal


@dataclass(frozen=True)
class Agreement:
    """What was pressed: cents shown, cents to pay, a saved card or None for the page, the words, and from where."""

    shown_cents: int
    amount_cents: int
    card: Card | None
    text: str
    language: str
    ip: str | None


def is_worn_out(request: PaymentRequest, now: datetime) -> bool:
    """It had its share of tries of the last 24 hours (business time)."""
    return request.tries.filter(agreed_at__gt=now - timedelta(days=1)).count() >= MAX_A_DAY


def agree(request: PaymentRequest, agreement: Agreement, *, now: datetime) -> RequestTry:
    """Keep that the button was pressed; pressed twice, it is the try that is under way."""
    try:
        with transaction.atomic(durable=True):
            tried = RequestTry.objects.create(
                practice_id=request.practice_id, request=request, shown_cents=agreement.shown_cents,
                amount_cents=agreement.amount_cents, card=agreement.card, language=agreement.language,
                ip=agreement.ip, agreed_at=now,
            )  # fmt: skip
            requests.opened(request, now)
            if agreement.card is not None:
                _record_consent(tried, agreement.card, agreement.text, now)
    except IntegrityError:
        return request.tries.latest("pk")
    return tried


def _record_consent(tried: RequestTry, card: Card, text: str, now: datetime) -> None:
    consent = Consent.objects.create(
        practice_id=tried.practice_id, kind=Consent.Kind.ONE_CHARGE, patient_id=tried.request.payer_id, card=card,
        text=text, text_version=wording.VERSION, language=tried.language, card_last4=card.last4,
        max_charge_cents=tried.amount_cents, channel=Consent.Channel.LINK, given_by=_actor(tried), given_at=now,
        ip=tried.ip,
    )  # fmt: skip
    about = {**requests.about(tried.request), "card": card.pk, "consent": consent.pk}
    words = f"Agreed on the link to one charge of {format_cents(tried.amount_cents)} to {card}"
    Event.record(tried.practice_id, kind="link_agreed", actor=_actor(tried), now=now, about=about, text=words)


def _actor(tried: RequestTry) -> str:
    return f"patient:{tried.request.payer_id}"


def run(try_id: int, *, now: datetime) -> None:
    """Carry it out, once. Called by a worker; a second call, or one for another worker's try, does nothing."""
    fresh = RequestTry.objects.filter(pk=try_id, state=State.READY, made_at__gt=datetime.now(UTC) - MOST_WAIT)
    if not fresh.update(state=State.RUNNING):
        return
    tried = RequestTry.objects.select_related("request__practice", "request__payer", "request__patient").get(pk=try_id)
    try:
        attempt = _collect(tried, now)
    except NotNow as refused:
        _finish(tried, refusal=refused.refusal, words=str(refused), now=now)
        return
    _finish(tried, attempt=attempt, now=now)
    if attempt.card is not None:
        circuit.learn(attempt, now=now)


def _collect(tried: RequestTry, now: datetime) -> Attempt:
    request = tried.request
    if not request.is_usable(now):
        raise NotNow(Refusal.SETTLED, f"This request is {request.get_state_display().lower()}")
    withdraw(request, actor=_actor(tried), now=now)
    if sales.is_money_moving(sale_guard.family_of(request.patient)):
        raise NotNow(Refusal.BUSY)
    sale = _draft(tried, now)
    payer = request.payer
    try:
        part = sales.tender(sale.pk, cents=sale.amount_cents, payer=payer, actor=_actor(tried), now=now)
    except UnableToSell as error:
        raise NotNow(Refusal.BUSY, str(error)) from error
    try:
        return _take(tried, part, now)
    except UnableToClaim as error:
        sales.drop(part.pk)
        raise NotNow(Refusal.REFUSED, str(error)) from error


def withdraw(request: PaymentRequest, *, actor: str, now: datetime) -> None:
    """Close its card pages that are open, and end sales that nobody goes on with. Raises NotNow (decisions 7)."""
    for attempt in open_attempts(request):
        if not attempt.is_presented:
            raise NotNow(Refusal.BUSY)
        try:
            attempt = presented.give_up(attempt, now=now, actor=actor)
        except UnableToReachProcessor as error:
            raise NotNow(Refusal.AWAY, str(error)) from error
        if not attempt.is_final:
            raise NotNow(Refusal.BUSY)
    request.refresh_from_db(fields=["state", "amount_cents"])
    if request.state != PaymentRequest.State.OPEN:
        raise NotNow(Refusal.SETTLED)
    for sale in Sale.objects.filter(request_try__request=request, state=Sale.State.OPEN):
        _let_go(sale, actor, now)


def open_attempts(request: PaymentRequest) -> list[Attempt]:
    """Its money that is in flight, oldest first."""
    mine = Attempt.objects.filter(due_part__sale__request_try__request=request, state__in=AttemptState.open())
    return list(mine.select_related("due_part", "card").order_by("pk"))


def _draft(tried: RequestTry, now: datetime) -> Sale:
    """The sale as the account stands now. Raises NotNow when that is not what stood above the button."""
    request = tried.request
    try:
        account = request_amounts.read(request, now)
    except UnableToReadAccount as error:
        raise NotNow(Refusal.AWAY, str(error)) from error
    lines = request_amounts.lines_now(request, account)
    asked = request_amounts.total(lines)
    if not asked:
        requests.settle_elsewhere(request, actor="open dental", now=now)
        raise NotNow(Refusal.SETTLED)
    if asked != tried.shown_cents:
        paid = request_amounts.paid_cents(request)
        requests.set_amount(request, paid + asked, actor="open dental", now=now)
        raise NotNow(Refusal.CHANGED, f"{format_cents(asked)} is owed, {format_cents(tried.shown_cents)} was shown")
    chosen = request_amounts.reduced(lines, tried.amount_cents)
    sale = sales.draft(
        request.patient, basis=request.basis, lines=chosen, note="Text to pay", actor=_actor(tried), now=account.read_at
    )
    if not RequestTry.objects.filter(pk=tried.pk, state=State.RUNNING).update(sale=sale):
        raise NotNow(Refusal.LOST)
    tried.sale = sale
    return sale


def _take(tried: RequestTry, part: DuePart, now: datetime) -> Attempt:
    if tried.card is not None:
        return charging.collect(
            part.pk, channel=Attempt.Channel.LINK_CARD, actor=_actor(tried), now=now, card_id=tried.card_id, newest=0
        )
    # The address of the link itself would tell its token to the processor; this one leads to the try, for a while.
    back = settings.BASE_URL + reverse("request_back", args=[tried.request.practice.slug, tried.uuid])
    wish = Wish(Attempt.Channel.LINK_PAGE, _actor(tried), back=back, cancel=f"{back}?canceled=1")
    return presented.begin(part.pk, wish, now=now)


def _finish(
    tried: RequestTry, *, now: datetime, attempt: Attempt | None = None, refusal: str = Refusal.NONE, words: str = ""
) -> None:
    running = RequestTry.objects.filter(pk=tried.pk, state=State.RUNNING)
    running.update(state=State.DONE, attempt=attempt, refusal=refusal, refusal_words=words[:200])
    request_amounts.forget(tried.request)
    if tried.sale is not None and (attempt is None or attempt.is_final):
        _let_go(tried.sale, _actor(tried), now)


def _let_go(sale: Sale, actor: str, now: datetime) -> None:
    """Nothing more comes of it: what it holds is free. Quiet when it is paid or moving."""
    try:
        sales.cancel(sale.pk, actor=actor, now=now)
    except UnableToSell as error:
        log.info("sale %s stays: %s", sale.pk, error)


def end_lost(practice_id: int, *, now: datetime, real_now: datetime | None = None) -> int:
    """End the tries whose message was lost or whose worker died; how many. Needs the practice's scope."""
    before = (real_now or datetime.now(UTC)) - LEASE
    lost = RequestTry.objects.filter(
        practice=practice_id, state__in=[State.READY, State.RUNNING], made_at__lt=before
    )  # fmt: skip
    return sum(_end_lost(tried_id, now) for tried_id in lost.order_by("pk").values_list("pk", flat=True))


def _end_lost(try_id: int, now: datetime) -> bool:
    """Ended before its sale is looked for: a worker that is late after all can't tie one to it any more."""
    mine = RequestTry.objects.filter(pk=try_id, state__in=[State.READY, State.RUNNING])
    if not mine.update(state=State.DONE, refusal=Refusal.LOST):
        return False
    tried = RequestTry.objects.select_related("request", "sale").get(pk=try_id)
    made = Attempt.objects.filter(due_part__sale=tried.sale).first() if tried.sale is not None else None
    if made is not None:
        RequestTry.objects.filter(pk=try_id).update(attempt=made, refusal=Refusal.NONE)
    if tried.sale is not None and (made is None or made.is_final):
        _let_go(tried.sale, _actor(tried), now)
    return True
