"""Filters of the Payments list: each alone, together, at their edges, and typed wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.test import Client

from payments.models import Attempt, DuePart
from practices.models import Clinic, Membership, Practice
from tests import factories
from tests.staff import making
from tests.staff.test_plans_tab import counts, text


def try_of(practice: Practice, cents: int, state: str = "SUCCEEDED", **fields: object) -> Attempt:
    """A try of this amount by a person of its own, who is found by the amount's words."""
    name = f"Test{cents}"
    patient = making.patient(practice, first_name="Sam", last_name=name, clinic_num=fields.pop("clinic", 0))
    plan = factories.PayPlanFactory.create(patient=patient)
    factories.AutopayFactory.create(plan=plan, card=factories.CardFactory.create(patient=patient))
    installment = factories.InstallmentFactory.create(plan=plan, principal_cents=cents)
    part: DuePart = factories.DuePartFactory.create(installment=installment, state="PAID")
    made = making.attempt(part, state, at=fields.pop("at"))
    Attempt.objects.filter(pk=made.pk).update(**fields)
    made.refresh_from_db()
    return made


@pytest.fixture
def scene(practice: Practice) -> SimpleNamespace:
    """Four tries around midnight of March 9 in New York (04:00 UTC) and one refund by Robin."""
    robin = factories.MembershipFactory.create(
        practice=practice, user=factories.UserFactory.create(name="Robin Deskson"), role=Membership.Role.BILLER
    ).user
    Clinic.objects.create(practice=practice, clinic_num=7, name="East")
    who = f"user:{robin.pk}"
    late = try_of(practice, 100_00, at=datetime(2026, 3, 9, 3, 59, tzinfo=UTC), clinic=7)
    early = try_of(practice, 200_00, at=datetime(2026, 3, 9, 4, 0, tzinfo=UTC), channel="PAY_NOW", actor=who)
    declined = try_of(practice, 300_00, "DECLINED", at=datetime(2026, 3, 10, 3, 59, tzinfo=UTC), actor="patient:3",
                      channel="FIX_LINK")  # fmt: skip
    last = try_of(practice, 400_00, at=datetime(2026, 3, 10, 4, 0, tzinfo=UTC))
    paid = making.payment(late)
    refund = making.refund(paid, 40_00, actor=who, started_at=datetime(2026, 3, 9, 12, 0, tzinfo=UTC))
    return SimpleNamespace(tries=[late, early, declined, last], refund=refund, who=who, paid=paid)


def shown(client: Client, query: str) -> list[str]:
    """The amounts of the rows, in their order."""
    page = client.get(f"/payments/?{query}").content.decode()
    return re.findall(r'<td class="num"><span class="money">(.+?)</span>', page)


@pytest.mark.parametrize(
    ("query", "amounts"),
    [
        ("", ["$400.00", "$300.00", "−$40.00", "$200.00", "$100.00"]),
        ("channel=PAY_NOW", ["$200.00"]),
        ("channel=AUTOPAY", ["$400.00", "−$40.00", "$100.00"]),
        ("by=autopay", ["$400.00", "$100.00"]),
        ("by=patient", ["$300.00"]),
        ("by={who}", ["−$40.00", "$200.00"]),
        ("clinic=7", ["−$40.00", "$100.00"]),
        ("least=200", ["$400.00", "$300.00", "$200.00"]),
        ("most=$200.00", ["−$40.00", "$200.00", "$100.00"]),
        ("least=40&most=40", ["−$40.00"]),
        ("since=2026-03-09&until=2026-03-09", ["$300.00", "−$40.00", "$200.00"]),
        ("since=2026-03-10", ["$400.00"]),
        ("until=2026-03-08", ["$100.00"]),
        ("filter=paid&by={who}&least=150", ["$200.00"]),
        ("filter=refunds&clinic=7", ["−$40.00"]),
        ("q=Test300", ["$300.00"]),
        ("q=nobody", []),
    ],
)
def test_each_filter_shows_what_it_says(desk: Client, scene: SimpleNamespace, query: str, amounts: list[str]) -> None:
    assert shown(desk, query.format(who=scene.who)) == amounts


def test_counts_and_totals_are_of_what_is_filtered(desk: Client, scene: SimpleNamespace) -> None:
    page = desk.get("/payments/?since=2026-03-09&until=2026-03-09").content.decode()

    assert counts(page) == {
        "All": 3, "Paid": 1, "Declined": 1, "In flight": 0, "Not charged": 0, "Refunds": 1, "Needs posting": 0,
    }  # fmt: skip
    assert "$200.00 taken in 1 payment, $40.00 given back in 1 refund, $160.00 net" in text(page)


def test_references_find_exactly_what_they_name(desk: Client, scene: SimpleNamespace) -> None:
    reference = scene.paid.postings.get().reference

    assert shown(desk, f"q={reference.lower()}") == ["$100.00"]
    assert shown(desk, f"q={scene.tries[1].reference}") == ["$200.00"]
    assert shown(desk, "q=KP-2222222222222222") == []


def test_filters_that_are_on_are_named_and_can_be_taken_off_one_by_one(desk: Client, scene: SimpleNamespace) -> None:
    page = desk.get(f"/payments/?filter=paid&by={scene.who}&least=150&since=2026-03-09&until=2026-03-09")

    pills = re.findall(r'<a href="([^"]+)" aria-label="Remove the filter ([^"]+)"', page.content.decode())
    assert pills == [
        ("?filter=paid&amp;least=150&amp;since=2026-03-09&amp;until=2026-03-09", "Robin Deskson"),
        (f"?filter=paid&amp;by=user%3A{scene.who[5:]}&amp;since=2026-03-09&amp;until=2026-03-09", "from $150.00"),
        (f"?filter=paid&amp;by=user%3A{scene.who[5:]}&amp;least=150", "Mon, Mar 9"),
    ]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("least=abc", "That is not an amount. Write it as 40.00."),
        ("most=-5", "Write it without a minus sign"),
        ("least=1.005", "That is not an amount."),
        ("least=50&most=40", "The upper amount is below the lower one."),
        ("since=2026-13-01", "That is not a date. Write it as 2026-03-09."),
        ("until=9999-12-31", "Choose a day between 2000 and 2100."),
        ("since=2026-03-09&until=2026-03-08", "The last day is before the first one."),
        ("channel=PIGEON", "That can&#x27;t be chosen here."),
        ("by=user:999999", "That can&#x27;t be chosen here."),
        ("clinic=x", "That can&#x27;t be chosen here."),
        (f"q={'x' * 101}", "at most 100 characters"),
    ],
)
def test_a_filter_that_cannot_be_read_shows_nothing_and_says_why(
    admin: Client, scene: SimpleNamespace, query: str, words: str
) -> None:
    answer = admin.get(f"/payments/?{query}")
    page = answer.content.decode()

    assert answer.status_code == 422
    assert words in page
    assert re.findall(r'<td class="num">', page) == []
    assert "taken in" not in page
    assert admin.get(f"/payments/export.csv?{query}").status_code == 302


def test_a_practice_without_clinics_is_not_asked_for_one(desk: Client, practice: Practice) -> None:
    making.scene(practice)

    assert "Clinic of the payer" not in desk.get("/payments/").content.decode()


def test_paging_keeps_the_filters(desk: Client, practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    making.scene(practice)
    monkeypatch.setattr("payments.payment_list.PAGE_SIZE", 1)

    page = desk.get("/payments/?channel=AUTOPAY&least=100").content.decode()

    assert 'href="?channel=AUTOPAY&amp;least=100&amp;page=2"' in page
    assert "1–1 of 2" in page
