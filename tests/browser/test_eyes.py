"""Control: what the other tests rely on is seen when it is there."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NARROW, Screen

FAULTY = """<!doctype html><html lang="en"><title>Faulty</title><main><h1>Faulty</h1>
<input name="nameless"><p style="width: 2000px">Far too wide</p></main></html>"""


@NARROW
def test_a_nameless_field_a_wide_paragraph_and_a_console_error_are_noticed(screen: Screen) -> None:
    eyes = screen.eyes()
    page = eyes.context.new_page()
    page.set_content(FAULTY)
    page.evaluate("console.error('something broke')")

    eyes.look(page, "control")

    with pytest.raises(AssertionError) as noticed:
        eyes.are_content()
    told = str(noticed.value)
    assert [words in told for words in ("something broke", "axe label (critical)", "Far too wide")] == [True] * 3
