"""What the fee settings page and the sale page show of fees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.http import QueryDict

from core.calendar import local_date
from core.money import UnableToReadMoney, format_cents, parse_cents
from payments import fee_terms, fees, sales, upward
from payments.fee_forms import FeeForm
from payments.fee_terms import Offer
from payments.fees import Means, Mode, Quote, Terms
from payments.models import FeeSettings, Sale
from payments.sale_forms import RECORDED, TenderForm
from practices import timeline
from practices.models import Event, Practice

EXAMPLE_CENTS = 100_00
_SHOWN = 50
_CASH_WORDS = ("cash", "check")


# Settings


def form_for(practice: Practice, data: QueryDict | Mapping[str, Any] | None, now: datetime) -> FeeForm:
    """Filled with the newest decision, from today on."""
    pay_types = upward.handlers.payment_types(practice.pk)
    newest = FeeSettings.objects.filter(practice=practice).order_by("-pk").first()
    today = local_date(now, practice.zone)
    initial = _initial(newest) if newest else {"mode": Mode.ABSORB, "cash_types": _likely_cash(pay_types)}
    initial |= {"effective_on": today, "state": practice.state}
    types = upward.handlers.adjustment_types(practice.pk)
    return FeeForm(data, today=today, pay_types=pay_types, adjustment_types=types, initial=initial)


def _initial(newest: FeeSettings) -> dict[str, Any]:
    rates = {"discount": newest.discount_rate, "surcharge": newest.surcharge_rate, "cost": newest.cost_rate}
    return {
        "mode": newest.mode,
        "cash_types": newest.cash_types,
        "adj_type": newest.adj_type_num or "",
        "notice_on": newest.notice_on,
        **{name: f"{rate / 100:.2f}" if rate else "" for name, rate in rates.items()},
    }


def _likely_cash(pay_types: dict[int, str]) -> list[int]:
    return [number for number, name in pay_types.items() if any(word in name.lower() for word in _CASH_WORDS)]


def decide(practice: Practice, form: FeeForm, *, actor: str, now: datetime) -> FeeSettings:
    """Keep a valid form as a new decision, and the practice's state with it."""
    data, terms = form.cleaned_data, form.terms
    with transaction.atomic():
        if data["state"] != practice.state:
            practice.state = data["state"]
            practice.save(update_fields=["state"])
        made = FeeSettings.objects.create(
            practice=practice, mode=terms.mode, effective_on=data["effective_on"], discount_rate=terms.discount,
            cash_types=data["cash_types"], adj_type_num=data["adj_type"] or 0, surcharge_rate=terms.surcharge,
            cost_rate=terms.cost, state=practice.state, notice_on=data["notice_on"],
            acknowledgement=data["acknowledgement"], actor=actor, decided_at=now,
        )  # fmt: skip
        Event.record(
            practice.pk, kind="FEES_DECIDED", actor=actor, now=now, about={"fees": made.pk},
            text=f"{_words(made)}, from {made.effective_on}",
        )  # fmt: skip
    return made


def page(practice: Practice, form: FeeForm, now: datetime) -> dict[str, Any]:
    today = local_date(now, practice.zone)
    offer = fee_terms.offer(practice, now)
    return {
        "form": form,
        "practice": practice,
        "now_words": _words(offer.settings) if offer.settings else "Absorb",
        "refusal": offer.refusal,
        "types_refusal": upward.handlers.adjustment_types(practice.pk).refusal,
        "history": _history(practice, today),
        **preview(form.terms if form.is_bound else _terms_shown(practice), form["state"].value() or ""),
    }


def _terms_shown(practice: Practice) -> Terms:
    newest = FeeSettings.objects.filter(practice=practice).order_by("-pk").first()
    return fee_terms.terms_of(newest) if newest else Terms()


