"""What a fresh office holds: preferences, definitions, providers, a clinic, procedure codes. All invented."""

from __future__ import annotations

from sandbox.opendental import service
from sandbox.opendental.office import Office, Registry, Settings
from sandbox.opendental.records import insert, stamp

# Definitions whose numbers the documentation's examples name; the rest follow on.
DEFINITIONS = (
    (69, 10, "Check", ""),
    (70, 10, "Cash", ""),
    (71, 10, "Credit Card", ""),
    (383, 10, "API Payment", ""),
    (290, 29, "Prepayment", ""),
    (291, 29, "Plan Prepayment", "X"),
    (446, 47, "Ortho", ""),
    (447, 47, "Implant", ""),
    (371, 47, "General", ""),
    (293, 1, "Sales Tax", "+"),
    (294, 1, "Late Fee", "+"),
    (1, 1, "Misc Neg Adjustment", "-"),
    (295, 1, "Discount Plan", "dp"),
    (40, 4, "Standard Account", ""),
    (235, 27, "ApptRelated", "APPT"),
    (236, 27, "Misc", "MISC"),
    (237, 27, "Financial", "FIN"),
    (47, 18, "Patient Pictures", "P"),
    (48, 18, "Statements", "S"),
)
PREFERENCES = {
    "PracticeTitle": "Sandbox Dental",
    "PracticePhone": "5555550100",
    "PracticeDefaultBillType": "40",
    "PracticeDefaultProv": "1",
    "ApiPaymentType": "383",
    "RigorousAccounting": "0",
    "PayPlansVersion": "2",
    "PrepaymentUnearnedType": "290",
    "DynamicPayPlanPrepaymentUnearnedType": "291",
    "PayPlanRequireLockForAPR": "1",
    "FutureTransDatesAllowed": "0",
    "AllowPrepayProvider": "0",
    "PayPlansUseSheets": "0",
    "DynamicPayPlanRunTime": "2021-01-01 09:00:00",
    "DynamicPayPlanStartDateTime": "",
    "RecurringChargesAutomatedEnabled": "0",
    "RecurringChargesAllowedWhenNoPatBal": "0",
    "EasyNoClinics": "1",
}
RESERVED = 1000  # Numbers up to here belong to the documentation's examples.
CODES = (
    ("D0120", "periodic oral evaluation - established patient"),
    ("D1110", "prophylaxis - adult"),
    ("D2393", "resin-based composite - three surfaces, posterior"),
    ("D2740", "crown - porcelain/ceramic"),
    ("D3330", "endodontic therapy, molar tooth"),
    ("D6010", "surgical placement of implant body"),
    ("D8080", "comprehensive orthodontic treatment of the adolescent dentition"),
)
PROVIDERS = (("DOC1", "Albright", "Dana"), ("DOC2", "Birch", "Evan"), ("HYG1", "Cedar", "Faye"))


def fill(office: Office) -> None:
    """Put the starting rows into empty books."""
    with office.books.transaction():
        office.books.run("DELETE FROM sqlite_sequence")
        for table in ("patient", "payplan", "procedurelog"):
            office.books.run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", table, RESERVED)
        for number, category, label, value in DEFINITIONS:
            insert(office.books, "definition", DefNum=number, Category=category, ItemName=label, ItemValue=value)
        for code, description in CODES:
            insert(office.books, "procedurecode", ProcCode=code, Descript=description, AbbrDesc=code)
        for short_name, last, first in PROVIDERS:
            insert(office.books, "provider", Abbr=short_name, LName=last, FName=first, DateTStamp=stamp(office.now()))
        for name, value in PREFERENCES.items():
            insert(office.books, "preference", PrefName=name, ValueString=value)
        for name in ("ProgramVersion", "DataBaseVersion"):
            office.set_pref(name, office.settings.version)
        office.set_pref("DynamicPayPlanLastDateTime", stamp(service.last_run(office, office.now())))
    office.mark_checked(office.now())


def default_offices() -> list[Settings]:
    """The three offices every sandbox starts with."""
    everything = Settings(key="office-254")
    older = Settings(key="office-242", version="24.2.30.0", timezone="America/New_York")
    older.permissions.remove("ApiQueries")
    reading = Settings(key="office-224", version="22.4.47.0", permissions=["ApiReadAll"], timezone="Pacific/Honolulu")
    return [everything, older, reading]


def open_up(registry: Registry, settings: Settings, preferences: dict[str, str] | None = None) -> Office:
    """A new office with its starting rows; `preferences` override."""
    office = registry.create(settings)
    fill(office)
    for name, value in (preferences or {}).items():
        office.set_pref(name, str(value))
    return office


def ensure_defaults(registry: Registry) -> None:
    if not registry.offices:
        for settings in default_offices():
            open_up(registry, settings)
