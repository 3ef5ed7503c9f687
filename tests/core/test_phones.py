"""Phone numbers come out in one form, or not at all."""

from __future__ import annotations

import pytest

from core.phones import normalize


@pytest.mark.parametrize(
    "text",
    ["(212) 555-0142", "212-555-0142", "2125550142", "1 212 555 0142", "+1 (212) 555-0142", " 212.555.0142 ",
     "12125550142"],
)  # fmt: skip
def test_one_phone_has_one_form_however_it_was_typed(text: str) -> None:
    assert normalize(text) == "+12125550142"


def test_fictional_numbers_are_accepted_in_any_area_code() -> None:
    assert normalize("(555) 555-0199") == "+15555550199"


@pytest.mark.parametrize(
    "text",
    ["", "none", "555-0142", "12", "0000000000", "(112) 555-0142", "(555) 555-0242", "+44 20 7946 0018",
     "(212) 555-0142 x3", "212-555-01422", "call mom"],
)  # fmt: skip
def test_what_takes_no_texts_has_no_form(text: str) -> None:
    assert normalize(text) is None
