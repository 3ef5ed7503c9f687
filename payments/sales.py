"""Desk sales: drafted from what Open Dental shows, held while they are paid, one due part for each tender (ADR 6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, Sum

from core.money import format_cents
from patients.models import Patient
from payments import fee_terms, fees, locks
from payments.models import (
    Allocation,
    Attempt,
    AttemptState,
    DuePart,
    LedgerAdjustment,
    LedgerPosting,
    Move,
    Sale,
    SaleLine,
    TenderFee,
)
from payments.sale_lines import Line
from practices.models import Event

State = Sale.State
# A draft says what Open Dental showed; older ones are drafted anew. A card is asked for only after a recheck, but cash
# is taken as the draft says.
DRAFT_MAX_AGE = timedelta(minutes=10)
# Nobody goes on with it: what it holds is free again. Business time.
LEFT_ALONE = timedelta(minutes=10)
# Real time, by which requests age: no worker is still at a tender that it has not begun with.
REQUEST_IS_OVER = timedelta(minutes=10)
# A person's word ends the waiting as well: they said that it stands there (opendental/marking.py).
_STANDS_THERE = [LedgerPosting.State.MATCHED, LedgerPosting.State.MARKED, LedgerPosting.State.WITHDRAWN]


class UnableToSell(Exception):
    """Nothing was taken. The text says why, for staff."""


class PriceChanged(UnableToSell):
    """What would be taken is not what was shown: it is shown first."""


def draft(patient: Patient, *, basis: str, lines: Sequence[Line], note: str, actor: str, now: datetime) -> Sale:
    """Keep what is to be paid, as Open Dental showed it at `now`. Asks for no money and holds nothing."""
    people = Patient.objects.filter(practice=patient.practice_id, pat_num__in={line.pat_num for line in lines})
    by_number = {one.pat_num: one for one in people}
    with transaction.atomic():
        sale = Sale.objects.create(
            practice_id=patient.practice_id, patient=patient, basis=basis, note=note[:200], actor=actor, drafted_at=now,
            amount_cents=sum(line.cents for line in lines),
        )  # fmt: skip
        SaleLine.objects.bulk_create(_line(sale, line, by_number.get(line.pat_num, patient)) for line in lines)
    return sale


def _line(sale: Sale, line: Line, patient: Patient) -> SaleLine:
    row = SaleLine(practice_id=sale.practice_id, sale=sale, kind=line.kind, patient=patient, amount_cents=line.cents)
    if line.procedure is not None:
        one = line.procedure
        row.proc_num, row.service_date, row.code = one.proc_num, one.service_date, one.code
        row.description, row.provider = one.description, one.provider
    return row


def tender(
    sale_id: int,
    *,
    cents: int,
    payer: Patient,
    actor: str,
    now: datetime,
    newest: int | None = None,
    means: str = fees.Means.OTHER,
    shown_cents: int | None = None,
) -> DuePart:
    """A due part for `cents` of what is still to be paid; with the first one the lines are held. Raises UnableToSell.

    `newest`: refuse when there is a tender after this one (0: any): whoever asks has not seen it. None: don't ask.
    `means` (fees.Means) decides about a fee (ADR 8); `shown_cents` is the price that was on the screen, None: `cents`.
    Opens a transaction of its own or joins one (payments/recorded.py).
    """
    try:
        with transaction.atomic():
            sale = locks.sale(sale_id)
            _refuse_unless_payable(sale, cents, now)
            _refuse_if_tendered_since(sale, newest)
            if sale.state == State.DRAFT:
                _open(sale, actor, now)
            part = DuePart.objects.create(
                practice_id=sale.practice_id, kind=DuePart.Kind.SALE, sale=sale, payer=payer, amount_cents=cents,
                is_automatic=False,
            )  # fmt: skip
            _freeze_price(part, sale, means, cents if shown_cents is None else shown_cents, now)
            return part
    except IntegrityError as error:
        raise UnableToSell(
            "Another payment of one of these procedures is under way or not in Open Dental yet"
        ) from error


def refuse_early(
    sale: Sale, *, cents: int, now: datetime, newest: int | None, means: str, shown_cents: int | None
) -> None:
    """What `tender` would refuse, asked before anything is withdrawn to make room for it; no lock. It asks again.

    Raises UnableToSell.
    """
    _refuse_unless_payable(sale, cents, now)
    _refuse_if_tendered_since(sale, newest)
    _price(fee_terms.offer(sale.practice, now), sale, cents, means, cents if shown_cents is None else shown_cents)


def _refuse_if_tendered_since(sale: Sale, newest: int | None) -> None:
    if newest is not None and sale.due_parts.filter(pk__gt=newest).exists():
        raise UnableToSell("This was paid at meanwhile, perhaps by a second click: look at it first")


def _price(offer: fee_terms.Offer, sale: Sale, cents: int, means: str, shown_cents: int) -> fees.Quote:
    quote = offer.quote(sale, cents=cents, means=means)
    if quote.total_cents != shown_cents:
        raise PriceChanged(f"The price is {format_cents(quote.total_cents)}, not {format_cents(shown_cents)}")
    return quote


def _freeze_price(part: DuePart, sale: Sale, means: str, shown_cents: int, now: datetime) -> None:
    """Under the sale's lock: what is asked for from here on is exactly what was shown."""
    offer = fee_terms.offer(sale.practice, now)
    quote = _price(offer, sale, part.amount_cents, means, shown_cents)
    if quote.fee_cents and offer.settings is not None:
        TenderFee.objects.create(
            practice_id=part.practice_id, due_part=part, settings=offer.settings, kind=quote.kind, rate=quote.rate,
            base_cents=quote.base_cents, fee_cents=quote.fee_cents, total_cents=quote.total_cents,
            sentence=quote.sentence[:300],
        )  # fmt: skip


