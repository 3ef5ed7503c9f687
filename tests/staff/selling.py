"""Process Payment at a browser: a patient who owes, an office that says so, what pages hand to workers."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from patients.models import Patient
from payments import presented, tasks, upward
from payments.account import Account, Member, OpenProcedure
from payments.models import Sale
from practices.models import Practice
from tests.staff import making

HTMX = {"HX-Request": "true"}
CHILD = 73


@pytest.fixture
def ana(practice: Practice) -> Patient:
    found = making.patient(practice, pat_num=72)
    making.patient(practice, pat_num=CHILD, guarantor_num=72, first_name="Kim")
    return found


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch, nudged: list[int]) -> dict[str, Any]:
    """What Open Dental says: two procedures of Ana's, one of Kim's; `problem` makes it silent."""
    said: dict[str, Any] = {"reads": 0, "problem": ""}

    def account(_practice: int, pat_num: int, now: datetime) -> Account:
        said["reads"] += 1
        if said["problem"]:
            raise upward.UnableToReadAccount(said["problem"])
        members = (
            Member(72, "Sample-Ortiz, Ana", 120_00, unearned_cents=5_00),
            Member(CHILD, "Sample-Ortiz, Kim", 50_00),
        )
        work = (
            OpenProcedure(11, 72, date(2026, 1, 8), "D0120", "periodic oral evaluation", "DOC1", 80_00, 20_00),
            OpenProcedure(12, CHILD, date(2026, 2, 2), "D1110", "prophylaxis", "HYG1", 50_00),
            OpenProcedure(13, 72, date(2026, 3, 1), "D2392", "two-surface filling", "DOC1", 45_00),
        )
        return Account(now, members if pat_num == 72 else members[::-1], work)

    monkeypatch.setattr(upward.handlers, "account", account)
    monkeypatch.setattr(upward.handlers, "payment_types", lambda _practice: {69: "Check", 70: "Cash"})
    return said


@pytest.fixture
def page_open(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """Time stands still here, but not for the sandbox, which counts the half hour of a page."""
    ahead = time_machine.escape_hatch.datetime.datetime.now(UTC) - now
    monkeypatch.setattr(presented, "PAGE_OPEN", presented.PAGE_OPEN + ahead)


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the page handed to a worker; `work` does it as a worker would."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.collect_one, "delay", lambda **wish: calls.append(wish))
    monkeypatch.setattr(tasks.open_page_one, "delay", lambda **wish: calls.append(wish))
    return calls


def work(handed: list[dict[str, Any]]) -> None:
    while handed:
        wish = handed.pop(0)
        (tasks.open_page_one if "back" in wish else tasks.collect_one)(**wish)


def url(patient: Patient) -> str:
    return f"/communication/{patient.pk}/process-payment/"


def words(answer: Any) -> str:
    """What somebody reads: without tags, each run of white space one space."""
    return " ".join(re.sub(r"<[^>]+>", "", answer.content.decode()).split())


def token(client: Client, patient: Patient) -> str:
    page = client.get(f"{url(patient)}account/", headers=HTMX).content.decode()
    found = re.search(r'name="token" value="(\w+)"', page)
    assert found is not None
    return found[1]


def draft(client: Client, patient: Patient, basis: str = "PATIENT", **more: Any) -> Sale:
    answer = client.post(url(patient), {"basis": basis, "token": token(client, patient), **more})
    assert answer.status_code == 302, answer.content.decode()
    return Sale.objects.get(uuid=answer["Location"].split("/")[-2])


def newest(sale: Sale) -> int:
    """What a page that is opened now has seen."""
    return sale.due_parts.order_by("-pk").values_list("pk", flat=True).first() or 0


def pay(client: Client, sale: Sale, method: str, amount: str, **more: Any) -> str:
    wish = {"method": method, "amount": amount, "newest": newest(sale), **more}
    return words(client.post(f"/payments/sales/{sale.uuid}/pay/", wish, follow=True))
