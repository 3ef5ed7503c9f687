"""Learns what an office is: version, permissions of our key, preferences, payment and adjustment types, clinics."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from opendental import features, health
from opendental.client import Office
from opendental.errors import NotAllowed, OpenDentalError, TooOldVersion
from opendental.fields import Fields, Unreadable
from opendental.models import Connection
from practices.models import Clinic

PREFERENCES = (
    "ProgramVersion",
    "ApiPaymentType",
    "RigorousAccounting",
    "PayPlansVersion",
    "DynamicPayPlanPrepaymentUnearnedType",
    "PrepaymentUnearnedType",
    "PayPlanRequireLockForAPR",
    "FutureTransDatesAllowed",
    "DynamicPayPlanRunTime",
    "DynamicPayPlanLastDateTime",
    "RecurringChargesAutomatedEnabled",
    "RecurringChargesAllowedWhenNoPatBal",
)
PAYMENT_TYPES, ADJUSTMENT_TYPES = 10, 1
OLDEST = "22.2.16"


def learn(connection: Connection, *, now: datetime) -> list[str]:
    """Ask and store; returns what is missing, in plain sentences (empty = everything KasperPay can use is there).

    Raises OpenDentalError when the office can't be asked at all; the connection's health is kept either way.
    """
    try:
        ask(connection)
    except OpenDentalError as error:
        health.failed(connection, error, now=now)
        raise
    connection.learned_at = now
    connection.save(
        update_fields=[
            "permissions", "preferences", "version", "pay_type_num", "payment_types", "adjustment_types", "learned_at",
        ]
    )  # fmt: skip
    health.answered(connection, now=now)
    return missing(connection)


def ask(connection: Connection) -> None:
    """Fill in what the office tells, without saving. Raises OpenDentalError."""
    # The permissions decide the pace, so they come first.
    connection.permissions = _permissions(Office(connection, urgent=True))
    office = Office(connection, urgent=True)
    connection.preferences = _preferences(office, features.can_query(connection))
    connection.version = connection.preferences.get("ProgramVersion", "")[:20]
    connection.pay_type_num = _payment_type(office, connection)
    connection.adjustment_types = _adjustment_types(office)
    _keep_clinics(office, connection.practice_id)


def _permissions(office: Office) -> list[str]:
    rows = office.rows(office.get("/securityperms"), "/securityperms")
    return sorted(str(row.get("Permission")) for row in rows if str(row.get("HasPermission")).lower() == "true")


def _preferences(office: Office, can_query: bool) -> dict[str, str]:
    if can_query:
        names = ", ".join(f"'{name}'" for name in PREFERENCES)
        rows = office.query(f"SELECT PrefName, ValueString FROM preference WHERE PrefName IN ({names})")  # noqa: S608
    else:
        rows = [row for name in PREFERENCES for row in office.get_all("/preferences", PrefName=name)]
    # A filter an older version does not know is ignored and lists everything.
    return {str(row["PrefName"]): str(row["ValueString"] or "") for row in rows if row.get("PrefName") in PREFERENCES}


def _payment_type(office: Office, connection: Connection) -> int:
    """The type we post with: kept if it still exists, else the one set for the API, else one named for cards."""
    types = dict(map(_definition, office.get_all("/definitions", Category=PAYMENT_TYPES)))
    connection.payment_types = {str(number): name for number, name in types.items() if number}
    preferred = connection.preferences.get("ApiPaymentType", "")
    for number in (connection.pay_type_num, int(preferred) if preferred.isdigit() else 0):
        if number in types:
            return number
    return next((number for number, name in sorted(types.items()) if "credit card" in name.lower()), 0)


def _adjustment_types(office: Office) -> dict[str, str]:
    """Those that take off (ItemValue "-"); Open Dental's own discount plan uses "dp"."""
    rows = [row for row in office.get_all("/definitions", Category=ADJUSTMENT_TYPES) if row.get("ItemValue") == "-"]
    return {str(number): name for number, name in map(_definition, rows) if number}


def _definition(row: dict[str, Any]) -> tuple[int, str]:
    try:
        fields = Fields(row)
        return fields.key("DefNum"), fields.text("ItemName")
    except Unreadable:
        return 0, ""


def _keep_clinics(office: Office, practice_id: int) -> None:
    for row in office.get_all("/clinics"):
        try:
            fields = Fields(row)
            number, hidden = fields.key("ClinicNum"), fields.flag("IsHidden")
        except Unreadable:
            continue
        known = {"name": fields.text("Description")[:120], "phone": fields.text("Phone")[:32], "is_hidden": hidden}
        Clinic.objects.update_or_create(practice_id=practice_id, clinic_num=number, defaults=known)


def missing(connection: Connection) -> list[str]:
    """What this office lacks, in plain sentences."""
    lacks: list[str] = []
    if not features.at_least(connection, OLDEST):
        lacks.append(
            f"Open Dental {connection.version or '(unknown version)'} is too old: {OLDEST} or later is needed."
        )
    if not features.can_post(connection):
        lacks.append("The key lacks the permission Payments: plans are shown, but nothing can be posted or collected.")
    elif not connection.pay_type_num:
        lacks.append("No payment type was found to post with: set one in Open Dental for the API.")
    if not features.can_query(connection):
        lacks.append("The key lacks the permission Queries: changes are found more slowly, plan by plan.")
    if not features.can_read_charges(connection):
        lacks.append(f"Open Dental {connection.version} does not show a plan's charges (23.2.28 or later does).")
    elif not features.at_least(connection, "25.2.45"):
        lacks.append("Payments can't be put on exact charges (25.2.45 or later): Open Dental fills the oldest first.")
    if not features.splits_enforced(connection) and not features.at_least(connection, "25.2.45"):
        lacks.append("The office does not enforce payment splits, so payments can't be posted to a plan by themselves.")
    return lacks


def explain(error: OpenDentalError) -> str:
    """What to do about a connection that does not work, in a sentence."""
    if isinstance(error, NotAllowed):
        return f"{error.reason} Check both keys, and that API is enabled in Open Dental (Setup > Advanced Setup > API)."
    if isinstance(error, TooOldVersion):
        return f"{error.reason} Version {OLDEST} or later is needed."
    return error.reason
