"""Setting terminals up at the browser: places, pairing codes, names, retiring, defaults."""

from __future__ import annotations

import html
import re
import uuid
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from practices.models import Clinic, Event, Practice
from terminals.models import DefaultReader, Location, Reader, ReaderRun
from tests import factories
from tests.plugins.stripe import Shop
from tests.staff.conftest import HTMX, SignIn
from tests.terminals.conftest import register

ADDRESS = {"name": "Maple East", "line1": "2 Sample Street", "city": "Albany", "state": "NY", "postal_code": "12207"}
ADD = "/settings/payments/terminals/locations/add/"


def filled(**more: Any) -> dict[str, Any]:
    return {"token": str(uuid.uuid4()), **more}


def words(answer: Any) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split()))


def at_processor(shop: Shop, what: str) -> list[dict[str, Any]]:
    answer = shop.process.http.get(f"/v1/terminal/{what}", auth=(shop.account.secret_key, ""))
    found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]
    return found


def test_a_place_is_added_changed_and_removed_there_and_here(admin: Client, practice: Practice, shop: Shop) -> None:
    assert "No terminal yet" in words(admin.get("/terminals/"))
    clinic = Clinic.objects.create(practice=practice, clinic_num=7, name="East")
    form = filled(clinic=clinic.pk, **ADDRESS)
    assert [admin.post(ADD, form).status_code for _ in range(2)] == [302, 422], "the second click adds nothing"
    place = Location.objects.get()
    assert (place.clinic, [one["display_name"] for one in at_processor(shop, "locations")]) == (clinic, ["Maple East"])

    assert admin.post(f"{ADD[:-4]}{place.pk}/", filled(**{**ADDRESS, "city": "Troy"})).status_code == 302
    assert at_processor(shop, "locations")[0]["address"]["city"] == "Troy"
    assert "2 Sample Street, Troy, NY 12207" in words(admin.get("/settings/payments/terminals/"))

    admin.post(f"{ADD[:-4]}{place.pk}/remove/")
    place.refresh_from_db()
    assert (place.removed_at is not None, at_processor(shop, "locations")) == (True, [])
    kinds = Event.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["location_added", "location_changed", "location_removed"]


def test_what_is_wrong_with_a_place_is_said_beside_its_field(admin: Client, shop: Shop) -> None:
    answer = admin.post(ADD, filled(**{**ADDRESS, "postal_code": "1220", "city": "", "state": "XX"}))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert re.findall(r'id="(id_\w+)_error"', page) == ["id_city", "id_state", "id_postal_code"]
    assert (Location.objects.count(), at_processor(shop, "locations")) == (0, [])


def test_a_reader_is_registered_by_its_code_once_however_often_it_is_pressed(
    admin: Client, location: Location, shop: Shop
) -> None:
    code = shop.control("devices", model="portable")["registration_code"]
    wrong = admin.post("/terminals/register/", filled(location=location.pk, code="no such code", label="Room 2"))
    assert (wrong.status_code, "doesn't know this pairing code" in words(wrong)) == (422, True)
    assert re.findall(r'id="(id_\w+)_error"', wrong.content.decode()) == ["id_code"]

    form = filled(location=location.pk, code=f" {code.replace('-', ' ').upper()} ", label="Room 2")
    assert admin.post("/terminals/register/", form).status_code == 302
    again = admin.post("/terminals/register/", form)
    assert (again.status_code, "Another terminal has this name" in words(again)) == (422, True)
    reader = Reader.objects.get()
    assert (reader.label, reader.device_type, reader.model_name) == ("Room 2", "stripe_s700", "Reader S700 (portable)")
    assert [one["label"] for one in at_processor(shop, "readers")] == ["Room 2"]
    page = words(admin.get("/terminals/readers/", headers=HTMX))
    assert ("Ready" in page, "Room 2" in page, f"serial …{reader.serial_end}" in page) == (True, True, True)


def test_a_processor_that_is_away_is_said_and_registers_nothing(admin: Client, location: Location, shop: Shop) -> None:
    shop.fault("POST /v1/terminal/readers", "error_before", times=5)
    answer = admin.post("/terminals/register/", filled(location=location.pk, code="simulated-wpe", label="Room 2"))
    assert (answer.status_code, "Nothing was registered" in words(answer)) == (422, True)
    assert Reader.objects.count() == 0


def test_a_reader_is_renamed_and_retired_but_not_while_a_payment_is_on_it(
    admin: Client, reader: Reader, shop: Shop, practice: Practice
) -> None:
    assert admin.post(f"/terminals/{reader.pk}/rename/", filled(label="Reception")).status_code == 302
    assert at_processor(shop, "readers")[0]["label"] == "Reception"
    admin.post(f"/terminals/{reader.pk}/mine/")
    run = ReaderRun.objects.create(
        practice=practice, due_part=factories.collectable(practice), reader=reader, actor="user:1"
    )
    page = words(admin.get("/terminals/"))
    assert ("Taking a payment" in page, "My default" in page, "Reception" in page) == (True, True, True)

    busy = admin.post(f"/terminals/{reader.pk}/retire/")
    assert (busy.status_code, "wait for its outcome" in words(busy)) == (422, True)
    assert len(at_processor(shop, "readers")) == 1

    run.delete()
    assert admin.post(f"/terminals/{reader.pk}/retire/").status_code == 302
    reader.refresh_from_db()
    assert (reader.state, at_processor(shop, "readers"), DefaultReader.objects.count()) == ("RETIRED", [], 0)
    assert admin.get(f"/terminals/{reader.pk}/rename/").status_code == 404


def test_a_default_is_assigned_to_a_person_and_only_to_readers_of_the_practice(
    admin: Client, desk: Client, sign_in: SignIn, location: Location, reader: Reader, now: datetime, practice: Practice
) -> None:
    other = register(location, "Room 2", now)
    member = practice.memberships.get(role="FRONT_DESK")
    url = "/settings/payments/terminals/defaults/"
    admin.post(url, {"member": member.pk, "reader": other.pk})
    assert DefaultReader.objects.get().reader == other
    page = desk.get("/terminals/").content.decode()
    assert re.findall(r"Make (.+?) my default", page) == ["Front desk"]
    admin.post(url, {"member": member.pk, "reader": 999_999})
    assert DefaultReader.objects.get().reader == other
    admin.post(url, {"member": member.pk, "reader": ""})
    assert DefaultReader.objects.count() == 0


@pytest.mark.parametrize("role", ["FRONT_DESK", "BILLER"])
def test_the_desk_uses_terminals_and_does_not_set_them_up(sign_in: SignIn, reader: Reader, role: str) -> None:
    client = sign_in(role)
    page = client.get("/terminals/").content.decode()
    assert ("Front desk" in page, "Register a terminal" in page, "Retire" in page) == (True, False, False)
    refused = [client.post(f"/terminals/{reader.pk}/{verb}/").status_code for verb in ("rename", "retire")]
    assert (refused, client.post("/terminals/register/").status_code) == ([403, 403], 403)
    assert client.post(f"/terminals/{reader.pk}/mine/").status_code == 302
