"""What the screens of all day ask the database: exact numbers, the same however many rows there are."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from patients.models import Patient
from practices.models import Practice
from tests import factories
from tests.staff import making

# Session, person, memberships, other practices, and the session's new end: every signed-in page asks these.
SIGNED_IN = ("django_session", "practices_user", "practices_membership")
# A union begins with its first part in brackets.
STATEMENTS = ("SELECT", "(SELECT", "INSERT", "UPDATE")


def own_queries(client: Client, address: str) -> list[str]:
    """Reads and writes of rows by this page itself."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    rows = [one["sql"] for one in captured.captured_queries if one["sql"].startswith(STATEMENTS)]
    asked = [sql for sql in rows if "set_config" not in sql]
    return [sql for sql in asked if not any(f'FROM "{name}"' in sql or f'UPDATE "{name}"' in sql for name in SIGNED_IN)]


def book(practice: Practice) -> int:
    """A person whom search finds, with a plan: one installment paid and posted, one to come. Their id."""
    part = factories.collectable(practice)
    plan = part.installment.plan  # type: ignore[union-attr]
    making.payment(making.attempt(part, "SUCCEEDED"))
    factories.InstallmentFactory.create(plan=plan, due_date=date(2026, 4, 10))
    Patient.objects.filter(pk=part.payer_id).update(search_text="ana sample-ortiz")
    return part.payer_id


@pytest.mark.parametrize(
    ("address", "count"),
    [
        ("/communication/{}/", 2),
        # One of them: may the front desk give money back?
        ("/communication/{}/plans/", 12),
        ("/dashboard/", 2),
        ("/plans/", 3),
        ("/plans/?q=sample", 5),
        ("/communication/results/?q=sam", 1),
        ("/communication/?q=sample", 2),
        ("/communication/{}/payments/", 7),
        ("/payments/", 8),
        ("/payments/?q=sample&channel=AUTOPAY&since=2026-01-01", 9),
        ("/payments/needs-posting/", 3),
    ],
)
def test_a_page_asks_the_same_few_questions_with_one_plan_and_with_many(
    desk: Client, practice: Practice, address: str, count: int
) -> None:
    first = address.format(book(practice))
    with_one = own_queries(desk, first)
    for _ in range(5):
        book(practice)

    assert len(own_queries(desk, first)) == len(with_one) == count <= 12
