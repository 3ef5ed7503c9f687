"""Invented families with work and plans in assorted states, the same for the same seed number and day."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import aging, closing, enums, oldplan, people, plans, posting, service, terms
from sandbox.opendental.money import cents, dollars
from sandbox.opendental.office import Office
from sandbox.opendental.periods import FORTNIGHTLY, MONTHLY, ORDINAL, QUARTERLY, WEEKLY, add_months, due_date
from sandbox.opendental.records import find, insert, stamp
from sandbox.opendental.terms import Wish

LAST_NAMES = [
    "Applewood",
    "Brindle",
    "Copperfield",
    "Dovetail",
    "Elmsworth",
    "Fernsby",
    "Gladwell",
    "Hawthistle",
    "Inkpen",
    "Juniper",
    "Kettleby",
    "Larkspur",
    "Merriweather",
    "Nettlefold",
    "Oakhollow",
    "Pennyfeather",
    "Quillfeather",
    "Rosethorn",
    "Silverbirch",
    "Thistledown",
    "Underhill",
    "Vexley",
    "Willowby",
    "Yarrow",
    "Zestworth",
]
FIRST_NAMES = [
    "Alba",
    "Bruno",
    "Clementine",
    "Desmond",
    "Elodie",
    "Ferdinand",
    "Greta",
    "Horatio",
    "Ione",
    "Jasper",
    "Kestrel",
    "Linus",
    "Marigold",
    "Nestor",
    "Odette",
    "Percival",
    "Quincy",
    "Rowena",
    "Silas",
    "Tabitha",
    "Ulric",
    "Violetta",
    "Wendell",
    "Xanthe",
    "Yorick",
    "Zelda",
]
PLACES = (("Salem", "OR", "97301"), ("Eugene", "OR", "97401"), ("Boise", "ID", "83702"), ("Spokane", "WA", "99201"))


@dataclass(frozen=True)
class Story:
    """A kind of plan: how often, how many installments, how far along, and how it is paid (share of due rows paid)."""

    frequency: int = MONTHLY
    count: int = 10
    months_ago: int = 4
    apr: float = 0.0
    down: int = 0
    paid: float = 1.0
    planned: bool = False
    old: bool = False
    closed: bool = False
    ahead: int = 0
    card: bool = False
    foreign: bool = False


STORIES = (
    Story(),
    Story(months_ago=0),
    Story(months_ago=2, paid=0.5),
    Story(count=12, months_ago=5, apr=12.0),
    Story(count=18, months_ago=6, apr=9.0, down=20000),
    Story(frequency=WEEKLY, count=16, months_ago=1),
    Story(frequency=FORTNIGHTLY, count=12, months_ago=2, paid=0.7),
    Story(frequency=QUARTERLY, count=4, months_ago=5),
    Story(frequency=ORDINAL, count=10, months_ago=3),
    Story(planned=True, months_ago=1),
    Story(closed=True, months_ago=3),
    Story(old=True, months_ago=6, apr=5.0),
    Story(ahead=15000, months_ago=2),
    Story(card=True, months_ago=3),
    Story(foreign=True, months_ago=2),
    Story(paid=0.0, months_ago=4),
)


def fill(office: Office, body: dict[str, Any], now: datetime) -> dict[str, Any]:
    """`patients` people (default 50) from `seed` (default 1), about one family in three with a plan."""
    wanted, chance = int(body.get("patients", 50)), random.Random(int(body.get("seed", 1)))
    before = _count(office, "patient")
    made = 0
    while made < wanted:
        family = _family(office, chance, min(chance.randint(1, 4), wanted - made), now)
        for member in family:
            _work(office, chance, member, now)
        if chance.random() < 0.35:
            story = STORIES[_count(office, "payplan") % len(STORIES)]
            _plan(office, chance, story, chance.choice(family), now)
        aging.refresh(office, family[0], now.date())
        made += len(family)
    return {"patients": _count(office, "patient") - before, "plans": _count(office, "payplan")}


def _count(office: Office, table: str) -> int:
    row = office.books.one(f"SELECT COUNT(*) AS n FROM {table}")
    return int(row["n"]) if row else 0


def _family(office: Office, chance: random.Random, size: int, now: datetime) -> list[int]:
    """Numbers of the members, the guarantor first."""
    last, (city, state, code) = chance.choice(LAST_NAMES), chance.choice(PLACES)
    members: list[int] = []
    for place in range(size):
        first = chance.choice(FIRST_NAMES)
        number = 100 + chance.randrange(100)
        values = {
            "LName": last,
            "FName": first,
            "Gender": chance.randrange(2),
            "Position": 1 if place < 2 and size > 1 else 2 if place >= 2 else 0,
            "Birthdate": _birthdate(chance, grown=place < 2),
            "Address": f"{chance.randint(1, 99)} Sandbox Lane",
            "City": city,
            "State": state,
            "Zip": code,
            "WirelessPhone": f"(555)555-0{number}" if place < 2 else "",
            "Email": f"{first}.{last}.{chance.randrange(10000)}@example.com".lower() if place < 2 else "",
            "TxtMsgOk": chance.choice((0, 1, 1, 1, 2)),
            "Language": chance.choice(("", "", "", "spa")),
            "Guarantor": members[0] if members else 0,
        }
        members.append(people.create(office, values, now - timedelta(days=400)))
    return members


def _birthdate(chance: random.Random, *, grown: bool) -> str:
    year = chance.randint(1950, 1998) if grown else chance.randint(2006, 2018)
    return f"{year}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"


def _work(office: Office, chance: random.Random, patient: int, now: datetime) -> None:
    for _ in range(chance.randint(0, 2)):
        day = now - timedelta(days=chance.randint(5, 300))
        _procedure(office, patient, chance.choice((6500, 9800, 13500, 23500)), enums.COMPLETE, day)


def _procedure(office: Office, patient: int, fee: int, status: int, day: datetime) -> int:
    return insert(
        office.books,
        "procedurelog",
        PatNum=patient,
        ProcFee=dollars(fee),
        ProcStatus=status,
        ProcDate=day.date().isoformat(),
        DateTP=day.date().isoformat(),
        DateEntryC=day.date().isoformat(),
        ProvNum=1 + patient % 2,
        CodeNum=1 + fee % 7,
        UnitQty=1,
        DateTStamp=stamp(day),
        SecDateEntry=stamp(day),
    )


def _plan(office: Office, chance: random.Random, story: Story, patient: int, now: datetime) -> None:
    start = add_months(now.date(), -story.months_ago) + timedelta(days=chance.randint(-3, 3))
    made = datetime.combine(start - timedelta(days=14), now.time())
    total = chance.choice((60000, 96000, 120000, 180000, 240000))
    wish = _wish(office, story, patient, start, made, total)
    number = oldplan.create(office, wish, total, made) if story.old else terms.create(office, wish, made)
    plan = find(office.books, "payplan", number)
    if plan is None:
        return
    _live_through(office, chance, story, plan, now)
    _last_touch(office, story, plan, now)


def _wish(office: Office, story: Story, patient: int, start: date, made: datetime, total: int) -> Wish:
    row = find(office.books, "patient", patient)
    payer = _stranger(office, patient) if story.foreign else 0
    done = total // 2 if story.planned else total
    work = [_procedure(office, patient, done, enums.COMPLETE, made)] if not story.old else []
    if story.planned:
        work.append(_procedure(office, patient, total - done, enums.TP, made))
    return Wish(
        patient=patient,
        guarantor=payer or (row["Guarantor"] if row else patient),
        agreed=made.date(),
        apr=story.apr,
        down=story.down,
        note="",
        category=446,
        frequency=story.frequency,
        start=start,
        interest_start=terms.no_interest_date(),
        locked=story.apr > 0,
        tp_option=enums.AWAIT_COMPLETE,
        pay=None,
        count=story.count,
        production=tuple((enums.PROCEDURE, number) for number in work),
    )


def _stranger(office: Office, patient: int) -> int:
    """A guarantor of another family, when there is one: the plan's charges then live on that account."""
    found = office.books.one(
        "SELECT MIN(Guarantor) AS number FROM patient WHERE PatStatus=0 AND PatNum>1000 AND Guarantor<>"
        "(SELECT Guarantor FROM patient WHERE PatNum=?)",
        patient,
    )
    return int(found["number"] or patient) if found else patient


