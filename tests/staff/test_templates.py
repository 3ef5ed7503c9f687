"""Settings → Payment Settings → Payment Plan Templates."""

from __future__ import annotations

from itertools import product

import pytest
from django.core import mail
from django.test import Client

from notifications import defaults
from notifications.defaults import LANGUAGES, PAGES
from notifications.models import Channel, Message, Template
from practices.models import Event, Practice, User
from tests.staff import making
from tests.staff.conftest import HTMX, SignIn
from tests.staff.test_plans_tab import text

URL = "/settings/payments/plan-templates/payment_failed/sms/en/"
MAIL = "/settings/payments/plan-templates/payment_failed/email/en/"
GOOD = "{Practice Name}: {Transaction Amount} was declined. Fix it: {Link to Pay} Reply STOP to opt out."


@pytest.fixture
def manager(sign_in: SignIn) -> Client:
    return sign_in("MANAGER")


def test_the_settings_entry_leads_to_the_first_template(desk: Client) -> None:
    answer = desk.get("/settings/payments/plan-templates/")

    assert answer["Location"] == "/settings/payments/plan-templates/payment_successful/sms/en/"


def test_every_template_opens_ready_to_send(desk: Client) -> None:
    for name, channel, language in product(PAGES, Channel.values, LANGUAGES):
        for kind in PAGES[name]:
            assert_opens_ready(desk, f"/settings/payments/{name}/{kind.lower()}/{channel.lower()}/{language}/")


def assert_opens_ready(desk: Client, url: str) -> None:
    page = desk.get(url).content.decode()

    assert "Default text</strong> <span" in page
    assert 'data-tone="bad"' not in page.partition("<template")[0]


@pytest.mark.parametrize("place", ["nothing/sms/en", "payment_failed/fax/en", "payment_failed/sms/fr"])
def test_a_template_that_does_not_exist_is_not_found(desk: Client, place: str) -> None:
    assert desk.get(f"/settings/payments/plan-templates/{place}/").status_code == 404


def test_the_editor_offers_every_variable_of_the_message(manager: Client) -> None:
    page = manager.get(URL).content.decode()

    for name in (
        "Transaction Amount", "Payment Due Date", "Link to Pay", "Patient Name", "Practice Phone Number",
        "Practice Name", "Card Last 4", "Next Try Date",
    ):  # fmt: skip
        assert f'data-insert="{{{name}}}">{name}</button>' in page
    assert "Consent Text" not in page


def test_a_front_desk_may_read_but_is_offered_no_saving(desk: Client) -> None:
    page = desk.get(URL).content.decode()

    assert "payment failed" in page
    assert "Save version" not in page
    assert desk.post(f"{URL}save/", {"body": GOOD}).status_code == 403
    assert Template.objects.count() == 0


def test_the_preview_follows_what_is_typed_and_counts_segments(manager: Client) -> None:
    page = text(manager.post(f"{URL}preview/", {"body": GOOD}, headers=HTMX).content.decode())

    assert "Maple Grove Dental: $162.50 was declined. Fix it: http://testserver/p/" in page
    assert "1 segment · GSM-7" in page
    assert "Ready to send." in page
    assert Template.objects.count() == 0


def test_a_letter_outside_the_alphabet_is_named(manager: Client) -> None:
    page = text(manager.post(f"{URL}preview/", {"body": f"{GOOD} —"}, headers=HTMX).content.decode())

    assert "UCS-2 because of “—”" in page


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("", "The text is empty."),
        ("{Practice Name}: declined. Reply STOP to opt out.", "{Link to Pay} is missing: the message needs it."),
        (f"{GOOD} {{Favorite Color}}", "{Favorite Color} is not a variable of this message."),
        (f"{GOOD} Your crown is ready.", "Tells about health: crown."),
        (f"{GOOD} }}", "A brace { or } stands alone"),
        (GOOD.replace("Reply STOP to opt out.", ""), "Say how to opt out"),
        (GOOD + " More." * 80, "segments with sample values"),
    ],
)
def test_what_would_not_do_is_named_and_not_saved(manager: Client, body: str, finding: str) -> None:
    preview = text(manager.post(f"{URL}preview/", {"body": body}, headers=HTMX).content.decode())
    answer = manager.post(f"{URL}save/", {"body": body})

    assert finding in preview
    assert answer.status_code == 422
    assert finding in text(answer.content.decode())
    assert Template.objects.count() == 0


def test_saving_makes_a_version_that_is_used_at_once(manager: Client, practice: Practice) -> None:
    answer = manager.post(f"{URL}save/", {"body": GOOD}, follow=True)

    saved = Template.objects.get()
    assert (saved.version, saved.body, saved.saved_by) == (1, GOOD, User.objects.get())
    page = text(answer.content.decode())
    assert "Version 1 is saved and used from now on." in page
    assert "Version 1 In use just now · Dana Desk" in page
    assert "Save version 2" in page


def test_line_ends_of_the_browser_are_not_kept(manager: Client) -> None:
    subject = {"subject": "Your payment"}

    manager.post(f"{MAIL}save/", {**subject, "body": "Dear {Patient Name},\r\n\r\nfix it: {Link to Pay}\r\n"})

    assert Template.objects.get().body == "Dear {Patient Name},\n\nfix it: {Link to Pay}"


