"""A cardholder's bank disputes a payment: it appears by itself, autopay waits, evidence is chosen, and it is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.books import Books, until
from tests.browser.desk import Desk
from tests.browser.people import Maker

# Nobody else's here: a dispute holds autopay of every card with the number.
NUMBER = "5555555555554444"


def test_a_dispute_is_seen_answered_and_lost(desk: Callable[[str], Desk], maker: Maker, books: Books) -> None:
    staff = desk("admin")
    page = staff.page
    staff.go("/payments/disputes/")
    staff.eyes.look(page, "disputes-empty")
    person = maker.person("Dita")
    maker.attach(person, NUMBER)
    patient_id = maker.id_of(person)
    maker.until_says(f"/communication/{patient_id}/plans/", "read back")
    charge = books.charges(patient_id)[0]["id"]
    dispute = books.processor("disputes/open", charge=charge, reason="unrecognized")["id"]
    until("the dispute", lambda: _says(staff, "/payments/disputes/?filter=open", "Dita"))
    staff.eyes.look(page, "disputes")

    page.get_by_role("row").filter(has_text="Dita").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1, name="Dispute of $100.00")).to_be_visible()
    staff.eyes.look(page, "dispute")
    _download_evidence(page)
    staff.go(f"/communication/{patient_id}/plans/")
    expect(page.get_by_text("Autopay is held.")).to_be_visible()
    staff.eyes.look(page, "dispute-plan")

    books.processor(f"disputes/{dispute}/finish", status="lost")
    until("the loss", lambda: _says(staff, "/payments/disputes/?filter=lost", "Dita"))
    page.get_by_role("row").filter(has_text="Dita").get_by_role("link").first.click()
    until("its steps", lambda: _again(page, "was taken back by the bank"))
    staff.eyes.look(page, "dispute-lost")
    page.get_by_role("link", name="Release autopay").click()
    page.get_by_role("button", name="Let autopay go on").click()
    expect(page.get_by_text("Say why autopay may go on.")).to_be_visible()
    staff.eyes.look(page, "dispute-release")
    page.get_by_label("Why may autopay go on?").fill("She called: her son did not know of it")
    page.keyboard.press("Enter")
    expect(page.get_by_text("released autopay")).to_be_visible()
    staff.eyes.trouble = [one for one in staff.eyes.trouble if "422" not in one]
    staff.eyes.are_content()


def _says(staff: Desk, path: str, words: str) -> bool:
    staff.go(path)
    return words in staff.page.locator("#main").inner_text()


def _again(page: Page, words: str) -> bool:
    page.reload()
    return words in page.locator("#main").inner_text()


def _download_evidence(page: Page) -> None:
    """What tells of treatment stays out unless it is ticked."""
    with page.expect_download() as paper:
        page.get_by_role("button", name="Download PDF").press("Enter")
    assert Path(paper.value.path()).read_bytes().startswith(b"%PDF-")
    page.get_by_label("Ledger read-back").check()
    with page.expect_download() as data:
        page.get_by_role("button", name="Download JSON").click()
    found = json.loads(Path(data.value.path()).read_bytes())
    assert [part["part"] for part in found["parts"]] == ["payment", "consent", "schedule", "messages", "ledger"]
    assert found["contains_health_information"] is True
