"""The demo practices, made through the commands and pages of real ones against the sandbox of the outside world."""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management import call_command

from cards import saving
from cards.autopay import Witness, proposed_maximum_cents
from cards.models import Card, Consent
from opendental.pull import pull
from patients.models import Patient
from payments import attaching
from payplans.models import PayPlan
from practices import tenancy
from practices.models import Membership, Practice, User
from processors.terminal_port import Place
from terminals import registering
from terminals.models import Location

PASSWORD = "maple-grove-demo"  # noqa: S105 (the demo's sign-ins are printed on the terminal)
SID, TOKEN = "AC00000000000000000000000000000001", "sandbox-token"  # noqa: S105
_SIGN_INS = [
    ("admin", "Avery Admin", Membership.Role.ADMIN),
    ("desk", "Dana Desk", Membership.Role.FRONT_DESK),
]
# Test numbers of the sandbox's hosted page: fine, fine, insufficient funds when charged, fine.
_CARD_NUMBERS = ["4242424242424242", "5555555555554444", "4000000000009995", "4000056655665556"]


@dataclass(frozen=True)
class Office:
    slug: str
    name: str
    zone: str
    customer_key: str
    number: str
    patients: int


OFFICES = [
    Office("maple-grove", "Maple Grove Dental", "America/New_York", "office-254", "+15555550100", 60),
    Office("cedar-hill", "Cedar Hill Dental", "America/Chicago", "office-242", "+15555550101", 12),
    Office("lakeside", "Lakeside Dental", "Pacific/Honolulu", "office-224", "+15555550102", 8),
]


class Outside:
    """The addresses of the running sandbox, and its control APIs."""

    def __init__(self, opendental: str, stripe: str, messaging: str) -> None:
        self.opendental, self.stripe, self.messaging = opendental, stripe, messaging

    def office(self, key: str, action: str, **body: Any) -> Any:
        """Do something at the desk of a sandbox office."""
        return post(f"{self.opendental}/_sandbox/offices/{key}/{action}", body)


def fill(outside: Outside, *, now: datetime) -> list[dict[str, str]]:
    """Make the practices with data; returns the sign-ins. Repeating it changes nothing that is there."""
    for office in OFFICES:
        _make(office, outside, now)
    return [
        {"email": f"{who}@example.com", "password": PASSWORD, "role": str(role.label)} for who, _name, role in _SIGN_INS
    ]


def _make(office: Office, outside: Outside, now: datetime) -> None:
    if not Practice.objects.filter(slug=office.slug).exists():
        call_command(
            "create_practice", slug=office.slug, name=office.name, timezone=office.zone,
            phone=f"(555) 555-{office.number[-4:]}", state="", verbosity=0,
        )  # fmt: skip
    practice = Practice.objects.get(slug=office.slug)
    for who, name, role in _SIGN_INS:
        user = User.objects.filter(email=f"{who}@example.com").first()
        user = user or User.objects.create_user(email=f"{who}@example.com", password=PASSWORD, name=name)
        # The desk works at the first practice only; the admin can switch.
        if role == Membership.Role.ADMIN or office is OFFICES[0]:
            Membership.objects.get_or_create(user=user, practice=practice, defaults={"role": role})
    with tenancy.scope(practice.pk):
        _connect(office, outside, practice)
        stand_reader(outside, practice, "Front desk", now=now)
        _work(office, outside, practice, now)


def _connect(office: Office, outside: Outside, practice: Practice) -> None:
    inbound = f"{settings.BASE_URL}/webhooks/twilio/{practice.slug}/inbound"
    post(
        f"{outside.messaging}/_sandbox/numbers",
        {"number": office.number, "inbound_url": inbound, "account_sid": SID, "token": TOKEN},
    )
    outside.office(office.customer_key, "seed", patients=office.patients, seed=len(office.slug))
    outside.office(office.customer_key, "settings", timezone=office.zone)
    call_command(
        "connect_opendental", practice=office.slug, base_url=f"{outside.opendental}/api/v1",
        developer_key="dev-sandbox", customer_key=office.customer_key, verbosity=0,
    )  # fmt: skip
    call_command(
        "connect_processor", practice=office.slug, base_url=outside.stripe,
        secret_key=f"sk_test_{office.slug.replace('-', '')}", verbosity=0,
    )  # fmt: skip
    call_command(
        "connect_messaging", practice=office.slug, base_url=outside.messaging, sid=SID, token=TOKEN,
        from_number=office.number, verbosity=0,
    )  # fmt: skip


def stand_reader(outside: Outside, practice: Practice, label: str, *, now: datetime) -> None:
    """A terminal on the counter, registered by the code it shows; one taps on it at the sandbox's /readers."""
    if Location.objects.filter(practice=practice).exists():
        return
    place = Place(practice.name, "1 Sample Street", "Springfield", "IL", "62701")
    counter = registering.open_location(practice, place, clinic=None, actor="demo", now=now, token=uuid.uuid4())
    code = post(f"{outside.stripe}/_sandbox/devices", {"model": "countertop"})["registration_code"]
    registering.register(counter, code=code, label=label, actor="demo", now=now, token=uuid.uuid4())


def _work(office: Office, outside: Outside, practice: Practice, now: datetime) -> None:
    """Three of four open plans get a card and autopay, as the desk would do it."""
    pull(practice.pk, now=now)
    plans = PayPlan.objects.filter(kind=PayPlan.Kind.DYNAMIC, is_closed=False, autopay=None).order_by("pk")
    for index, plan in enumerate(plans.select_related("guarantor")[:24]):
        if index % 4 == 3 or office.customer_key == "office-224":
            continue
        card = save_card(plan.guarantor, _CARD_NUMBERS[index % len(_CARD_NUMBERS)], now=now)
        _attach(plan, card, now)


def _attach(plan: PayPlan, card: Card, now: datetime) -> None:
    witness = Witness(channel=Consent.Channel.STAFF, given_by="demo", ip=None)
    try:
        attaching.attach(plan, card, max_charge_cents=proposed_maximum_cents(plan), witness=witness, now=now)
    except attaching.UnableToAttach:
        return  # Offices without a proven posting route refuse autopay: that is what the demo shows there.


def save_card(patient: Patient, number: str, *, now: datetime) -> Card:
    """Walk the hosted page with a test card, as the person at the desk would. Raises RuntimeError when it refuses."""
    url = saving.start(patient=patient, return_path="/", actor="demo", now=now)
    form = {"number": number, "expiry": "10 / 39", "code": "123", "name": "Test Card", "zip_code": "10001"}
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode())  # noqa: S310 (our own sandbox)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
    with opener.open(request, timeout=30) as answer:
        back = answer.headers.get("Location", "")
    found = re.search(r"setup=([0-9a-f-]{36})", back)
    card = saving.finish(found[1], now=now) if found else None  # type: ignore[arg-type]
    if card is None:
        raise RuntimeError("The sandbox's card page refused the demo's test card")
    return card


class _Stay(urllib.request.HTTPRedirectHandler):
    """Take the redirect back to us as the answer instead of following it."""

    def http_error_303(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return fp


def post(url: str, body: dict[str, Any]) -> Any:
    """JSON to a sandbox's control API; raises urllib.error.HTTPError."""
    request = urllib.request.Request(  # noqa: S310 (our own sandbox)
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")