def _live_through(office: Office, chance: random.Random, story: Story, plan: Row, now: datetime) -> None:
    """Every due date up to now: rows issued by the service of that day, then paid at the desk or not."""
    at = service.run_time(office)
    start = plans.terms_of(plan).start
    for period in range(story.count):
        moment = datetime.combine(due_date(story.frequency, start, period), at)
        if moment > now:
            break
        if not story.old:
            service.serve(office, plan, moment)
        if chance.random() < story.paid:
            most = 0 if story.paid == 1.0 else cents(plan["PayAmt"])
            _pay(office, plan, moment + timedelta(hours=2), most=most)


def _pay(office: Office, plan: Row, moment: datetime, amount: int = 0, *, most: int = 0) -> None:
    """Pay what is due (at most `most`, when given), or put an amount ahead."""
    today = moment.date().isoformat()
    due = sum(
        cents(row["Principal"]) + cents(row["Interest"])
        for row in plans.debits(office.books, plan["PayPlanNum"])
        if row["ChargeDate"] <= today
    )
    paid: int = sum(part for part, _ in plans.real_splits(office.books, plan["PayPlanNum"]))
    owed = amount or min(due - paid, most or due)
    if owed <= 0:
        return
    account = plans.account_of(office.books, plan)
    kind = 69 if owed % 200 else 70
    ahead = bool(amount) and bool(plan["IsDynamic"])
    payment = posting.Payment(account, owed, moment.date(), kind, 0, prepayment=ahead, plan=plan)
    posting.enter(office, payment, moment)


def _last_touch(office: Office, story: Story, plan: Row, now: datetime) -> None:
    if story.ahead:
        _pay(office, plan, now, story.ahead)
    if story.closed:
        closing.close(office, plan, now)
    if story.card:
        values = {"PatNum": plan["PatNum"], "PayPlanNum": plan["PayPlanNum"], "ChargeAmt": plan["PayAmt"]}
        shown = {"CCNumberMasked": "XXXXXXXXXXXX4242", "ChargeFrequency": "0|1", "DateStart": plan["PayPlanDate"]}
        insert(office.books, "creditcard", **values, **shown, IsRecurringActive=1)
