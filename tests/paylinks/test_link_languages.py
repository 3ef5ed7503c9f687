"""Patient pages speak English and Spanish, and keep consents in the language they were read in."""

from __future__ import annotations

import gettext
import re

from django.test import Client

from cards.models import Consent
from paylinks import reasons
from tests.outside import ROOT
from tests.paylinks.conftest import Phone, Workers, words


def test_a_spanish_speaker_sees_spanish_and_a_choice_on_the_page_wins(phone: Phone) -> None:
    phone.link.patient.language = "spa"
    phone.link.patient.save()

    spanish = phone.get()
    assert "Su pago no se realizó" in words(spanish)
    assert "10 de marzo de 2026" in words(spanish)
    assert "Autorizo a Maple Grove Dental a cobrar $128.60" in words(spanish)
    assert (spanish["Content-Language"], 'lang="es"' in spanish.content.decode()) == ("es", True)

    phone.client.post("/i18n/setlang/", {"language": "en", "next": phone.address})
    assert "Your payment did not go through" in words(phone.get())


def test_a_phone_that_asks_for_spanish_gets_spanish_and_the_consent_is_kept_in_it(
    phone: Phone, workers: Workers
) -> None:
    spanish = Client(headers={"Accept-Language": "es-MX,es;q=0.9"})
    spanish.post(f"{phone.address}/again", {"amount": phone.cents})
    workers.work()

    consent = Consent.objects.get(kind="ONE_CHARGE")
    assert consent.language == "es"
    assert consent.text == "Autorizo a Maple Grove Dental a cobrar $128.60 a mi tarjeta Visa 4242 una vez, ahora."


def test_every_sentence_of_the_patient_pages_has_its_spanish() -> None:
    """What makemessages would find in the patient's templates and modules is in the catalog, translated."""
    with (ROOT / "locale/es/LC_MESSAGES/django.mo").open("rb") as compiled:
        catalog = gettext.GNUTranslations(compiled)
    known = set(catalog._catalog)  # type: ignore[attr-defined]
    asked = set(reasons._REASONS.values()) | {reasons._GENERAL}
    for page in (ROOT / "templates/patient").glob("*.html"):
        asked |= set(re.findall(r'{% translate "([^"]+)"', page.read_text()))
        for block in re.findall(r"{% blocktranslate[^%]*%}(.*?){% endblocktranslate", page.read_text(), re.DOTALL):
            asked.add(re.sub(r"{{ (\w+) }}", r"%(\1)s", block.strip()))

    for name in (
        "payments/plain_words",
        "payments/receipts",
        "payments/receipt_paper",
        "paylinks/choices",
        "paylinks/my_plan",
        "paylinks/receipt_forms",
        "paylinks/request_pages",
        "paylinks/request_views",
    ):
        asked |= set(re.findall(r'_\("([^"]+)"\)', (ROOT / f"{name}.py").read_text()))

    assert len(asked) > 100
    assert asked - known == set()