def _refuse_unless_payable(sale: Sale, cents: int, now: datetime) -> None:
    if sale.practice.recover_since is not None:
        raise UnableToSell("The database was restored: charges made since the backup are looked for first")
    if sale.state not in (State.DRAFT, State.OPEN):
        raise UnableToSell(f"This sale is {sale.get_state_display().lower()}: begin a new one")
    if sale.state == State.DRAFT and now - sale.drafted_at > DRAFT_MAX_AGE:
        raise UnableToSell("This was read from Open Dental more than 10 minutes ago: begin again")
    if cents < 1:
        raise UnableToSell("Enter an amount")
    left = left_cents(sale)
    if not left:
        raise UnableToSell("All of this is paid or being paid")
    if cents > left:
        raise UnableToSell(f"Only {format_cents(left)} is still to be paid")


def left_cents(sale: Sale) -> int:
    """What no tender has taken or is taking. Under the lock when something is decided by it."""
    counts = sale.due_parts.filter(state__in=[DuePart.State.OPEN, DuePart.State.PAID])
    return sale.amount_cents - int(counts.aggregate(cents=Sum("amount_cents"))["cents"] or 0)


def paid_cents(sale: Sale) -> int:
    counts = sale.due_parts.filter(state=DuePart.State.PAID)
    return int(counts.aggregate(cents=Sum("amount_cents"))["cents"] or 0)


def _open(sale: Sale, actor: str, now: datetime) -> None:
    _free(sale)
    _refuse_if_paid_since(sale)
    # The constraint decides: one sale at a time holds a procedure.
    sale.lines.update(is_held=True)
    sale.state = State.OPEN
    sale.save(update_fields=["state"])
    text = f"{format_cents(sale.amount_cents)}: {sale.get_basis_display().lower()}"
    Event.record(sale.practice_id, kind="sale_opened", actor=actor, now=now, about=about(sale), text=text)


def _refuse_if_paid_since(sale: Sale) -> None:
    """The draft was read before Open Dental showed another payment of ours: its amounts are of yesterday."""
    wanted = [line.proc_num for line in sale.lines.all() if line.proc_num]
    seen_later = (
        Q(payment__postings__matched_at__gt=sale.drafted_at)
        | Q(payment__paid_at__gt=sale.drafted_at)
        | Q(adjustment__matched_at__gt=sale.drafted_at)
    )
    if Allocation.objects.filter(seen_later, practice=sale.practice_id, line__proc_num__in=wanted).exists():
        raise UnableToSell("Some of this was paid after it was read from Open Dental: begin again")


def _free(sale: Sale) -> None:
    """Let go what other sales hold though they are over: all that they took is read back from Open Dental."""
    wanted = [line.proc_num for line in sale.lines.all() if line.proc_num]
    held = SaleLine.objects.filter(practice=sale.practice_id, is_held=True, proc_num__in=wanted).exclude(sale=sale)
    for other in Sale.objects.filter(pk__in=held.values("sale")).order_by("pk"):
        if is_over(other):
            other.lines.update(is_held=False)


