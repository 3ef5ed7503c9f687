"""Wherever a worker dies over a press of Pay: no sale stays open or held, and the money is taken once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from patients.models import Patient
from paylinks import request_tries
from paylinks.models import PaymentRequest
from payments import reconcile, sales
from payments.models import Attempt, AttemptState, Sale, SaleLine
from payments.sale_lines import lines
from payments.sales import UnableToSell
from processors.stripe import StripeProcessor
from tests.paylinks.asking import Mobile, Office, tries
from tests.paylinks.conftest import Time
from tests.plugins.stripe import VISA, Shop

POINTS: dict[str, tuple[Any, str, bool]] = {
    "drafted": (sales, "tender", False),
    "tendered": (sales, "tender", True),
    "claimed, page": (StripeProcessor, "open_page", False),
    "opened, page": (StripeProcessor, "open_page", True),
    "claimed, card": (StripeProcessor, "charge", False),
    "charged, card": (StripeProcessor, "charge", True),
    "settled, page": (request_tries, "_finish", False),
    "settled, card": (request_tries, "_finish", False),
}


class Killed(BaseException):
    """No code of the product sees it coming."""


@pytest.fixture
def now() -> datetime:
    """The sandbox's own time: it counts the half hour of a page."""
    return datetime.now(UTC).replace(microsecond=0)


def dies(patch: pytest.MonkeyPatch, holder: Any, name: str, done_first: bool) -> None:
    right = getattr(holder, name)

    def die(*args: Any, **more: Any) -> Any:
        if done_first:
            right(*args, **more)
        raise Killed

    patch.setattr(holder, name, die)


def a_while_later(mobile: Mobile, time: Time) -> None:
    """The passes of the default worker, in their order, twice."""
    practice, began = mobile.request.practice_id, datetime.now(UTC)
    for minutes in (45, 90):
        time.now += timedelta(minutes=45)
        at = {"now": time.now, "real_now": began + timedelta(minutes=minutes)}
        request_tries.end_lost(practice, **at)
        sales.tidy(practice, **at)
        reconcile.reconcile(practice, **at)
    sales.tidy(practice, **at)


@pytest.mark.parametrize("point", POINTS)
def test_a_press_whose_worker_is_killed_leaves_no_sale_open_and_takes_the_money_once(
    mobile: Mobile, ana: Patient, shop: Shop, time: Time, point: str
) -> None:
    card = shop.card(ana, VISA).pk if point.endswith("card") else ""
    mobile.press(card=card)
    with pytest.MonkeyPatch.context() as patch:
        dies(patch, *POINTS[point])
        with pytest.raises(Killed):
            mobile.crew.work()

    a_while_later(mobile, time)

    assert [state for state, _ in tries()] == ["DONE"]
    assert not Sale.objects.filter(state=Sale.State.OPEN).exists()
    assert not Attempt.objects.filter(state__in=AttemptState.open()).exists()
    if point not in ("charged, card", "settled, card"):
        assert shop.taken() == []
        mobile.type_card(mobile.open_page())
    assert (shop.taken(), PaymentRequest.objects.get().state) == ([120_00], "PAID")
    held = SaleLine.objects.filter(is_held=True).values_list("sale__state", flat=True)
    assert set(held) == {"PAID"}, "until what was taken is read back"


def test_one_sale_that_moves_after_all_keeps_no_other_from_being_ended(
    mobile: Mobile, office: Office, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient, basis = mobile.request.patient, Sale.Basis.PATIENT
    found = lines(office.account(0, patient.pat_num, time.now), basis)
    first, second = (
        sales.draft(patient, basis=basis, lines=found, note="", actor="user:1", now=time.now) for _ in range(2)
    )
    Sale.objects.filter(pk__in=[first.pk, second.pk]).update(state=Sale.State.OPEN)
    right = sales.cancel

    def cancel(sale_id: int, **more: Any) -> Sale:
        if sale_id == first.pk:
            raise UnableToSell("A payment of this sale is under way: wait for its outcome")
        return right(sale_id, **more)

    monkeypatch.setattr(sales, "cancel", cancel)
    assert sales.tidy(mobile.request.practice_id, now=time.now + timedelta(minutes=11)) == 1
    assert list(Sale.objects.order_by("pk").values_list("state", flat=True))[-2:] == ["OPEN", "CANCELED"]
