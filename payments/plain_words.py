"""Dental procedure codes in words that a patient understands: our own, for the commonest ones only.

Where a code is not here, what the office calls the work stands on the receipt. Add a code with its Spanish
(locale/es); the official descriptions of the codes belong to their publisher and are not to be copied.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WORDS = {
    "D0120": _("Regular check-up"),
    "D0140": _("Visit to look at one problem"),
    "D0150": _("First full check-up"),
    "D0180": _("Check-up of the gums"),
    "D0210": _("X-rays of the whole mouth"),
    "D0220": _("X-ray of a tooth"),
    "D0230": _("One more x-ray of a tooth"),
    "D0272": _("Two bite x-rays"),
    "D0274": _("Four bite x-rays"),
    "D0330": _("Panoramic x-ray"),
    "D1110": _("Cleaning, adult"),
    "D1120": _("Cleaning, child"),
    "D1206": _("Fluoride varnish"),
    "D1208": _("Fluoride"),
    "D1351": _("Sealant on a tooth"),
    "D2140": _("Silver filling, one surface"),
    "D2150": _("Silver filling, two surfaces"),
    "D2330": _("White filling, front tooth, one surface"),
    "D2331": _("White filling, front tooth, two surfaces"),
    "D2391": _("White filling, back tooth, one surface"),
    "D2392": _("White filling, back tooth, two surfaces"),
    "D2393": _("White filling, back tooth, three surfaces"),
    "D2740": _("Crown, ceramic"),
    "D2750": _("Crown, porcelain on metal"),
    "D2950": _("Build-up under a crown"),
    "D3310": _("Root canal, front tooth"),
    "D3320": _("Root canal, premolar"),
    "D3330": _("Root canal, molar"),
    "D4341": _("Deep cleaning, a quarter of the mouth"),
    "D4342": _("Deep cleaning, one to three teeth"),
    "D4910": _("Gum care cleaning"),
    "D5110": _("Full upper denture"),
    "D5120": _("Full lower denture"),
    "D6010": _("Implant"),
    "D6058": _("Crown on an implant"),
    "D7140": _("Tooth taken out"),
    "D7210": _("Tooth taken out by surgery"),
    "D7240": _("Tooth in the bone taken out"),
    "D8080": _("Braces, teenager"),
    "D8090": _("Braces, adult"),
    "D9110": _("Treatment of pain"),
    "D9230": _("Laughing gas"),
    "D9944": _("Night guard, hard, full arch"),
}


def of(code: str, office_words: str) -> str:
    """What the patient reads, in the language in force: our words, else the office's, else the code itself."""
    return str(WORDS.get(code, "")) or office_words or code
