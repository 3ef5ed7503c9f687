"""A request at hand: an office that says what is owed, phones that pay, workers that run when a test says so."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from core.tokens import link_token
from notifications.models import MessagingAccount
from patients.models import Patient
from paylinks import request_tries, requests, tasks
from paylinks.models import PaymentRequest, RequestTry
from payments import sale_lines, sales, upward
from payments.account import Account, Member, OpenProcedure
from payments.models import LedgerPosting, Sale
from practices.models import Practice
from tests.plugins.stripe import VISA, Shop
from tests.staff import making

if TYPE_CHECKING:
    from tests.paylinks.conftest import Time

CHECK_UP, FILLING = 11, 13


@dataclass
class Office:
    """What Open Dental says: cents still open by procedure, unearned money; or why it can't be asked."""

    owed: dict[int, int] = field(default_factory=lambda: {CHECK_UP: 80_00, FILLING: 45_00})
    unearned: int = 5_00
    problem: str = ""
    reads: int = 0

    def account(self, _practice: int, pat_num: int, now: datetime) -> Account:
        self.reads += 1
        if self.problem:
            raise upward.UnableToReadAccount(self.problem)
        names = {CHECK_UP: "periodic oral evaluation", FILLING: "two-surface filling"}
        work = [
            OpenProcedure(number, pat_num, date(2026, 1, number), "D0120", names[number], "DOC1", cents)
            for number, cents in self.owed.items()
            if cents
        ]
        member = Member(pat_num, "Sample-Ortiz, Ana", sum(self.owed.values()), unearned_cents=self.unearned)
        return Account(now, (member,), tuple(work))


@dataclass
class Crew:
    """Presses of Pay that were handed over; `work` runs them as a worker does."""

    time: Time
    waiting: list[int] = field(default_factory=list)

    def work(self) -> None:
        while self.waiting:
            request_tries.run(self.waiting.pop(0), now=self.time.now)


@dataclass
class Mobile:
    """A browser with the link."""

    request: PaymentRequest
    crew: Crew
    shop: Shop
    client: Client = field(default_factory=Client)

    @property
    def address(self) -> str:
        return f"/p/{self.request.practice.slug}/{link_token(self.request.nonce)}"

    def get(self, path: str = "", **more: Any) -> Any:
        return self.client.get(f"{self.address}{path}", **more)

    def post(self, path: str, **form: Any) -> Any:
        return self.client.post(f"{self.address}{path}", form)

    def press(self, shown: int = 120_00, cents: int | None = None, card: int | str = "") -> str:
        """The page that tells how it goes."""
        answer = self.post("/pay", shown=shown, cents=shown if cents is None else cents, card=card)
        assert answer.status_code == 303, answer.content.decode()
        return str(answer["Location"])

    def open_page(self, **wish: Any) -> str:
        """Press Pay, let the worker work; the address of the processor's page."""
        going = self.press(**wish)
        self.crew.work()
        return str(self.client.get(going)["Location"])

    def type_card(self, hosted: str, number: str = VISA) -> Any:
        """Type a card on the processor's page, and come back."""
        typed = {"number": number, "expiry": "12 / 40", "code": "123", "name": "Ana", "zip_code": "97301"}
        answer = self.shop.process.http.post(hosted.removeprefix(self.shop.process.url), data=typed)
        if answer.status_code != 303:
            return answer
        back = str(answer.headers["location"])
        return self.client.get("/p/" + back.split("/p/", 1)[1], follow=True)


def tries() -> list[tuple[str, str]]:
    return list(RequestTry.objects.order_by("pk").values_list("state", "refusal"))


def recorded() -> None:
    """Open Dental shows what was posted."""
    LedgerPosting.objects.update(state=LedgerPosting.State.MATCHED)


@pytest.fixture
def ana(practice: Practice) -> Patient:
    return making.patient(practice, pat_num=72)


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch, nudged: list[int]) -> Office:
    said = Office()
    monkeypatch.setattr(upward.handlers, "account", said.account)
    return said


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch, time: Time) -> Crew:
    hands = Crew(time)
    take: Callable[..., None] = lambda *, practice_id, try_id: hands.waiting.append(try_id)  # noqa: E731
    monkeypatch.setattr(tasks.pay_one, "delay", take)
    return hands


@pytest.fixture
def texting(practice: Practice, now: datetime) -> MessagingAccount:
    return MessagingAccount.objects.create(
        practice=practice, base_url="http://127.0.0.1:9", sid="AC1", token="t", from_number="+15555550100",
        connected_at=now,
    )  # fmt: skip


def asked(
    patient: Patient, office: Office, now: datetime, basis: str = Sale.Basis.PATIENT, **wish: Any
) -> PaymentRequest:
    """A request as the desk makes one."""
    account = office.account(0, patient.pat_num, now)
    chosen = sale_lines.lines(account, basis, **wish)
    sale = sales.draft(patient, basis=basis, lines=chosen, note="", actor="user:1", now=now)
    order = requests.Order(patient, "SMS", uuid.uuid4())
    made = requests.ask(sale, order, actor="user:1", now=now)
    office.reads = 0
    return PaymentRequest.objects.select_related("practice", "payer", "patient").get(pk=made.pk)


@pytest.fixture
def mobile(ana: Patient, office: Office, texting: MessagingAccount, crew: Crew, shop: Shop, time: Time) -> Mobile:
    """Ana is asked for $120.00: a check-up of $80.00 and $40.00 of a filling, for $5.00 lie unearned."""
    return Mobile(asked(ana, office, time.now), crew, shop)
