"""Which addresses open, for how long and how often; the others all look the same and do nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from core.tokens import link_token
from paylinks import charges, limits, links, views
from paylinks.models import LinkCharge, PatientLink
from practices.models import Practice
from tests import factories
from tests.paylinks.conftest import DAY, Phone, Time, Workers, the_charge, words
from tests.plugins.money import Ledger
from tests.plugins.stripe import Shop


def dead_pages(phone: Phone, time: Time) -> dict[str, Any]:
    other = factories.PracticeFactory.create(name=phone.link.practice.name)
    token = link_token(phone.link.nonce)
    return {
        "tampered": Client().get(phone.address[:-1] + ("a" if phone.address[-1] != "a" else "b")),
        "foreign": Client().get(f"/p/{other.slug}/{token}"),
        "expired": _at(phone, time, timedelta(days=30)),
    }


def _at(phone: Phone, time: Time, later: timedelta) -> Any:
    time.now += later
    answer = Client().get(phone.address)
    time.now -= later
    return answer


def test_wrong_foreign_and_expired_links_look_the_same_and_do_nothing(phone: Phone, time: Time, ledger: Ledger) -> None:
    pages = dead_pages(phone, time)
    links.revoke(phone.link, actor="user:1", now=time.now)
    pages["revoked"] = phone.get()

    assert {name: page.status_code for name, page in pages.items()} == {
        "tampered": 404, "foreign": 404, "expired": 410, "revoked": 410,
    }  # fmt: skip
    assert len({words(page) for page in pages.values()}) == 1
    assert "This link can't be used" in words(pages["expired"])
    assert Client().get("/p/nobody/" + link_token(phone.link.nonce)).status_code == 404
    for path in ("/card", "/again", "/autopay"):
        assert phone.post(path, amount=phone.cents).status_code == 410
    ledger.wrote(events=1)
    assert LinkCharge.objects.count() == 0


def test_a_link_lives_thirty_days_of_business_time(phone: Phone, time: Time) -> None:
    assert _at(phone, time, timedelta(days=30, seconds=-1)).status_code == 200
    assert _at(phone, time, timedelta(days=30)).status_code == 410


def test_the_same_part_keeps_its_link_until_it_expires_or_is_revoked(phone: Phone, time: Time) -> None:
    part = phone.link.due_part
    assert links.open_fix_link(due_part=part, now=time.now + 29 * DAY) == phone.link.nonce

    assert links.open_fix_link(due_part=part, now=time.now + 30 * DAY) != phone.link.nonce
    links.revoke(phone.link, actor="user:1", now=time.now)
    again = links.open_fix_link(due_part=part, now=time.now)

    assert PatientLink.objects.get(nonce=again).is_usable(time.now)


def test_the_way_back_is_good_for_two_hours_and_only_in_its_practice(phone: Phone, time: Time) -> None:
    phone.press_another_card()
    other = factories.PracticeFactory.create()
    charge = the_charge()
    path = f"/p/{phone.link.practice.slug}/back/{charge.uuid}"

    assert Client().get(path).status_code == 302
    assert Client().get(f"/p/{other.slug}/back/{charge.uuid}").status_code == 404
    time.now += timedelta(hours=2)
    assert Client().get(path).status_code == 404


def test_another_links_charge_is_not_shown(phone: Phone, shop: Shop, practice: Practice) -> None:
    phone.press_another_card()
    other_part = factories.DuePartFactory.create(
        installment=factories.InstallmentFactory.create(
            plan=factories.PayPlanFactory.create(patient=factories.PatientFactory.create(practice=practice))
        )
    )
    nonce = links.open_fix_link(due_part=other_part, now=phone.link.created_at)

    answer = Client().get(f"/p/{practice.slug}/{link_token(nonce)}/done?charge={the_charge().uuid}")

    assert (answer.status_code, answer["Location"]) == (303, f"/p/{practice.slug}/{link_token(nonce)}")


def test_the_outcome_is_shown_although_the_link_expires_meanwhile(phone: Phone, workers: Workers, time: Time) -> None:
    answer = phone.post("/again", amount=phone.cents)
    workers.work()
    time.now += timedelta(days=31)

    assert "Paid. Thank you!" in words(phone.client.get(answer["Location"]))


def test_a_robot_is_told_to_wait_and_others_are_not(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAGES_PER_MINUTE", 5)

    codes = [phone.get().status_code for _ in range(7)]

    assert codes == [200, 200, 200, 200, 200, 429, 429]
    busy = phone.get()
    assert (busy["Retry-After"], "Wait a minute" in words(busy)) == ("60", True)
    assert Client(REMOTE_ADDR="192.0.2.7").get(phone.address).status_code == 200


def test_guessing_links_is_stopped_sooner(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WRONG_LINKS_PER_MINUTE", 3)

    codes = [Client().get(phone.address[:-4] + f"aaa{n}").status_code for n in range(4)]

    assert codes == [404, 404, 404, 429]


def test_pages_are_not_kept_by_browsers_and_only_post_changes_things(phone: Phone) -> None:
    assert "no-store" in phone.get()["Cache-Control"]
    for path in ("/card", "/again", "/autopay"):
        assert phone.get(path).status_code == 405
    assert phone.post("").status_code == 405


def test_a_link_on_which_many_cards_are_tried_is_closed_for_the_day(
    phone: Phone, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charges, "MAX_A_DAY", 2)
    phone.press_another_card()
    phone.press_another_card()

    for path in ("/card", "/again"):
        page = phone.post(path, amount=phone.cents)
        assert (page.status_code, LinkCharge.objects.count()) == (429, 2)
        assert "too many tries with this link today" in words(page)
    time.now += timedelta(days=1)

    assert phone.press_another_card()


def test_no_token_reaches_the_log_when_a_page_is_refused_or_breaks(
    phone: Phone, time: Time, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at(phone, time, timedelta(days=40))
    broken = Client(raise_request_exception=False)
    monkeypatch.setattr(views, "fix", lambda *_, **__: 1 / 0)
    assert broken.get(phone.address).status_code == 500

    assert [record.getMessage() for record in caplog.records if record.name == "django.request"] == [
        f"Gone: /p/{phone.link.practice.slug}/[link]",
        f"Internal Server Error: /p/{phone.link.practice.slug}/[link]",
    ]
    assert link_token(phone.link.nonce) not in caplog.text
