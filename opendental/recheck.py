"""Asks Open Dental, shortly before a charge, whether the money is still owed, and stamps the answer (decisions 2)."""

from __future__ import annotations

from datetime import date, datetime

from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from core.calendar import local_date
from core.money import format_cents
from opendental import breaker, features, recheck_sale, store
from opendental.client import Office
from opendental.errors import NotFoundInOffice, OpenDentalError
from opendental.fields import Unreadable
from opendental.models import Connection, PlanToRead
from opendental.plans import pull_plan
from payments.models import DueCheck, DuePart, LedgerPosting
from payments.upward import UnableToRecheck
from payplans.models import ChargeRow, Installment, PayPlan

# At most this is taken for rounding: a projection may be a cent off (decisions 13).
_CENT = 1
_MOST_READINGS = 3


def recheck(due_part_id: int, *, now: datetime) -> None:
    """Read the part's plan (of a sale: the account) anew and stamp a DueCheck.

    Raises UnableToRecheck; then there is no fresh stamp.
    """
    part = DuePart.objects.select_related("installment__plan", "sale__patient").get(pk=due_part_id)
    if part.sale is not None:
        recheck_sale.recheck(part, part.sale, now=now)
        return
    connection = Connection.objects.filter(practice_id=part.practice_id).first()
    if part.installment is None or connection is None:
        raise UnableToRecheck("Open Dental is not connected.")
    if reason := breaker.refusal(connection, now):
        raise UnableToRecheck(reason)
    _read_until_still(connection, part.installment.plan, now)
    installment = Installment.objects.select_related("plan__patient", "plan__guarantor").get(pk=part.installment.pk)
    obstacle = _obstacle(connection, installment, now)
    DueCheck.stamp(part, owed_cents=_owed_cents(part, installment), obstacle=obstacle, now=now)


def _read_until_still(connection: Connection, plan: PayPlan, now: datetime) -> None:
    """Read it, and again while it was found changed meanwhile: the sync may look at the same moment and list it too."""
    for _ in range(_MOST_READINGS):
        _read_anew(connection, plan, now)
        if not _is_listed(plan):
            return
    raise UnableToRecheck("The plan was changing in Open Dental just now.")


def _read_anew(connection: Connection, plan: PayPlan, now: datetime) -> None:
    try:
        pull_plan(connection, plan.pay_plan_num, now, office=Office(connection, urgent=True))
    except store.Overtaken:
        return  # Somebody else has just read it: that is fresh enough.
    except NotFoundInOffice as error:
        if not _is_gone(plan):
            raise UnableToRecheck(error.reason) from error
    except OpenDentalError as error:
        breaker.missed(connection, error, now=now)
        raise UnableToRecheck(error.reason) from error
    except Unreadable as error:
        raise UnableToRecheck(f"Open Dental's answer about this plan can't be understood: {error}.") from error


def _is_listed(plan: PayPlan) -> bool:
    """A posting was in doubt while the plan was read, or it changed just now: what is paid on it isn't known.

    Without a posting in doubt now, for the obstacle says more about that.
    """
    listed = PlanToRead.objects.filter(practice_id=plan.practice_id, pay_plan_num=plan.pay_plan_num)
    return listed.exists() and not LedgerPosting.in_doubt(plan).exists()


def _is_gone(plan: PayPlan) -> bool:
    """The plan or a person of it is known to be gone: an obstacle then, not a failure to ask."""
    found = PayPlan.objects.select_related("patient", "guarantor").get(pk=plan.pk)
    return bool(found.gone_at or found.patient.gone_at or found.guarantor.gone_at)


def _owed_cents(part: DuePart, installment: Installment) -> int:
    """Never more than Open Dental itself shows as open on the installment's charges."""
    owed = installment.owed_cents if installment.is_open else 0
    return min(part.amount_cents, owed)


def _obstacle(connection: Connection, installment: Installment, now: datetime) -> str:
    """Why it must not be charged although money is owed; '' = it may."""
    plan = installment.plan
    return (
        _plan_obstacle(plan)
        or _posting_obstacle(connection, plan)
        or _row_obstacle(installment)
        or _due_now_obstacle(installment, local_date(now, plan.practice.zone))
    )


def _plan_obstacle(plan: PayPlan) -> str:
    if plan.kind == PayPlan.Kind.INSURANCE:
        return "Insurance payment plans are never charged"
    if plan.patient.gone_at or plan.guarantor.gone_at:
        return "Open Dental no longer has this patient"
    if plan.gone_at:
        return "Open Dental no longer has this plan"
    if plan.is_closed:
        return "The plan is closed in Open Dental"
    if plan.office_card_active:
        return "The office's own recurring card charge is active on this plan in Open Dental"
    return plan.schedule_problem


def _posting_obstacle(connection: Connection, plan: PayPlan) -> str:
    if LedgerPosting.in_doubt(plan).exists():
        return "An earlier payment of this plan is still being looked for in Open Dental"
    if not features.can_post(connection) or not connection.pay_type_num:
        return "Nothing can be posted to this office's Open Dental"
    return ""


def _row_obstacle(installment: Installment) -> str:
    """Open Dental moved a prepayment of ours onto this charge: a person must see which installment it paid."""
    rows = list(installment.charge_rows.all())
    open_cents = sum(row.amount_cents - row.paid_cents for row in rows)
    # What was posted a moment ago may lie here until it is put on its own charge.
    is_moving = installment.plan.postings.filter(state=LedgerPosting.State.POSTED).exists()
    if rows and open_cents + _CENT < installment.owed_cents and not is_moving:
        return "Open Dental shows less open on this charge than KasperPay: an earlier payment was put on it"
    return ""


def _due_now_obstacle(installment: Installment, today: date) -> str:
    """Never take more than Open Dental itself calls due now on the plan: its charges to date less all that is paid.

    Source: the amount "Due Now" of a payment plan (opendental-api.md §4.3). It is less than our sum when too much lies
    on one charge: then PAID_TWICE has been raised, and a person decides.
    """
    if not installment.is_issued or installment.plan.kind != PayPlan.Kind.DYNAMIC:
        return ""
    plan = installment.plan
    until = max(today, installment.due_date)
    charged = ChargeRow.objects.filter(installment__plan=plan, charge_date__lte=until).aggregate(
        cents=Coalesce(Sum(F("principal_cents") + F("interest_cents")), 0)
    )["cents"]
    paid = plan.splits.aggregate(cents=Coalesce(Sum("amount_cents"), 0))["cents"]
    on_its_way = LedgerPosting.objects.filter(plan=plan, pay_num=None, state=LedgerPosting.State.QUEUED).aggregate(
        cents=Coalesce(Sum("amount_cents"), 0)
    )["cents"]
    due_now = max(0, charged - paid - on_its_way)
    if due_now + _CENT >= installment.owed_cents:
        return ""
    return f"Open Dental shows only {format_cents(due_now)} due on this plan now"
