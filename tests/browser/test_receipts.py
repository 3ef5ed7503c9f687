"""A receipt as people file it: on the screen, on paper, by a link on the phone; and the drawer at the day's end."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pypdf
from playwright.sync_api import Page, expect

from tests.browser.books import Books, Person, until
from tests.browser.conftest import SIZES
from tests.browser.desk import Desk
from tests.browser.eyes import Eyes, save
from tests.browser.people import Maker
from tests.browser.phone import Phone


def test_a_receipt_is_filed_sent_opened_with_a_birth_date_and_the_drawer_adds_up(
    desk: Callable[[str], Desk], phone: Phone, maker: Maker, books: Books
) -> None:
    person = maker.person("Reese", days=9)
    for fee, code in ((85, 2), (40, 1)):
        books.desk("procedures", PatNum=person.pat_num, ProcFee=fee, ProcStatus="C", CodeNum=code)
    staff = desk("desk")
    page = staff.page

    _sell(staff, maker.id_of(person))
    _take(page, "20", "Check", "1044")
    _take(page, "100", "Cash")
    page.get_by_role("link", name="Receipt").last.click()
    sheet = page.get_by_role("article", name="Receipt")
    expect(sheet).to_contain_text("Left to pay of $125.00")
    _look(staff.eyes, page, "receipt")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    save(page, "receipt-printed-1280")
    page.emulate_media(media="screen")
    assert "Paid $100.00" in _paper(page, "PDF", "receipt")

    page.get_by_role("link", name="Send receipt").click()
    expect(page.get_by_role("dialog").get_by_role("radio", name="Text to")).to_be_checked()
    _look(staff.eyes, page, "receipt-send")
    page.get_by_role("button", name="Send receipt").dblclick(no_wait_after=True)
    expect(page.get_by_text("The receipt is on its way by text")).to_be_visible()

    _open_on_the_phone(phone, person)
    assert len([text for text in books.texts(person.phone) if "receipt: " in text]) == 1

    staff.go("/reports/drawer/?opening=50")
    expect(page.get_by_text("Expected in the drawer")).to_be_visible()
    _look(staff.eyes, page, "drawer")
    page.emulate_media(media="print")
    save(page, "drawer-printed-1280")
    page.emulate_media(media="screen")
    assert "Expected in the drawer" in _paper(page, "PDF", "drawer")
    staff.eyes.are_content()
    phone.eyes.are_content()


def _sell(staff: Desk, patient_id: int) -> None:
    page = staff.page
    staff.go(f"/communication/{patient_id}/process-payment/")
    until("the account", lambda: _reads_account(page, "$125.00"))
    page.get_by_role("button", name="Show how it is allocated").click()


def _take(page: Page, dollars: str, kind: str, number: str = "") -> None:
    page.get_by_role("radio", name="Cash, check or other").check()
    page.get_by_label("Payment type in Open Dental").select_option(label=kind)
    page.get_by_label("Check number").fill(number)
    page.get_by_label("Amount, in dollars").fill(dollars)
    page.get_by_role("button", name="Take $").click()
    expect(page.get_by_text(f"${dollars}.00 taken: {kind}")).to_be_visible()


def _reads_account(page: Page, owed: str) -> bool:
    expect(page.get_by_role("radio", name="Patient balance")).to_be_checked()
    if owed in page.locator("#main").inner_text():
        return True
    page.reload()
    return False


def _open_on_the_phone(phone: Phone, person: Person) -> None:
    page = phone.tap_link(person)
    page.set_viewport_size({"width": 390, "height": 844})
    phone.eyes.label = "390"
    # A wrong date answers 422.
    phone.eyes.expected.append("/receipt")
    expect(page.locator(".amount")).to_have_text("$100.00")
    phone.eyes.look(page, "phone-receipt-ask")
    _born(page, "1985")
    expect(page.get_by_role("alert")).to_contain_text("Tries left: 4.")
    phone.eyes.look(page, "phone-receipt-wrong")
    _born(page, "1986")
    expect(page.get_by_role("heading", name="For Reese Example")).to_be_visible()
    phone.eyes.look(page, "phone-receipt")
    assert "For Reese Example" in _paper(page, "Download as PDF", "receipt-phone", role="button")
    page.get_by_role("button", name="Español").click()
    expect(page.get_by_role("heading", name="Su recibo")).to_be_visible()
    phone.eyes.look(page, "phone-receipt-ask-es")


def _born(page: Page, year: str) -> None:
    for label, value in (("Month", "3"), ("Day", "14"), ("Year", year)):
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Show the receipt").click()


def _look(eyes: Eyes, page: Page, name: str) -> None:
    """At both widths."""
    for label, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        eyes.label = label
        eyes.look(page, name)
    width, height = SIZES["1280"]
    page.set_viewport_size({"width": width, "height": height})


def _paper(page: Page, name: str, file: str, *, role: str = "link") -> str:
    """The words of the PDF behind a link or button; the file goes where the pictures go."""
    with page.expect_download() as started:
        page.get_by_role(role, name=name).click()  # type: ignore[arg-type]
    content = Path(started.value.path()).read_bytes()
    if folder := os.environ.get("SCREENSHOTS"):
        (Path(folder) / f"{file}.pdf").write_bytes(content)
    return "\n".join(one.extract_text() for one in pypdf.PdfReader(BytesIO(content)).pages)