def test_an_e_mail_needs_a_subject(manager: Client) -> None:
    answer = manager.post(f"{MAIL}save/", {"subject": "", "body": "Fix it: {Link to Pay}"})

    assert answer.status_code == 422
    assert "The subject is empty." in answer.content.decode()


def test_reset_puts_the_default_back_and_keeps_the_history(manager: Client) -> None:
    manager.post(f"{URL}save/", {"body": GOOD})

    manager.post(f"{URL}reset/")

    assert [row.version for row in Template.objects.order_by("version")] == [1, 2]
    assert Template.objects.get(version=2).body == defaults.default("PAYMENT_FAILED", "SMS", "en").body


def test_a_version_of_one_language_leaves_the_other_alone(manager: Client) -> None:
    manager.post(f"{URL}save/", {"body": GOOD})

    assert "<strong>Version 1</strong>" in manager.get(URL).content.decode()
    assert "<strong>Version 1</strong>" not in manager.get(URL.replace("/en/", "/es/")).content.decode()


def test_a_test_goes_to_who_asks_with_sample_values_only(manager: Client) -> None:
    form = {"subject": "Your payment", "body": "Dear {Patient Name}, fix it: {Link to Pay}", "to": "dana@example.com"}

    page = manager.post(f"{MAIL}test/", form, follow=True).content.decode()

    assert "Sent to dana@example.com, with sample values." in page
    assert [(sent.to, sent.subject) for sent in mail.outbox] == [(["dana@example.com"], "Your payment")]
    assert mail.outbox[0].body.startswith("Dear Testa, fix it: http://testserver/p/")
    assert Message.objects.count() == Template.objects.count() == 0


@pytest.mark.parametrize(
    ("url", "form", "words"),
    [
        (URL, {"body": GOOD, "to": "nobody"}, "“nobody” is not a mobile number."),
        (URL, {"body": GOOD, "to": "+15555550142"}, "Not sent: texting is not connected."),
        (URL, {"body": "no link", "to": "+15555550142"}, "correct what the preview says first"),
        (MAIL, {"subject": "s", "body": "{Link to Pay}", "to": "a@b"}, "“a@b” is not an e-mail address."),
        (MAIL, {"subject": "s", "body": "{Link to Pay}"}, "is not an e-mail address."),
    ],
)
def test_a_test_that_cannot_go_says_why(manager: Client, url: str, form: dict[str, str], words: str) -> None:
    assert words in manager.post(f"{url}test/", form, follow=True).content.decode()
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("url", "page", "kind"),
    [
        ("/settings/payments/templates/", "Payment Templates", "request"),
        ("/settings/payments/plan-templates/", "Payment Plan Templates", "payment_successful"),
    ],
)
def test_each_page_of_the_settings_holds_its_own_kinds(desk: Client, url: str, page: str, kind: str) -> None:
    answer = desk.get(url, follow=True)

    assert answer.request["PATH_INFO"] == f"{url}{kind}/sms/en/"
    assert f"<h1>{page}</h1>" in answer.content.decode()
    assert desk.get(f"{url}written/sms/en/").status_code == 404


def test_a_version_shows_what_it_changed(manager: Client) -> None:
    manager.post(f"{URL}save/", {"body": GOOD})
    manager.post(f"{URL}save/", {"body": GOOD.replace("declined", "refused")})

    page = manager.get(URL).content.decode()

    assert "<del>declined.</del><ins>refused.</ins>" in page


def test_an_earlier_version_is_restored_as_a_new_one_and_the_trail_says_who(manager: Client) -> None:
    newer = GOOD.replace("declined", "refused")
    for body in (GOOD, newer):
        manager.post(f"{URL}save/", {"body": body})

    page = manager.post(f"{URL}restore/", {"version": "1"}, follow=True).content.decode()

    assert "Version 1 is used again, as version 3." in page
    assert [row.body for row in Template.objects.order_by("version")] == [GOOD, newer, GOOD]
    last = Event.objects.order_by("pk")[2]
    assert (last.kind, last.actor) == ("template_saved", f"user:{User.objects.get().pk}")
    assert (last.before["body"], last.after["body"], last.after["version"]) == (newer, GOOD, 3)
    assert manager.post(f"{URL}restore/", {"version": "9"}).status_code == 404


def test_the_preview_takes_a_real_patient_and_says_whether_it_would_reach_them(
    manager: Client, practice: Practice
) -> None:
    person = making.patient(practice, pat_num=72)
    body = GOOD.replace("{Practice Name}", "{Patient Name}, {Practice Name}")

    page = text(manager.post(f"{URL}preview/", {"body": body, "as": "72"}, headers=HTMX).content.decode())
    nobody = text(manager.post(f"{URL}preview/", {"body": body, "as": "99"}, headers=HTMX).content.decode())

    assert f"{person.greeting_name}, Maple Grove Dental: $162.50 was declined." in page
    assert f"as {person.full_name} Would not go this way: texting is not connected." in page
    assert "nobody matches; as Testa" in nobody
    assert Message.objects.count() == 0
