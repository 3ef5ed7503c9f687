"""Makes practices with plans and cards, inside a forked product process: product commands, the office's own desk."""

from __future__ import annotations

import json
import os
import random
import urllib.request
from datetime import date, datetime, timedelta
from typing import Any

from django.core.management import call_command
from django.http import QueryDict

from cards.autopay import Witness, proposed_maximum_cents
from cards.models import Consent
from core import clock
from kasperpay import demo
from opendental import attest
from opendental.pull import pull
from ops.faults.founding_facts import DEVELOPER, KINDS, NUMBERS, PASSWORD, fee_of, secret_key_of, slug, zone_of
from payments import attaching, fee_pages
from payments.fee_forms import NOTICE, WORDS
from payments.models import DuePart
from payplans.models import PayPlan
from practices import tenancy
from practices.models import Membership, Practice, User


def migrate() -> bool:
    call_command("migrate", database="owner", verbosity=0)
    return True


def found(place: int, plans: int, seed: int) -> dict[str, Any]:
    """One practice with this many weekly plans on autopay. Returns {"practice", "plans": [PayPlanNum]}."""
    outside = demo.Outside(*(os.environ[f"{name}_SANDBOX_URL"] for name in ("OPENDENTAL", "STRIPE", "MESSAGING")))
    chance = random.Random(f"{seed}-{place}")
    practice = _practice(place)
    _open_office(place, outside)
    with tenancy.scope(practice.pk):
        _connect(place, outside, practice)
        demo.stand_reader(outside, practice, practice.slug, now=clock.now())
        for number in range(place):
            # The same number never means the same patient in two offices: the auditor tells offices apart by that.
            outside.office(slug(place), "patients", LName="Other-Example", FName=f"Person{number}")
        today = clock.now().astimezone(zone_of(place)).date()
        numbers = [_plan(place, outside, number, today, chance) for number in range(plans)]
        pull(practice.pk, now=clock.now())
        desk = User.objects.get(email=f"desk-{place}@example.com")
        attest.attest(practice, "card_tool_off", given=True, user=desk, now=clock.now())
        _decide_fees(practice, today)
        for plan in PayPlan.objects.filter(pay_plan_num__in=numbers).order_by("pk").select_related("guarantor"):
            attach(plan, chance.choice(NUMBERS), now=clock.now())
    return {"practice": practice.pk, "plans": numbers}


def _decide_fees(practice: Practice, today: date) -> None:
    """By the form of the settings, as its admin would. Raises ValueError where that refuses."""
    mode = fee_of(practice.slug)
    if not mode:
        return
    blank = fee_pages.form_for(practice, None, clock.now())
    types = [str(key) for key, _ in blank.fields["adj_type"].choices if key]  # type: ignore[attr-defined]
    wish = {
        "mode": mode, "effective_on": today.isoformat(), "discount": "3", "cash_types": blank.initial["cash_types"],
        "adj_type": types[0] if mode == "DISCOUNT" else "", "state": "TX", "surcharge": "3", "cost": "3",
        "notice_on": (today - NOTICE).isoformat(), "acknowledgement": WORDS,
    }  # fmt: skip
    data = QueryDict(mutable=True)
    for name, value in wish.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    form = fee_pages.form_for(practice, data, clock.now())
    if not form.is_valid():
        raise ValueError(f"the fees of {practice.slug} are refused: {form.errors.as_text()}")
    fee_pages.decide(practice, form, actor="operator", now=clock.now())


def attach(plan: PayPlan, number: str, *, now: datetime) -> None:
    """A card saved on the hosted page, and autopay with it: also what replaces a card."""
    card = demo.save_card(plan.guarantor, number, now=now)
    witness = Witness(channel=Consent.Channel.STAFF, given_by="desk@example.com", ip=None)
    attaching.attach(plan, card, max_charge_cents=proposed_maximum_cents(plan) * 2, witness=witness, now=now)


def replace_card(practice_id: int, plan_id: int, number: int) -> bool:
    """Another card in place of the plan's."""
    with tenancy.scope(practice_id):
        attach(PayPlan.objects.select_related("guarantor").get(pk=plan_id), NUMBERS[number], now=clock.now())
    return True


