"""Templates: strict rendering, sizes as carriers bill them, a linter that stops what must not go out, versions."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from notifications import defaults, lint, segments, templates, variables
from notifications.defaults import TemplateText
from notifications.models import Channel, Kind, Template
from notifications.render import UnableToRender, render
from notifications.variables import Value
from practices.models import Practice
from tests import factories

NOON = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
SMS, EMAIL, FAILED = Channel.SMS, Channel.EMAIL, Kind.PAYMENT_FAILED
GOOD = "{Practice Name}: declined. {Link to Pay} Reply STOP to opt out."


def findings(practice: Practice, body: str, channel: str = SMS, kind: str = FAILED, subject: str = "") -> list[str]:
    shown = templates.preview(practice, kind, channel, "en", TemplateText(subject, body))
    return [f"{finding.level}: {finding.text}" for finding in shown.findings]


def test_rendering_puts_in_values_and_dates_in_the_readers_language() -> None:
    text = TemplateText("{Transaction Amount}", "Due { Payment Due Date }.")
    values: dict[str, Value] = {"Transaction Amount": "$5.00", "Payment Due Date": date(2026, 1, 2)}

    assert render(text, values, "en") == TemplateText("$5.00", "Due Jan 2, 2026.")
    assert render(text, values, "es").body == "Due 2 ene 2026."


@pytest.mark.parametrize("values", [{}, {"Transaction Amount": ""}])
def test_rendering_refuses_a_variable_without_a_value(values: dict[str, str]) -> None:
    with pytest.raises(UnableToRender, match="Transaction Amount"):
        render(TemplateText("", "Pay {Transaction Amount}"), values, "en")


def test_a_value_that_looks_like_a_variable_is_left_as_it_is() -> None:
    assert render(TemplateText("", "Hi {Patient Name}"), {"Patient Name": "{Link to Pay}"}, "en").body == (
        "Hi {Link to Pay}"
    )


def test_a_line_break_in_a_value_never_reaches_the_subject() -> None:
    text = render(TemplateText("For {Patient Name}", "x"), {"Patient Name": "Ana\r\nBcc: eve@example.com"}, "en")

    assert text.subject == "For Ana  Bcc: eve@example.com"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("GSM-7", 0, 1)),
        ("a" * 160, ("GSM-7", 160, 1)),
        ("a" * 161, ("GSM-7", 161, 2)),
        ("a" * 306, ("GSM-7", 306, 2)),
        ("a" * 307, ("GSM-7", 307, 3)),
        ("€" * 80, ("GSM-7", 160, 1)),
        ("€" * 81, ("GSM-7", 162, 2)),
        # An escape pair is not cut in two: 153 leaves one place unused in each part.
        ("€" * 153, ("GSM-7", 306, 3)),
        ("ñ" * 160, ("GSM-7", 160, 1)),
        ("á" * 70, ("UCS-2", 70, 1)),
        ("á" * 71, ("UCS-2", 71, 2)),
        ("á" * 134, ("UCS-2", 134, 2)),
        ("á" * 135, ("UCS-2", 135, 3)),
        ("🦷" * 35, ("UCS-2", 70, 1)),
        ("🦷" * 67, ("UCS-2", 134, 3)),
    ],
)
def test_segments_are_counted_as_carriers_bill_them(text: str, expected: tuple[str, int, int]) -> None:
    size = segments.count(text)

    assert (size.encoding, size.units, size.count) == expected


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("channel", [SMS, EMAIL])
@pytest.mark.parametrize("kind", sorted({kind for page in defaults.PAGES.values() for kind in page}))
def test_every_default_text_passes_the_linter_without_a_block(
    kind: str, channel: str, language: str, settings: pytest.FixtureRequest
) -> None:
    settings.BASE_URL = "https://pay.example.com"  # type: ignore[attr-defined]
    practice = Practice(slug="maple-grove", name="Maple Grove Dental", phone="(555) 555-0100")

    shown = templates.preview(practice, kind, channel, language, defaults.default(kind, channel, language))

    assert not lint.is_blocked(shown.findings), shown.findings
    assert "{" not in shown.body
    if shown.segments:
        assert (shown.segments.encoding, shown.segments.count) == ("GSM-7", 1)


def test_the_linter_says_ready_when_nothing_is_wrong() -> None:
    assert findings(Practice(slug="m", name="Maple"), GOOD) == ["ok: Ready to send."]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (GOOD.replace("{Link to Pay}", ""), "block: {Link to Pay} is missing: the message needs it."),
        (GOOD + " {Tooth Number}", "block: {Tooth Number} is not a variable of this message."),
        (GOOD + "{Birth Date}", "block: {Birth Date} is not a variable of this message."),
        (GOOD + " For your root canal.", "block: Tells about health: root canal. Say it in person or on the page."),
        (GOOD + " Su endodoncia.", "block: Tells about health: endodoncia. Say it in person or on the page."),
        (GOOD.replace("STOP", "no"), "block: Say how to opt out: add “Reply STOP to opt out.”"),
        (GOOD.replace("{Practice Name}", "Us"), "warn: Say who writes: add {Practice Name}."),
        (GOOD + " {", "block: A brace { or } stands alone: use the buttons to put in a variable."),
    ],
)
def test_the_linter_finds(body: str, expected: str) -> None:
    assert findings(Practice(slug="m", name="Maple"), body) == [expected]


def test_the_linter_lets_filling_out_a_form_pass_and_warns_about_health_in_e_mail() -> None:
    practice = Practice(slug="m", name="Maple")

    assert findings(practice, GOOD + " Thanks for filling out the form.") == ["ok: Ready to send."]
    assert findings(practice, "Your crown. {Link to Pay}", channel=EMAIL, subject="Crown") == [
        "warn: Tells about health: crown. Say it in person or on the page."
    ]


def test_more_than_one_segment_warns_and_more_than_two_block() -> None:
    practice = Practice(slug="m", name="Maple")
    used = segments.count(templates.preview(practice, FAILED, SMS, "en", TemplateText("", GOOD)).body).units

    assert findings(practice, GOOD + "x" * (160 - used)) == ["ok: Ready to send."]
    assert findings(practice, GOOD + "x" * (161 - used)) == ["warn: 2 segments with sample values (161 characters)."]
    assert findings(practice, GOOD + "x" * (307 - used)) == ["block: 3 segments with sample values (307 characters)."]
    [accents] = findings(practice, GOOD + " está")
    assert accents == f"warn: 2 segments with sample values ({used + 5} characters). Letters that take double room: á"


def test_an_empty_text_and_an_empty_subject_are_blocked() -> None:
    assert "block: The subject is empty." in findings(Practice(slug="m"), "x {Link to Pay}", channel=EMAIL)
    assert "block: The text is empty." in findings(Practice(slug="m"), " ", channel=EMAIL, subject="x")


def test_the_preview_of_an_unknown_variable_shows_it_in_braces() -> None:
    shown = templates.preview(
        Practice(slug="m", name="Maple"), FAILED, SMS, "en", TemplateText("", "{Nope} {Card Last 4}")
    )

    assert shown.body == "{Nope} 4242 Code 483 201"


def test_the_e_mailed_copy_of_a_consent_needs_its_exact_words() -> None:
    assert variables.required(Kind.CONSENT_COPY, EMAIL) == (variables.Variable.CONSENT_TEXT,)
    assert variables.required(Kind.CONSENT_COPY, SMS) == ()


def test_saving_keeps_every_version_and_the_newest_is_in_force(practice: Practice) -> None:
    user = factories.UserFactory.create()
    assert templates.current(practice.pk, FAILED, SMS, "en").version == 0

    templates.save_version(practice, FAILED, SMS, "en", TemplateText("", GOOD + " One."), user=user, now=NOON)
    templates.save_version(practice, FAILED, SMS, "en", TemplateText("", GOOD + " Two."), user=user, now=NOON)

    assert templates.current(practice.pk, FAILED, SMS, "en") == TemplateText("", GOOD + " Two.", 2)
    assert templates.current(practice.pk, FAILED, SMS, "es").version == 0
    history = [(row.version, row.saved_by) for row in templates.versions(practice.pk, FAILED, SMS, "en")]
    assert history == [(2, user), (1, user)]


def test_a_text_with_a_block_is_not_saved(practice: Practice) -> None:
    with pytest.raises(templates.UnableToSaveTemplate, match="missing") as refusal:
        templates.save_version(practice, FAILED, SMS, "en", TemplateText("", "Pay!"), user=None, now=NOON)

    assert [finding.level for finding in refusal.value.findings] == ["block", "block"]
    assert Template.objects.count() == 0


def test_reset_puts_the_default_back_as_a_new_version(practice: Practice) -> None:
    templates.save_version(practice, FAILED, SMS, "en", TemplateText("", GOOD), user=None, now=NOON)

    templates.reset_to_default(practice, FAILED, SMS, "en", user=None, now=NOON)

    assert templates.current(practice.pk, FAILED, SMS, "en").body == defaults.default(FAILED, SMS, "en").body
    assert templates.versions(practice.pk, FAILED, SMS, "en").count() == 2
