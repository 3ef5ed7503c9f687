"""How much a role may give back: set by the practice, checked in the order itself and said in plain words."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client

from payments import refunds
from payments.models import Payment, Refund
from payments.refunds import UnableToRefund, Wish
from practices.models import Event, Membership, PaymentSettings, Practice
from tests import factories
from tests.payments.refunding import returned
from tests.plugins.money import Ledger
from tests.plugins.stripe import Shop
from tests.staff.conftest import SignIn
from tests.staff.refunding import Orders, attempt_page, ordered, url, wish, work
from tests.staff.test_plans_tab import text
from tests.staff.test_settings import AS_IT_IS, URL


def test_a_biller_gives_back_no_more_at_once_than_the_practice_lets(
    biller: Client, payment: Payment, shop: Shop, orders: Orders, ledger: Ledger
) -> None:
    PaymentSettings.objects.update(refund_biller_cents=50_00)
    assert "Your role may give back up to $50.00 at once." in text(biller.get(url(payment)).content.decode())

    answer = biller.post(url(payment), wish("50.01"))

    assert answer.status_code == 422
    words = "Nothing was given back now. Your role may give back $50.00 at once at most."
    assert words in text(answer.content.decode())
    assert (orders, Refund.objects.count(), returned(shop)) == ([], 0, [])
    ledger.wrote()
    ordered(biller, payment, "50.00", orders)
    assert returned(shop) == [50_00]


def test_a_day_is_added_up_for_each_person_alone(
    sign_in: SignIn, biller: Client, payment: Payment, shop: Shop, orders: Orders
) -> None:
    PaymentSettings.objects.update(refund_biller_day_cents=60_00)
    ordered(biller, payment, "40", orders)
    newest = Refund.objects.get().pk

    answer = biller.post(url(payment), wish("20.01", newest=newest))

    assert answer.status_code == 422
    assert "Your role may give back $60.00 a day at most; $40.00 is given back today." in text(answer.content.decode())
    ordered(biller, payment, "20", orders, newest=newest)
    newest = Refund.objects.order_by("pk").last().pk  # type: ignore[union-attr]
    ordered(sign_in("BILLER"), payment, "60", orders, newest=newest)
    assert returned(shop) == [40_00, 20_00, 60_00]


def test_the_front_desk_gives_back_where_the_practice_lets_it(
    desk: Client, payment: Payment, shop: Shop, orders: Orders
) -> None:
    assert desk.post(url(payment), wish("5")).status_code == 403
    PaymentSettings.objects.update(refund_front_desk_cents=20_00)

    assert f'hx-get="{url(payment)}"' in attempt_page(desk, payment)
    assert desk.post(url(payment), wish("20.01")).status_code == 422
    desk.post(url(payment), wish("20"))
    work(orders)

    assert returned(shop) == [20_00]


@pytest.mark.parametrize(("role", "limits", "why"), [
    ("BILLER", {}, r"\$500.00 at once"),
    ("FRONT_DESK", {}, "may not give money back"),
    ("AUDITOR", {}, "may not give money back"),
    ("MANAGER", {"refund_manager_cents": 500_00}, r"\$500.00 at once"),
])  # fmt: skip
def test_the_order_itself_refuses_whoever_asks_it(
    payment: Payment, practice: Practice, now: datetime, role: str, limits: dict[str, int], why: str
) -> None:
    PaymentSettings.objects.update(**limits)
    Payment.objects.update(amount_cents=500_01)
    member = factories.MembershipFactory.create(practice=practice, role=role)
    asked = Wish(cents=500_01, reason="OTHER", actor=f"user:{member.user_id}", giver=member)

    with pytest.raises(UnableToRefund, match=why):
        refunds.claim(payment.pk, asked, now=now)

    assert Refund.objects.count() == 0


def test_a_role_taken_away_meanwhile_counts(payment: Payment, practice: Practice, now: datetime) -> None:
    member = factories.MembershipFactory.create(practice=practice, role="ADMIN")
    Membership.objects.filter(pk=member.pk).update(is_active=False)

    with pytest.raises(UnableToRefund, match="not a member"):
        refunds.claim(payment.pk, Wish(cents=1, reason="OTHER", actor="user:1", giver=member), now=now)


def test_an_admin_sets_the_limits_and_a_manager_all_but_their_own(sign_in: SignIn) -> None:
    wanted = {
        "refund_front_desk_cents": "10", "refund_front_desk_day_cents": "", "refund_biller_cents": "",
        "refund_biller_day_cents": "1,000.00", "refund_manager_cents": "2000", "refund_manager_day_cents": "",
    }  # fmt: skip
    sign_in("MANAGER").post(URL, {**AS_IT_IS, **wanted})
    row = PaymentSettings.objects.get()
    assert (row.refund_front_desk_cents, row.refund_biller_cents, row.refund_biller_day_cents) == (10_00, None, 1000_00)
    assert row.refund_manager_cents is None

    admin = sign_in("ADMIN")
    admin.post(URL, {**AS_IT_IS, **wanted})

    assert PaymentSettings.objects.get().refund_manager_cents == 2000_00
    assert Event.objects.latest("pk").after == {"refund_manager_cents": 2000_00}
    assert 'name="refund_manager_cents" value="2,000.00"' in admin.get(URL).content.decode()
    wrong = admin.post(URL, {**AS_IT_IS, **wanted, "refund_biller_cents": "lots"})
    assert wrong.status_code == 422
    assert "That is not an amount of money." in wrong.content.decode()