def stop_autopay(most_due: int) -> int:
    """Staff turn autopay off for the plans that hold more than so many due payments of all; how many plans."""
    stopped = 0
    for practice in Practice.objects.all():
        with tenancy.scope(practice.pk):
            due = DuePart.objects.due(clock.now()).order_by("installment__plan_id")
            kept = most_due // Practice.objects.count()
            behind = set(due.values_list("installment__plan_id", flat=True)[kept:])
            for plan in PayPlan.objects.filter(pk__in=behind):
                stopped += attaching.detach(plan, actor="desk@example.com", reason="The run ends", now=clock.now())
    return stopped


def _practice(place: int) -> Practice:
    name, zone, *_ = KINDS[place % len(KINDS)]
    call_command(
        "create_practice", slug=slug(place), name=f"{name.title()} Example Dental", timezone=zone,
        phone=f"(555) 555-01{place:02d}", state="", verbosity=0,
    )  # fmt: skip
    practice = Practice.objects.get(slug=slug(place))
    user = User.objects.create_user(email=f"desk-{place}@example.com", password=PASSWORD, name="Dana Desk")
    Membership.objects.create(user=user, practice=practice, role=Membership.Role.BILLER)
    return practice


def _open_office(place: int, outside: demo.Outside) -> None:
    _name, zone, version, can_query, _mode = KINDS[place % len(KINDS)]
    wish: dict[str, Any] = {"key": slug(place), "version": version, "timezone": zone}
    demo.post(f"{outside.opendental}/_sandbox/offices", wish)
    if not can_query:
        described = demo.post(f"{outside.opendental}/_sandbox/offices/{slug(place)}/settings", {})
        permissions = [name for name in described["permissions"] if name != "ApiQueries"]
        outside.office(slug(place), "settings", permissions=permissions)


def _connect(place: int, outside: demo.Outside, practice: Practice) -> None:
    number = f"+155555501{place:02d}"
    inbound = f"{os.environ['BASE_URL']}/webhooks/twilio/{practice.slug}/inbound"
    demo.post(
        f"{outside.messaging}/_sandbox/numbers",
        {"number": number, "inbound_url": inbound, "account_sid": demo.SID, "token": demo.TOKEN},
    )
    call_command(
        "connect_opendental", practice=practice.slug, base_url=f"{outside.opendental}/api/v1",
        developer_key=DEVELOPER, customer_key=practice.slug, mode=KINDS[place % len(KINDS)][4], verbosity=0,
    )  # fmt: skip
    call_command(
        "connect_processor",
        practice=practice.slug,
        base_url=outside.stripe,
        secret_key=secret_key_of(practice.slug),
        verbosity=0,
    )
    call_command(
        "connect_messaging", practice=practice.slug, base_url=outside.messaging, sid=demo.SID, token=demo.TOKEN,
        from_number=number, verbosity=0,
    )  # fmt: skip


def _plan(place: int, outside: demo.Outside, number: int, today: date, chance: random.Random) -> int:
    """A person with finished work and a weekly plan over it."""
    patient = outside.office(
        slug(place), "patients", LName="Fault-Example", FName=f"Person{number}", TxtMsgOk="Yes",
        Birthdate="1986-03-14", WirelessPhone=f"{201 + place * 20 + number // 100}55501{number % 100:02d}",
    )["PatNum"]  # fmt: skip
    payments = chance.randint(8, 20)
    fee = f"{payments * chance.randint(2000, 20000) / 100:.2f}"
    procedure = outside.office(slug(place), "procedures", PatNum=patient, ProcFee=fee, ProcStatus="C")["ProcNum"]
    wish = {
        "PatNum": patient, "NumberOfPayments": payments, "procNums": [procedure], "IsLocked": "true",
        "ChargeFrequency": "Weekly", "DatePayPlanStart": (today + timedelta(days=number % 7)).isoformat(),
    }  # fmt: skip
    made: int = _api(outside, slug(place), "/payplans/Dynamic", wish)["PayPlanNum"]
    return made


def _api(outside: demo.Outside, office: str, path: str, body: dict[str, Any]) -> Any:
    """The office's own API, as another program of the office would use it."""
    headers = {"Authorization": f"ODFHIR {DEVELOPER}/{office}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{outside.opendental}/api/v1{path}", json.dumps(body).encode(), headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return json.loads(answer.read())
