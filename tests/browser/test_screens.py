"""Every staff screen at both widths: axe, the console, sideways scrolling. SCREENSHOTS=DIR keeps the pictures."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import AT_BOTH_WIDTHS, Screen
from tests.browser.desk import Desk
from tests.browser.people import Cast

FILTERS = ("all", "autopay", "no_card", "overdue", "failed", "held", "closed", "insurance")
TABS = {"overview": "", **{name: f"{name}/" for name in ("payments", "plans", "cards", "messages", "activity")}}


@AT_BOTH_WIDTHS
def test_every_staff_page_is_sound(screen: Screen, desk: Callable[[str], Desk], cast: Cast) -> None:
    staff = desk("admin")
    staff.eyes.expected += ["/nowhere"]
    for name, path in _pages(cast).items():
        staff.go(path)
        staff.eyes.look(staff.page, name)

    staff.eyes.are_content()


def _pages(cast: Cast) -> dict[str, str]:
    paid, failed, cardless = (f"/communication/{cast.ids[name]}/" for name in ("Paula", "Fay", "Cora"))
    return {
        "dashboard": "/dashboard/",
        "dashboard-closed": "/dashboard/?filter=closed",
        "communication": "/communication/",
        "communication-nobody": "/communication/?q=nobody+at+all",
        **{f"patient-{name}": paid + path for name, path in TABS.items()},
        **{f"failed-{name}": failed + TABS[name] for name in ("overview", "payments", "plans", "messages")},
        **{f"cardless-{name}": cardless + TABS[name] for name in ("plans", "cards", "messages")},
        **{f"plans-{name}": f"/plans/?filter={name}" for name in FILTERS},
        "payments": "/payments/",
        "payments-filtered": "/payments/?filter=paid&by=autopay&least=1&since=2020-01-01",
        "needs-posting": "/payments/needs-posting/",
        "terminals": "/terminals/",
        "settings-terminals": "/settings/payments/terminals/",
        "settings-location": "/settings/payments/terminals/locations/add/",
        "reports-settlement": "/reports/settlement/",
        "reports-payouts": "/reports/payouts/",
        "settings-general": "/settings/payments/general/",
        "settings-templates": "/settings/payments/plan-templates/",
        "settings-opendental": "/settings/open-dental/",
        "not-found": "/nowhere/",
    }


@AT_BOTH_WIDTHS
def test_every_drawer_menu_and_dialog_is_sound(screen: Screen, desk: Callable[[str], Desk], cast: Cast) -> None:
    staff = desk("admin")
    for name, (path, opens) in _openings(cast).items():
        staff.go(path)
        opens(staff.page)
        staff.eyes.look(staff.page, name)

    staff.eyes.are_content()


def _openings(cast: Cast) -> dict[str, tuple[str, Callable[[Page], None]]]:
    paid, failed, cardless = (f"/communication/{cast.ids[name]}/plans/" for name in ("Paula", "Fay", "Cora"))
    return {
        "drawer-no-card-yet": (cardless, _drawer("Attach a card to plan")),
        "drawer-change-card": (paid, _drawer("Change card")),
        "drawer-stop-autopay": (paid, _drawer("Stop autopay")),
        "drawer-pay-now": (failed, _drawer("Pay Now")),
        "drawer-plan": ("/plans/", _drawer("Example,")),
        "drawer-attempt": (f"/communication/{cast.ids['Paula']}/payments/", _first_of_table),
        "drawer-remove-card": (f"/communication/{cast.ids['Paula']}/cards/", _drawer("Remove")),
        "menu": (paid, _menu),
        "drawer-receipt": (paid, _from_menu("Receipt")),
        "drawer-history": (failed, _from_menu("History")),
        "drawer-register": ("/terminals/", _drawer("Register a terminal")),
        "drawer-rename": ("/terminals/", _drawer("Rename")),
        "drawer-retire": ("/terminals/", _drawer("Retire")),
        "clock": ("/communication/", _clock),
        "keyboard-help": ("/communication/", _help),
        "search-results": ("/communication/", _search),
    }


def _drawer(link: str) -> Callable[[Page], None]:
    def opens(page: Page) -> None:
        page.get_by_role("link", name=link).first.click()
        expect(page.get_by_role("dialog").get_by_role("heading", level=1)).to_be_visible()

    return opens


def _first_of_table(page: Page) -> None:
    page.locator("tbody a.name").first.click()
    expect(page.get_by_role("dialog").get_by_role("heading", level=1)).to_be_visible()


def _menu(page: Page) -> None:
    page.get_by_role("button", name="Actions for").first.click()
    expect(page.get_by_role("menu")).to_be_visible()


def _from_menu(item: str) -> Callable[[Page], None]:
    def opens(page: Page) -> None:
        _menu(page)
        page.get_by_role("menuitem", name=item).click()
        expect(page.get_by_role("dialog").get_by_role("heading", level=1)).to_be_visible()

    return opens


def _clock(page: Page) -> None:
    page.get_by_role("button", name="Sandbox clock").click()
    expect(page.get_by_role("button", name="+1 month")).to_be_visible()


def _help(page: Page) -> None:
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()


def _search(page: Page) -> None:
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    page.keyboard.type("Example")
    expect(page.get_by_role("option").first).to_be_visible()


@AT_BOTH_WIDTHS
def test_the_doors_are_sound(screen: Screen, cast: Cast) -> None:
    """Sign-in, a refused sign-in, what a role may not see, and the menu that a narrow screen folds away."""
    eyes, web = screen.eyes(), screen.stack.urls["web"]
    # A refused form answers 422.
    eyes.expected += ["/sign-in/"]
    page = eyes.context.new_page()
    page.goto(f"{web}/sign-in/")
    eyes.look(page, "sign-in")
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    eyes.look(page, "sign-in-refused")

    eyes.are_content()
