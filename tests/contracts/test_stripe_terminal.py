"""The sandbox Stripe's locations and readers, spoken to by the official library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contracts.stripe_desk import ADDRESS, Desk, open_desk, refused
from tests.contracts.stripe_world import World, fresh, shared


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


@pytest.fixture
def desk(shop: World) -> Desk:
    return open_desk(shop)


def test_a_location_is_made_changed_listed_and_deleted(shop: World) -> None:
    calls = shop.api.terminal.locations
    made = calls.create({"display_name": "North", "address": ADDRESS, "metadata": {"clinic": "1"}})
    assert (made.id[:4], made.display_name, made.address.to_dict(), made.metadata.to_dict(), made.livemode) == (
        "tml_",
        "North",
        {**ADDRESS, "line2": None},
        {"clinic": "1"},
        False,
    )
    calls.update(made.id, {"display_name": "South", "address": {"line1": "2 Sample Street"}})
    found = calls.retrieve(made.id)
    assert (found.display_name, found.address.line1, found.address.city) == ("South", "2 Sample Street", "Springfield")
    assert [row.id for row in calls.list().data] == [made.id]
    assert calls.delete(made.id).deleted is True
    assert calls.retrieve(made.id).to_dict() == {"id": made.id, "object": "terminal.location", "deleted": True}
    assert calls.list().data == []


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"display_name": None}, "parameter_missing", "display_name"),
        ({"address": {**ADDRESS, "postal_code": None}}, "parameter_missing", "address[postal_code]"),
        ({"address": None}, "parameter_missing", "address[country]"),
        ({"address": {**ADDRESS, "country": "ZZ"}}, "terminal_location_country_unsupported", "address[country]"),
    ],
)
def test_a_location_needs_a_name_and_a_whole_address(shop: World, wrong: dict[str, Any], code: str, param: str) -> None:
    params = {"display_name": "North", "address": ADDRESS, **wrong}
    with refused(code, param):
        shop.api.terminal.locations.create({name: value for name, value in params.items() if value})
    assert shop.api.terminal.locations.list().data == []


@pytest.mark.parametrize(
    ("code", "device_type"),
    [("simulated-wpe", "simulated_wisepos_e"), ("simulated-s700", "simulated_stripe_s700")],
)
def test_a_simulated_reader_is_registered_by_its_test_code(shop: World, code: str, device_type: str) -> None:
    desk = open_desk(shop, code)
    reader = desk.reader
    assert (reader.id[:4], reader.device_type, reader.label, reader.location) == (
        "tmr_",
        device_type,
        code,
        desk.location,
    )
    assert (reader.status, reader.action, reader.serial_number.startswith(f"{code}-")) == ("online", None, True)
    now = shop.clock.now().timestamp() * 1000
    assert now - 5000 < reader.last_seen_at <= now + 5000


@pytest.mark.parametrize(("model", "device_type"), [("countertop", "bbpos_wisepos_e"), ("portable", "stripe_s700")])
def test_a_device_is_registered_once_by_the_code_it_shows(shop: World, model: str, device_type: str) -> None:
    device = shop.control("devices", model=model)
    code = device["registration_code"]
    assert len(code.split("-")) == 3
    params = {"registration_code": f" {code.upper()} ", "label": "Front desk"}
    reader = shop.api.terminal.readers.create(params)
    assert (reader.device_type, reader.label, reader.serial_number) == (
        device_type,
        "Front desk",
        device["serial_number"],
    )
    with refused(None, "registration_code"):
        shop.api.terminal.readers.create(params)
    shop.api.terminal.readers.delete(reader.id)
    shown = [row["registration_code"] for row in shop.look("devices") if row["serial_number"] == reader.serial_number]
    assert len(shown) == 1
    assert shown != [code]


def test_a_wrong_code_or_location_registers_nothing(shop: World) -> None:
    with refused(None, "registration_code"):
        shop.api.terminal.readers.create({"registration_code": "no-such-code"})
    with refused("resource_missing", "location"):
        shop.api.terminal.readers.create({"registration_code": "simulated-wpe", "location": "tml_nowhere"})
    assert shop.api.terminal.readers.list().data == []


def test_readers_are_listed_renamed_and_retired(shop: World) -> None:
    desk = open_desk(shop)
    portable = open_desk(shop, "simulated-s700")
    ids = [row.id for row in desk.calls.list().data]
    assert ids == [portable.id, desk.id]
    assert [row.id for row in desk.calls.list({"location": desk.location}).data] == [desk.id]
    assert [row.id for row in desk.calls.list({"device_type": "simulated_stripe_s700"}).data] == [portable.id]
    assert desk.calls.list({"status": "offline"}).data == []
    assert desk.calls.update(desk.id, {"label": "Hygiene", "metadata": {"room": "2"}}).label == "Hygiene"
    assert desk.calls.retrieve(desk.id, {"expand": ["location"]}).location.display_name == "Maple Dental"
    assert desk.calls.delete(desk.id).deleted is True
    assert desk.reader.to_dict() == {"id": desk.id, "object": "terminal.reader", "deleted": True}
    assert [row.id for row in desk.calls.list().data] == [portable.id]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        desk.process(desk.intent())
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_another_account_does_not_see_the_reader(desk: Desk) -> None:
    other = desk.shop.open_account()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        other.api.terminal.readers.retrieve(desk.id)
    assert caught.value.http_status == 404
    assert other.api.terminal.readers.list().data == []


def test_a_reader_without_a_location_takes_no_payment(desk: Desk) -> None:
    desk.api.terminal.locations.delete(desk.location)
    assert desk.reader.location is None
    with refused("terminal_reader_invalid_location_for_payment"):
        desk.process(desk.intent())
    assert desk.reader.action is None
