"""Finding a patient: by name, phone, birth date, PatNum, last four digits of a card."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from patients import search
from patients.models import Patient
from practices import tenancy
from practices.models import Practice
from tests import factories
from tests.staff.conftest import HTMX
from tests.staff.making import patient


@pytest.fixture
def people(practice: Practice) -> dict[str, Patient]:
    ana = patient(practice, pat_num=72, mobile_phone="+15555550142", birth_date=date(1986, 3, 14))
    ben = patient(
        practice, pat_num=4242, first_name="Ben", last_name="Placeholder", preferred_name="Benny",
        mobile_phone="", home_phone="+15555550177", birth_date=date(2012, 5, 4),
    )  # fmt: skip
    omar = patient(
        practice, pat_num=81, first_name="Omar", last_name="Testwell", mobile_phone="+15555550181",
        birth_date=date(1970, 12, 1),
    )  # fmt: skip
    factories.CardFactory.create(patient=omar, last4="4242")
    factories.CardFactory.create(patient=ana, last4="0007", state="REMOVED", is_primary=False)
    return {"ana": ana, "ben": ben, "omar": omar}


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("ana", ["ana"]),
        ("SAMPLE", ["ana"]),
        ("ortiz ana", ["ana"]),
        ("Placeholder, Ben", ["ben"]),
        ("benny", ["ben"]),
        ("(555) 555-0142", ["ana"]),
        ("+1 555 555 0142", ["ana"]),
        ("0177", ["ben"]),
        ("3/14/1986", ["ana"]),
        ("1986-03-14", ["ana"]),
        ("05/04/12", ["ben"]),
        ("72", ["ana"]),
        ("4242", ["ben", "omar"]),
        ("0007", []),
        ("nobody", []),
        ("%", []),
        ("'; drop table", []),
        ("   ", []),
        ("9" * 40, []),
    ],
)
def test_a_patient_is_found_by(typed: str, names: list[str], practice: Practice, people: dict[str, Patient]) -> None:
    found = search.find(practice, typed)

    assert list(found) == [people[name] for name in names]


def test_who_is_gone_from_open_dental_is_not_found(practice: Practice, people: dict[str, Patient]) -> None:
    Patient.objects.filter(pk=people["ana"].pk).update(gone_at=factories.LONG_AGO)

    assert list(search.find(practice, "ana")) == []


def test_a_card_of_another_practice_finds_nobody(practice: Practice, people: dict[str, Patient]) -> None:
    other = factories.PracticeFactory.create()
    with tenancy.scope(other.pk):
        factories.CardFactory.create(patient=patient(other, pat_num=9), last4="1881")

    assert list(search.find(practice, "1881")) == []


def test_results_appear_while_typing(desk: Client, people: dict[str, Patient]) -> None:
    page = desk.get("/communication/results/?q=sampl", headers=HTMX).content.decode()

    assert page.count('role="option"') == 1
    assert f'data-href="/communication/{people["ana"].pk}/"' in page
    assert "PatNum 72" in page


def test_one_letter_is_not_yet_searched(desk: Client, people: dict[str, Patient]) -> None:
    assert desk.get("/communication/results/?q=a", headers=HTMX).content.decode().strip() == ""


def test_nothing_found_says_what_to_try(desk: Client, people: dict[str, Patient]) -> None:
    page = desk.get("/communication/results/?q=zzz", headers=HTMX).content.decode()

    assert "Nobody matches" in page
    assert "data-href" not in page


def test_what_is_typed_is_shown_as_text(desk: Client, people: dict[str, Patient]) -> None:
    page = desk.get("/communication/", {"q": "<script>alert(1)</script>"}).content.decode()

    assert "<script>alert" not in page
    assert "Nobody matches" in page


def test_the_directory_lists_everybody_by_name(desk: Client, people: dict[str, Patient]) -> None:
    page = desk.get("/communication/").content.decode()

    assert page.index("Placeholder, Ben") < page.index("Sample-Ortiz, Ana") < page.index("Testwell, Omar")
    assert "3 in all" in page


def test_pages_of_the_directory_keep_the_search(desk: Client, practice: Practice) -> None:
    for number in range(51):
        patient(practice, pat_num=1000 + number, last_name="Sameness")

    first = desk.get("/communication/?q=sameness").content.decode()
    last = desk.get("/communication/?q=sameness&page=2").content.decode()

    assert "?q=sameness&amp;page=2" in first
    assert "1–50 of 51" in first
    assert "51–51 of 51" in last


@pytest.mark.parametrize("page", ["0", "-1", "999", "x"])
def test_a_page_that_does_not_exist_shows_a_real_one(desk: Client, people: dict[str, Patient], page: str) -> None:
    assert desk.get(f"/communication/?page={page}").status_code == 200


def test_an_empty_practice_is_told_where_patients_come_from(desk: Client) -> None:
    page = desk.get("/communication/").content.decode()

    assert "No patients yet" in page
    assert "/settings/open-dental/" in page
