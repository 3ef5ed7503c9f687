"""Every address: signed in, allowed, and inside one's own practice."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from leakage.models import Leak
from notifications.models import Message, Reply
from opendental.models import PlanOrder
from paylinks.models import PaymentRequest, ReceiptLink
from payments.models import Sale
from practices import tenancy
from practices.models import Event, Practice
from terminals.models import Location, Reader
from tests import factories
from tests.payments import payouts_making
from tests.staff import making
from tests.staff.conftest import HTMX, SignIn

# Who asks is proven otherwise: by a password, a signature, a token; or nothing is told.
OPEN = {
    "sign_in", "sign_out", "set_language", "stripe_webhook", "twilio_status", "twilio_inbound",
}  # fmt: skip


def addresses(patterns: list[URLPattern | URLResolver] | None = None) -> Iterator[URLPattern]:
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns)
        else:
            yield entry


def staff_addresses() -> list[URLPattern]:
    found = [entry for entry in addresses() if entry.name not in OPEN]
    # What patients open is proven by its token (paylinks).
    pages = (
        "views", "fix_views", "my_plan_views", "consent_views", "receipt_views", "request_views", "check_views",
    )  # fmt: skip
    patients_own = {f"paylinks.{name}" for name in pages}
    return [entry for entry in found if entry.callback.__module__ not in patients_own]


def test_every_address_of_staff_names_its_permission() -> None:
    unguarded = [str(entry.pattern) for entry in staff_addresses() if not hasattr(entry.callback, "permission")]

    assert unguarded == []


def made(practice: Practice) -> SimpleNamespace:
    """One of everything an address can name."""
    scene = making.scene(practice)
    scene.refund = making.refund(scene.payment)
    scene.sale = Sale.objects.create(
        practice=practice, patient=scene.payment.payer, basis="CUSTOM", amount_cents=10_00, actor="user:1",
        drafted_at=scene.payment.paid_at,
    )  # fmt: skip
    scene.payout = payouts_making.payout(practice)
    scene.order = PlanOrder.objects.create(
        practice=practice, uuid=uuid.uuid4(), kind="CLOSE", patient=scene.patient, plan=scene.plan, state="DONE",
        reference="KP-TEST", actor="user:1", made_at=scene.payment.paid_at, next_at=scene.payment.paid_at,
    )  # fmt: skip
    scene.receipt_link = ReceiptLink.objects.create(
        practice=practice, click=uuid.uuid4(), token_hash="receipt", payment=scene.payment, patient=scene.patient,
        created_at=scene.payment.paid_at, expires_at=scene.payment.paid_at,
    )  # fmt: skip
    scene.dispute = making.dispute(scene.payment)
    scene.adjustment = making.adjustment(scene.payment)
    scene.request = PaymentRequest.objects.create(
        practice=practice, click=uuid.uuid4(), token_hash="request", patient=scene.patient, payer=scene.patient,
        basis="PATIENT", amount_cents=50_00, prefers="SMS", actor="user:1", created_at=scene.payment.paid_at,
        sent_at=scene.payment.paid_at, expires_at=scene.payment.paid_at,
    )  # fmt: skip
    scene.leak = Leak.objects.create(
        practice=practice, cause="FAILED", key="FAILED:installment:1", patient=scene.patient, amount_cents=10_00,
        most_cents=10_00, words="declined", about={"installment": scene.installment.pk}, since=scene.payment.paid_at,
        found_at=scene.payment.paid_at,
    )  # fmt: skip
    scene.reply = Reply.objects.create(
        practice=practice, carrier_reference="SM-access", phone="+15555550142", patient=scene.patient, body="Hello",
        meaning="OTHER", received_at=scene.payment.paid_at,
    )  # fmt: skip
    scene.message = Message.objects.create(
        practice=practice, kind="WRITTEN", dedupe_key="access", patient=scene.patient, body="Hello", state="BLOCKED",
        not_before=scene.payment.paid_at, created_at=scene.payment.paid_at,
    )  # fmt: skip
    scene.location, scene.reader = at_the_desk(practice, scene.payment.paid_at)
    return scene


def at_the_desk(practice: Practice, now: datetime) -> tuple[Location, Reader]:
    known = {"practice": practice, "reference": f"of_{practice.pk}"}
    place = Location.objects.create(name="Here", line1="1 Sample Street", state="NY", opened_at=now, **known)
    return place, Reader.objects.create(location=place, label="Front desk", registered_at=now, **known)


@pytest.fixture
def scene(practice: Practice) -> SimpleNamespace:
    return made(practice)


ONE_OF = {
    "patient_id": "patient", "plan_id": "plan", "installment_id": "installment", "attempt_id": "attempt",
    "payment_id": "payment", "card_id": "card", "part_id": "part", "consent_id": "consent",
    "posting_id": "posting", "alarm_id": "alarm", "refund_id": "refund", "payout_id": "payout",
    "receipt_link_id": "receipt_link", "dispute_id": "dispute", "request_id": "request",
    "location_id": "location", "reader_id": "reader", "adjustment_id": "adjustment",
    "leak_id": "leak",
    "reply_id": "reply", "message_id": "message",
}  # fmt: skip
TEMPLATE = {"page": "plan-templates", "kind": "payment_failed", "channel": "sms", "language": "en", "day": "2026-03-10"}


def arguments(entry: URLPattern, scene: SimpleNamespace) -> dict[str, object]:
    names = entry.pattern.converters
    given = {**TEMPLATE, "what": "by_hand", "sale_uuid": scene.sale.uuid, "order_uuid": scene.order.uuid}
    return {name: getattr(scene, ONE_OF[name]).pk if name in ONE_OF else given[name] for name in names}


def url_of(entry: URLPattern, scene: SimpleNamespace) -> str:
    return reverse(str(entry.name), kwargs=arguments(entry, scene))


def test_a_stranger_is_sent_to_the_sign_in_page(scene: SimpleNamespace) -> None:
    before, wrong = Event.objects.count(), []

    for entry in staff_addresses():
        url = url_of(entry, scene)
        for answer in (Client().get(url), Client().post(url)):
            if answer.status_code != 302 or not answer["Location"].startswith("/sign-in/?next="):
                wrong.append(entry.name)
        if Client().get(url, headers=HTMX).headers.get("HX-Redirect") != "/sign-in/":
            wrong.append(entry.name)

    assert wrong == []
    assert Event.objects.count() == before


def test_an_auditor_may_only_look(scene: SimpleNamespace, auditor: Client) -> None:
    before = Event.objects.count()
    looking = ("view", "export lists")
    changing = [entry for entry in staff_addresses() if vars(entry.callback)["permission"] not in looking]

    allowed = [entry.name for entry in changing if auditor.post(url_of(entry, scene)).status_code != 403]

    assert len(changing) == 99
    assert allowed == []
    assert Event.objects.count() == before


def test_what_belongs_to_another_practice_is_not_there(practice: Practice, admin: Client) -> None:
    other = factories.PracticeFactory.create()
    with tenancy.scope(other.pk):
        factories.PaymentSettingsFactory.create(practice=other)
        theirs = made(other)
        before = Event.objects.count()
    seen = []

    for entry in staff_addresses():
        if set(entry.pattern.converters) & set(ONE_OF):
            url = url_of(entry, theirs)
            statuses = {admin.get(url).status_code, admin.post(url).status_code}
            # 405: the address takes only the other method, which answers 404.
            if not statuses <= {404, 405} or 404 not in statuses:
                seen.append(entry.name)

    assert seen == []
    with tenancy.scope(other.pk):
        assert Event.objects.count() == before


@pytest.mark.django_db
def test_a_person_without_a_practice_is_told_so() -> None:
    client = Client()
    client.force_login(factories.UserFactory.create())

    answer = client.get("/communication/")

    assert answer.status_code == 403
    assert "not a member of any practice" in answer.content.decode()


def test_somebody_else_s_practice_cannot_be_switched_to(admin: Client) -> None:
    other = factories.PracticeFactory.create(slug="elsewhere")

    assert admin.post("/switch-practice/", {"practice": other.slug}).status_code == 403
    assert admin.session.get("practice") is None


def test_a_person_with_two_practices_sees_the_one_they_chose(
    sign_in: SignIn, practice: Practice, now: datetime
) -> None:
    other = factories.PracticeFactory.create(name="Windward Smiles", timezone="Pacific/Honolulu")
    with tenancy.scope(other.pk):
        factories.PaymentSettingsFactory.create(practice=other)
        factories.PatientFactory.create(practice=other, first_name="Kai", last_name="Placeholder")
    client = sign_in("ADMIN")
    user = practice.memberships.get().user
    factories.MembershipFactory.create(user=user, practice=other, role="FRONT_DESK")

    client.post("/switch-practice/", {"practice": other.slug})
    page = client.get("/communication/").content.decode()

    assert "Placeholder, Kai" in page
    assert "Windward Smiles" in page
    assert "Switch to Maple Grove Dental" in page
