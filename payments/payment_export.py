"""The filtered Payments list as CSV, of any size: one question with a cursor in the database, sent as it is read."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Case, CharField, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from payments import payment_list
from payments.models import Attempt, AttemptState, LedgerPosting, Refund, RefundState
from payments.payment_filters import FilterForm, Wanted, wanted
from practices import tenancy, timeline
from practices.models import Practice

# Rows fetched at a time, and lines sent together.
CHUNK = 500
# Excel reads names with accents right only after this mark.
BYTE_ORDER_MARK = "\ufeff"
# A cell that begins so is taken for a formula by spreadsheets (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
HEADER = [
    "Day", "Time", "Kind", "Status", "Reason", "Amount", "Given back of it", "Channel", "By", "Paid with", "Last 4",
    "Payer PatNum", "Payer", "Patient PatNum", "Patient", "Plan", "Due", "Reference", "Open Dental", "PayNum",
    "Posted at", "Posting note", "Processor reference",
]  # fmt: skip
_COLUMNS = (
    "kind", "at", "state", "reason_", "cents", "back_cents", "channel_", "actor_", "brand", "last4", "payer_num",
    "payer_first", "payer_last", "patient_num", "patient_first", "patient_last", "plan_num", "due", "reference_",
    "posting_state", "pay_num", "posted_at", "posting_note", "processor", "row",
)  # fmt: skip


def stream(practice: Practice, form: FilterForm, chosen: str) -> Iterator[str]:
    """Lines of CSV with their header, newest first; of a valid form. The practice is in scope while they are read."""
    called = _names(form.people)
    with tenancy.scope(practice.pk):
        yield BYTE_ORDER_MARK + _written([HEADER])
        batch: list[list[str]] = []
        for values in _rows(wanted(form, practice), chosen).iterator(chunk_size=CHUNK):
            batch.append(_line(dict(zip(_COLUMNS, values, strict=True)), practice.zone, called))
            if len(batch) == CHUNK:
                yield _written(batch)
                batch = []
        yield _written(batch)


def safe(text: str) -> str:
    """A cell that no spreadsheet runs."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _written(lines: list[list[str]]) -> str:
    page = StringIO()
    csv.writer(page).writerows(lines)
    return page.getvalue()


def _names(people: Mapping[str, str]) -> Callable[[str], str]:
    known = dict(people)

    def name(actor: str) -> str:
        if actor not in known:
            known.update(timeline.names({actor}))
        return known[actor]

    return name


def _rows(asked: Wanted, chosen: str) -> QuerySet[Any, Any]:
    """Attempts and refunds side by side in the same columns, newest first."""
    tries, refunds = payment_list.tries(asked, chosen), payment_list.refunds(asked, chosen)
    parts: list[QuerySet[Any, Any]] = []
    if tries is not None:
        parts.append(_of_tries(tries))
    if refunds is not None:
        parts.append(_of_refunds(refunds))
    if len(parts) == 1:
        return parts[0].order_by("-at", "-row")
    return parts[0].union(*parts[1:], all=True).order_by("-at", "-row")


def _of_tries(tries: QuerySet[Attempt]) -> QuerySet[Any, Any]:
    back = Refund.objects.filter(payment=OuterRef("payment"), state=RefundState.SUCCEEDED).order_by()
    cents = back.values("payment").annotate(cents=Sum("amount_cents")).values("cents")
    posting = FilteredRelation("payment__postings", condition=Q(payment__postings__movement="PAYMENT"))
    return _flat(
        tries.annotate(own=posting), kind="Payment", at="started_at", cents=F("amount_cents"),
        back_cents=Coalesce(Subquery(cents), 0), channel="channel", reason=_why(), attempt="", part="due_part__",
        payer="due_part__payer__", posting="own__",
    )  # fmt: skip


def _means(attempt: str) -> Coalesce:
    """The card's brand, or what paid instead ("Check 1044"). `attempt` ends in "__" or is empty."""
    return Coalesce(F(f"{attempt}card__brand"), F(f"{attempt}paid_with"))


def _last4(attempt: str) -> Coalesce:
    """Of a saved card, or of one that was presented."""
    presented = KeyTextTransform("last4", f"{attempt}card_facts")
    return Coalesce(F(f"{attempt}card__last4"), presented, output_field=CharField())


