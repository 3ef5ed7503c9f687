"""A patient with a failed payment and a link to repair it; the sandbox Stripe; workers that run when a test says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from core import clock
from core.tokens import link_token
from paylinks import charges, links, tasks
from paylinks.models import LinkCharge, PatientLink
from payments import charging
from payments.models import Attempt, DuePart
from tests.paylinks.asking import ana, crew, mobile, office, texting  # noqa: F401 (fixtures)
from tests.plugins.stripe import VISA, Shop

DAY = timedelta(days=1)


@dataclass
class Time:
    """Business time as the pages see it."""

    now: datetime


@dataclass
class Workers:
    """Charges that were handed over; `work` runs them as a worker does."""

    clock: Time
    waiting: list[int] = field(default_factory=list)

    def work(self) -> None:
        while self.waiting:
            charges.run(self.waiting.pop(0), now=self.clock.now)


@dataclass
class Phone:
    """The patient's browser on the link."""

    link: PatientLink
    shop: Shop
    workers: Workers
    client: Client = field(default_factory=Client)

    @property
    def address(self) -> str:
        return f"/p/{self.link.practice.slug}/{link_token(self.link.nonce)}"

    @property
    def cents(self) -> str:
        return str(self.link.due_part.amount_cents)

    def get(self, path: str = "", **headers: Any) -> Any:
        return self.client.get(f"{self.address}{path}", **headers)

    def post(self, path: str, **form: str) -> Any:
        return self.client.post(f"{self.address}{path}", form)

    def press_another_card(self) -> str:
        """The address of the hosted page."""
        answer = self.post("/card", amount=self.cents)
        assert answer.status_code == 303
        return str(answer["Location"])

    def enter_card(self, hosted: str, number: str = VISA) -> str:
        """Type a card on the hosted page; where it sends the browser."""
        typed = {"number": number, "expiry": "12 / 34", "code": "123", "name": "Ana", "zip_code": "10001"}
        answer = self.shop.process.http.post(hosted, data=typed, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"]).removeprefix("http://testserver")

    def come_back(self, path: str) -> Any:
        """Follow the way back to the page that tells how it goes."""
        answer = self.client.get(path)
        assert answer.status_code == 302
        return self.client.get(answer["Location"])


def words(answer: Any) -> str:
    """The page's text without its markup."""
    body = answer.content.decode().split("<main", 1)[1].split("</main>", 1)[0]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


@pytest.fixture(autouse=True)
def _surroundings(settings: Any, tmp_path: Path, shop: Shop) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.CARD_PAGE_ORIGINS = [shop.process.url]
    cache.clear()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch, now: datetime) -> Time:
    moving = Time(now)
    monkeypatch.setattr(clock, "now", lambda: moving.now)
    return moving


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch, time: Time) -> Workers:
    hands = Workers(time)
    take: Callable[..., None] = lambda *, practice_id, charge_id: hands.waiting.append(charge_id)  # noqa: E731
    monkeypatch.setattr(tasks.charge_one, "delay", take)
    return hands


@pytest.fixture
def failed(part: DuePart, shop: Shop, nudged: list[int], time: Time) -> DuePart:
    """Autopay was declined yesterday for want of money; the account is filled since."""
    card = part.installment.plan.autopay.card  # type: ignore[union-attr]
    shop.behave(card, "decline:insufficient_funds", times=1)
    attempt = charging.collect(part.pk, channel=Attempt.Channel.AUTOPAY, actor="autopay", now=time.now)
    assert (attempt.state, attempt.decline_code) == ("DECLINED", "insufficient_funds")
    time.now += DAY
    return DuePart.objects.get(pk=part.pk)


@pytest.fixture
def phone(failed: DuePart, shop: Shop, workers: Workers, time: Time) -> Phone:
    nonce = links.open_fix_link(due_part=failed, now=time.now)
    link = PatientLink.objects.select_related("practice", "due_part").get(nonce=nonce)
    return Phone(link, shop, workers)


def the_charge() -> LinkCharge:
    return LinkCharge.objects.get()