def is_over(sale: Sale) -> bool:
    """No tender is under way and what was taken stands in Open Dental: a new look there sees all of it."""
    if sale.state in (State.DRAFT, State.OPEN):
        return False
    if sale.state == State.TARGET:
        return not Move.objects.filter(target=sale, state=Move.State.ORDERED).exists()
    waiting = LedgerPosting.objects.filter(payment__attempt__due_part__sale=sale).exclude(state__in=_STANDS_THERE)
    discounts = LedgerAdjustment.objects.filter(
        payment__attempt__due_part__sale=sale, state__in=LedgerAdjustment.State.unsettled()
    )
    return not waiting.exists() and not discounts.exists()


def is_money_moving(patient_ids: list[int]) -> bool:
    """A tender of their sales is under way, or taken and not yet seen in Open Dental: what they owe isn't known."""
    parts = DuePart.objects.filter(sale__patient__in=patient_ids)
    if Attempt.objects.filter(due_part__in=parts, state__in=AttemptState.open()).exists():
        return True
    posted = LedgerPosting.objects.filter(payment__attempt__due_part__in=parts, movement=LedgerPosting.Movement.PAYMENT)
    discounts = LedgerAdjustment.objects.filter(
        payment__attempt__due_part__in=parts, state__in=LedgerAdjustment.State.unsettled()
    )
    return posted.exclude(state__in=_STANDS_THERE).exists() or discounts.exists()


def cancel(sale_id: int, *, actor: str, now: datetime) -> Sale:
    """Nobody pays the rest of it. What is paid stays paid. Raises UnableToSell while a tender is under way."""
    with transaction.atomic():
        sale = locks.sale(sale_id)
        if sale.state not in (State.DRAFT, State.OPEN):
            return sale
        if _is_moving(sale):
            raise UnableToSell("A payment of this sale is under way: wait for its outcome")
        sale.due_parts.filter(state=DuePart.State.OPEN).update(state=DuePart.State.CLOSED)
        sale.state, sale.ended_at = State.CANCELED, now
        sale.save(update_fields=["state", "ended_at"])
        text = f"{format_cents(paid_cents(sale))} of {format_cents(sale.amount_cents)} was paid"
        Event.record(sale.practice_id, kind="sale_canceled", actor=actor, now=now, about=about(sale), text=text)
    return sale


def _is_moving(sale: Sale) -> bool:
    return is_any_moving([sale.pk])


def is_any_moving(sale_ids: Iterable[int]) -> bool:
    """A tender of one of these sales is under way."""
    parts = DuePart.objects.filter(sale__in=list(sale_ids))
    return parts.filter(attempts__state__in=AttemptState.open()).exists()


def drop(due_part_id: int) -> None:
    """A tender that was refused before anything was asked; quiet when another worker is at it, or it is of no sale."""
    if not DuePart.objects.filter(pk=due_part_id, sale__isnull=False).exists():
        return
    with transaction.atomic():
        found = locks.due_part(due_part_id)
        busy = found.attempts.filter(state__in=AttemptState.open_or_paid()).exists()
        if found.state == DuePart.State.OPEN and not busy:
            found.state = DuePart.State.CLOSED
            found.save(update_fields=["state"])


def tidy(practice_id: int, *, now: datetime, real_now: datetime | None = None) -> int:
    """End what nobody goes on with: tenders whose worker died before it asked, sales left half way. How many sales."""
    before, count = (real_now or datetime.now(UTC)) - REQUEST_IS_OVER, 0
    left = Sale.objects.filter(practice=practice_id, state=State.OPEN, drafted_at__lte=now - LEFT_ALONE)
    for sale in left.order_by("pk"):
        if not sale.due_parts.filter(created_at__gt=before).exists() and not _is_moving(sale):
            count += _ended(sale, now)
    return count


def _ended(sale: Sale, now: datetime) -> bool:
    """False: somebody goes on with it at this very moment."""
    try:
        cancel(sale.pk, actor="reconciler", now=now)
    except UnableToSell:
        return False
    return True


def about(sale: Sale) -> dict[str, int]:
    """The ids under which the sale's events are found."""
    return {"sale": sale.pk, "patient": sale.patient_id}