def _why() -> Case:
    """What a person reads of a try that took nothing: the processor's words, else its code."""
    said = When(state=AttemptState.DECLINED, reason="", then=F("decline_code"))
    return Case(said, default=F("reason"), output_field=CharField())


def _of_refunds(refunds: QuerySet[Refund]) -> QuerySet[Any, Any]:
    return _flat(
        refunds, kind="Refund", at="started_at", cents=-F("amount_cents"), back_cents=Value(0),
        channel="payment__attempt__channel", reason=F("state_reason"), attempt="payment__attempt__",
        part="payment__attempt__due_part__", payer="payment__payer__", posting="posting__",
    )  # fmt: skip


def _flat(
    rows: QuerySet[Any], *, kind: str, at: str, cents: Any, back_cents: Any, channel: str, reason: Any, attempt: str,
    part: str, payer: str, posting: str,
) -> QuerySet[Any, Any]:  # fmt: skip
    """The columns of either kind, in the order of _COLUMNS. The names of relations end in "__"."""
    plan = f"{part}installment__plan__"
    columns = {
        "kind": Value(kind), "at": F(at), "reason_": reason, "cents": cents, "back_cents": back_cents,
        "channel_": F(channel), "actor_": F("actor"), "brand": _means(attempt),
        "last4": _last4(attempt), "payer_num": F(f"{payer}pat_num"),
        "payer_first": F(f"{payer}first_name"), "payer_last": F(f"{payer}last_name"),
        **{f"patient_{name}": Coalesce(F(f"{plan}patient__{column}"), F(f"{part}sale__patient__{column}"))
           for name, column in (("num", "pat_num"), ("first", "first_name"), ("last", "last_name"))},
        "plan_num": F(f"{plan}pay_plan_num"),
        "due": F(f"{part}installment__due_date"), "reference_": F(f"{posting}reference"),
        "posting_state": F(f"{posting}state"), "pay_num": F(f"{posting}pay_num"),
        "posted_at": F(f"{posting}matched_at"), "posting_note": F(f"{posting}state_reason"),
        "processor": F("reference"), "row": F("pk"),
    }  # fmt: skip
    flat: QuerySet[Any, Any] = rows.order_by().annotate(**columns).values_list(*_COLUMNS)
    return flat


def _line(row: Mapping[str, Any], zone: ZoneInfo, called: Callable[[str], str]) -> list[str]:
    """One line. Amounts are bare dollars ("-28.60"), so that a spreadsheet adds them up; what is text is made safe."""
    at: datetime = row["at"].astimezone(zone)
    back = _dollars(row["back_cents"]) if row["back_cents"] else ""
    texts = {
        "status": _state(row["kind"], row["state"]), "reason": row["reason_"],
        "channel": Attempt.Channel(row["channel_"]).label, "by": called(row["actor_"]), "brand": row["brand"],
        "payer": _name(row, "payer"), "patient": _name(row, "patient"), "posting": _posting(row["posting_state"]),
        "note": row["posting_note"], "processor": row["processor"], "reference": row["reference_"],
    }  # fmt: skip
    text = {name: safe(value or "") for name, value in texts.items()}
    return [
        at.date().isoformat(), f"{at:%H:%M}", row["kind"], text["status"], text["reason"], _dollars(row["cents"]), back,
        text["channel"], text["by"], text["brand"], row["last4"] or "", _number(row["payer_num"]), text["payer"],
        _number(row["patient_num"]), text["patient"], _number(row["plan_num"]),
        row["due"].isoformat() if row["due"] else "", text["reference"], text["posting"], _number(row["pay_num"]),
        _moment(row["posted_at"], zone), text["note"], text["processor"],
    ]  # fmt: skip


def _state(kind: str, state: str) -> str:
    return str(AttemptState(state).label if kind == "Payment" else RefundState(state).label)


def _posting(state: str | None) -> str:
    return str(LedgerPosting.State(state).label) if state else ""


def _name(row: Mapping[str, Any], who: str) -> str:
    return f"{row[f'{who}_first'] or ''} {row[f'{who}_last'] or ''}".strip()


def _dollars(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _moment(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else ""
