"""Reading an account and a sale for Process Payment."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.http import QueryDict
from django.shortcuts import get_object_or_404

from cards.models import Card
from core.money import format_cents
from patients import pages as patient_pages
from patients.models import Patient
from payments import fee_pages, progress, sale_guard, sales, upward
from payments.account import Account
from payments.models import Attempt, DuePart, LedgerPosting, Payment, Sale
from payments.sale_forms import RECORDED, TERMINAL, SaleForm, TenderForm
from payments.upward import UnableToReadAccount
from practices.models import Practice

_KEEP_SECONDS = int(sales.DRAFT_MAX_AGE.total_seconds())


def read_account(patient: Patient, now: datetime) -> tuple[Account, str]:
    """The account as Open Dental has it now, and the token under which it is kept. Raises UnableToReadAccount."""
    if patient.gone_at is not None:
        raise UnableToReadAccount("Open Dental no longer has this patient.")
    found, token = upward.handlers.account(patient.practice_id, patient.pat_num, now), uuid.uuid4().hex
    cache.set(_key(patient, token), found, _KEEP_SECONDS)
    return found, token


def shown_account(patient: Patient, token: str) -> Account | None:
    """What stood on the screen; None when that is too long ago."""
    found: Account | None = cache.get(_key(patient, token))
    return found


def _key(patient: Patient, token: str) -> str:
    return f"account:{patient.practice_id}:{patient.pk}:{token[:40]}"


def chooser(patient: Patient, account: Account, form: SaleForm) -> dict[str, Any]:
    """Everything the amount chooser shows."""
    names = {one.pat_num: one.name for one in account.members}
    chosen = {str(one) for one in form["procedures"].value() or []}
    mine, family = account.owed_cents(account.pat_num), account.owed_cents(*account.family)
    return {
        "patient": patient,
        "account": account,
        "form": form,
        "procedures": [(one, names[one.pat_num], str(one.proc_num) in chosen) for one in account.procedures],
        "own_cents": mine,
        "family_cents": family,
        "has_family": len(account.members) > 1,
        "pending_cents": sum(one.pending_cents for one in account.procedures_of([account.pat_num])),
        "unearned_cents": account.members[0].unearned_cents,
        "loose_cents": account.members[0].loose_cents,
    }


def form_for(account: Account, token: str, data: QueryDict | None) -> SaleForm:
    owes = account.owed_cents(account.pat_num) > 0
    basis = Sale.Basis.PATIENT if owes else Sale.Basis.CUSTOM
    return SaleForm(data, account=account, initial={"token": token, "basis": basis})


@dataclass(frozen=True)
class TenderRow:
    """One way the sale is paid, tried or refused. `refusal`: nothing was asked, and why."""

    part: DuePart
    attempt: Attempt | None
    payment: Payment | None
    posting: LedgerPosting | None
    refusal: str

    @property
    def is_at_page(self) -> bool:
        """A card can be typed in on the processor's page, here at the desk."""
        attempt = self.attempt
        return attempt is not None and attempt.channel == "HOSTED" and attempt.state == "PENDING" and bool(attempt.page)

    @property
    def is_at_reader(self) -> bool:
        """A card can be presented to a terminal."""
        return self.attempt is not None and self.attempt.channel == "TERMINAL" and not self.attempt.is_final

    @property
    def fee_words(self) -> str:
        return fee_pages.words_of(self.part.fee)

    @property
    def is_moving(self) -> bool:
        """News is still to come by itself."""
        if self.part.state == DuePart.State.OPEN:
            return True
        ends = ("MATCHED", "REFUSED", "MISMATCH", "WITHDRAWN", "BY_HAND", "MARKED")
        return self.posting is not None and self.posting.state not in ends


def sale_or_404(practice: Practice, sale_uuid: uuid.UUID) -> Sale:
    rows = Sale.objects.filter(practice=practice).select_related("patient", "practice")
    return get_object_or_404(rows, uuid=sale_uuid)


def tenders(sale: Sale) -> list[TenderRow]:
    parts = sale.due_parts.select_related("payer", "tender_fee").prefetch_related(
        "attempts__card", "attempts__payment__postings"
    )
    return [_tender(part) for part in parts.order_by("pk")]


def _tender(part: DuePart) -> TenderRow:
    attempt = next(iter(sorted(part.attempts.all(), key=lambda one: -one.pk)), None)
    payment: Payment | None = getattr(attempt, "payment", None)
    refusal = "" if attempt else progress.refusal_of(part.pk)
    return TenderRow(part, attempt, payment, payment.posting if payment else None, refusal)


def cards_for(patient: Patient) -> list[Card]:
    """Of the patient and of their guarantor, primary ones first."""
    people = [patient.pat_num, patient.guarantor_num or patient.pat_num]
    found = Card.objects.filter(
        practice=patient.practice_id, patient__pat_num__in=people, state=Card.State.ACTIVE
    ).select_related("patient")
    return sorted(found, key=lambda card: (card.patient_id != patient.pk, not card.is_primary, card.pk))


def tender_form(sale: Sale, data: QueryDict | None, user_id: int) -> TenderForm:
    """`user_id`: whose default terminal stands chosen."""
    left, cards = sales.left_cents(sale), cards_for(sale.patient)
    readers = upward.handlers.readers(sale.practice_id, user_id)
    first = str(cards[0].pk) if cards else TERMINAL if readers else RECORDED
    newest = sale.due_parts.order_by("-pk").values_list("pk", flat=True).first() or 0
    initial = {"amount": format_cents(left).removeprefix("$"), "newest": newest, "method": first}
    pay_types = upward.handlers.payment_types(sale.practice_id)
    return TenderForm(data, cards=cards, pay_types=pay_types, readers=readers, left_cents=left, initial=initial)


def page(sale: Sale, form: TenderForm, now: datetime, *, has_changed: bool = False) -> dict[str, Any]:
    return {
        **patient_pages.head(sale.patient, "patient_payments"),
        **state(sale, poll=1),
        "lines": sale.lines.select_related("patient").order_by("pk"),
        "form": form,
        "reader_words": upward.handlers.reader_words(sale.patient) if form.fields["reader"].choices else "",  # type: ignore[attr-defined]
        "price": fee_pages.price(sale, form, now, has_changed=has_changed),
        "cards": [(str(card.pk), card) for card in form.cards.values()],
        "warnings": sale_guard.warnings(sale.patient, now) if sale.state == Sale.State.DRAFT else [],
    }


def state(sale: Sale, *, poll: int) -> dict[str, Any]:
    """What changes while it is paid; `poll` 0 means that the page doesn't ask by itself."""
    rows = tenders(sale)
    is_moving = any(row.is_moving for row in rows)
    return {
        "sale": sale,
        "tenders": rows,
        "left_cents": sales.left_cents(sale),
        "paid_cents": sales.paid_cents(sale),
        "is_paying": any(row.part.state == DuePart.State.OPEN for row in rows),
        "poll": poll if is_moving else 0,
        "has_stopped": is_moving and not poll,
    }