def preview(terms: Terms, state: str) -> dict[str, Any]:
    """A payment of $100 by each means."""
    names = {
        "Cash or check": Means.CASH, "Credit card on file": Means.CREDIT, "Debit or prepaid card": Means.DEBIT,
        "Card on the payment page or by link": Means.OTHER,
    }  # fmt: skip
    quotes = [(name, fees.quote(terms, cents=EXAMPLE_CENTS, means=means, state=state)) for name, means in names.items()]
    barred = fees.state_refusal(state) if terms.mode == Mode.SURCHARGE else ""
    return {"example_cents": EXAMPLE_CENTS, "quotes": quotes, "barred": barred}


def _words(row: FeeSettings) -> str:
    if row.mode == Mode.DISCOUNT:
        return f"Cash discount of {fees.percent(row.discount_rate)}"
    if row.mode == Mode.SURCHARGE:
        return f"Surcharge of {fees.percent(fees.surcharge_rate(fee_terms.terms_of(row), row.state))} on credit cards"
    return "Absorb"


def _history(practice: Practice, today: date) -> list[dict[str, Any]]:
    """Newest first. A later decision replaces what was planned before it."""
    rows = list(FeeSettings.objects.filter(practice=practice).order_by("-pk")[:_SHOWN])
    called = timeline.names({row.actor for row in rows}) if rows else {}
    current = fee_terms.in_force(practice.pk, today)
    return [
        {
            "words": _words(row),
            "row": row,
            "by": called[row.actor],
            "is_current": current is not None and row.pk == current.pk,
            "is_planned": row.effective_on > today and (current is None or row.pk > current.pk),
        }
        for row in rows
    ]


# The sale page


@dataclass(frozen=True)
class Price:
    """`quote`: of what is chosen in the form, None as long as that is no amount. `rows`: all that is left, by means."""

    offer: Offer
    rows: list[tuple[str, Quote]]
    quote: Quote | None
    # Another price was on the screen when it was to be taken.
    has_changed: bool = False

    @property
    def is_surcharge(self) -> bool:
        return self.offer.terms.mode == Mode.SURCHARGE


def price(sale: Sale, form: TenderForm, now: datetime, *, has_changed: bool = False) -> Price | None:
    """None where fees play no part."""
    offer = fee_terms.offer(sale.practice, now)
    if offer.settings is None or offer.settings.mode == Mode.ABSORB:
        return None
    left = sales.left_cents(sale)
    low, high = ("Cash or check", Means.CASH), ("Any card", Means.OTHER)
    if offer.terms.mode == Mode.SURCHARGE:
        low, high = ("Debit card, cash or check", Means.OTHER), ("Credit card", Means.CREDIT)
    rows = [(name, offer.quote(sale, cents=left, means=means)) for name, means in (high, low)] if left else []
    return Price(offer, rows, _chosen(sale, form, offer, left), has_changed)


def _chosen(sale: Sale, form: TenderForm, offer: Offer, left: int) -> Quote | None:
    try:
        cents = parse_cents(str(form["amount"].value() or ""))
    except UnableToReadMoney:
        return None
    return offer.quote(sale, cents=cents, means=means_of(form, offer)) if 0 < cents <= left else None


def means_of(form: TenderForm, offer: Offer) -> Means:
    """What the form says now, also while it is being filled in."""
    method, pay_type = str(form["method"].value() or ""), str(form["pay_type"].value() or "")
    if (card := form.cards.get(method)) is not None:
        return Means.of_card(card.funding)
    is_recorded = method == RECORDED and pay_type.isdecimal()
    return offer.means_of_type(int(pay_type)) if is_recorded else Means.OTHER


def words_of(fee: Any) -> str:
    """Beside a tender that was taken: what of it was a fee."""
    if fee is None:
        return ""
    cents, base = format_cents(fee.fee_cents), format_cents(fee.base_cents)
    is_discount = fee.kind == fees.Kind.DISCOUNT
    return f"With a cash discount of {cents} it pays {base}." if is_discount else f"{base} and a surcharge of {cents}."
