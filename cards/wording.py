"""The exact words people agree to. A change of a text is a new version; old records keep the text they were given."""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "2026-12"


@dataclass(frozen=True)
class Terms:
    """What goes into a consent text; money already formatted."""

    practice: str
    phone: str
    card: str
    maximum: str
    schedule: str = ""
    amount: str = ""
    number: str = ""


_TEXTS = {
    ("AUTOPAY", "en"): (
        "I allow {practice} to charge my card {card} for my payment plan on its due dates: {schedule}. No single "
        "charge will be more than {maximum}. If a charge is declined, {practice} may try it again on later days until "
        "it is paid. If the plan changes above this maximum, {practice} must ask me again first. I can stop this at "
        "any time by calling {phone}; it ends at once. Refunds follow {practice}'s policy. I get a copy of this."
    ),
    ("AUTOPAY", "es"): (
        "Autorizo a {practice} a cobrar a mi tarjeta {card} mi plan de pagos en sus fechas de vencimiento: {schedule}. "
        "Ningún cobro será mayor de {maximum}. Si un cobro es rechazado, {practice} puede intentarlo de nuevo en días "
        "posteriores hasta que se pague. Si el plan cambia por encima de este máximo, {practice} debe preguntarme "
        "antes. Puedo detener esto en cualquier momento llamando al {phone}; termina de inmediato. Los reembolsos "
        "siguen la política de {practice}. Recibo una copia de esto."
    ),
    ("AUTOPAY_SHARE", "en"): (
        "I allow {practice} to charge my card {card} for my part of a payment plan on its due dates: {schedule}. No "
        "single charge will be more than {maximum}. If a charge is declined, {practice} may try it again on later days "
        "until it is paid. If my part rises above this maximum, {practice} must ask me again first. I can stop this at "
        "any time by calling {phone}; it ends at once. Refunds follow {practice}'s policy. I get a copy of this."
    ),
    ("AUTOPAY_SHARE", "es"): (
        "Autorizo a {practice} a cobrar a mi tarjeta {card} mi parte de un plan de pagos en sus fechas de vencimiento: "
        "{schedule}. Ningún cobro será mayor de {maximum}. Si un cobro es rechazado, {practice} puede intentarlo de "
        "nuevo en días posteriores hasta que se pague. Si mi parte sube por encima de este máximo, {practice} debe "
        "preguntarme antes. Puedo detener esto en cualquier momento llamando al {phone}; termina de inmediato. Los "
        "reembolsos siguen la política de {practice}. Recibo una copia de esto."
    ),
    ("OVERDUE", "en"): (
        "I allow {practice} to charge what is overdue on my payment plan, {amount} in all, to my card {card} now. If a "
        "charge is declined, {practice} may try it again on later days until it is paid."
    ),
    ("OVERDUE", "es"): (
        "Autorizo a {practice} a cobrar ahora lo vencido de mi plan de pagos, {amount} en total, a mi tarjeta {card}. "
        "Si un cobro es rechazado, {practice} puede intentarlo de nuevo en días posteriores hasta que se pague."
    ),
    ("ONE_CHARGE", "en"): "I allow {practice} to charge {amount} to my card {card} once, now.",
    ("ONE_CHARGE", "es"): "Autorizo a {practice} a cobrar {amount} a mi tarjeta {card} una vez, ahora.",
    ("PLAN_CHARGE", "en"): (
        "I allow {practice} to charge {amount}, the payment of my payment plan due on {schedule}, to my card {card} "
        "in place of the card I agreed to before. This is for this one payment. If the charge is declined, {practice} "
        "may try it again on later days until it is paid. I can stop this at any time by calling {phone}."
    ),
    ("PLAN_CHARGE", "es"): (
        "Autorizo a {practice} a cobrar {amount}, el pago de mi plan de pagos que vence el {schedule}, a mi tarjeta "
        "{card} en lugar de la tarjeta que autoricé antes. Esto vale solo para este pago. Si el cobro es rechazado, "
        "{practice} puede intentarlo de nuevo en días posteriores hasta que se pague. Puedo detener esto en cualquier "
        "momento llamando al {phone}."
    ),
    ("PART_CHARGE", "en"): (
        "I allow {practice} to charge {amount} to my card {card} once, now. The rest of this payment, {maximum}, stays "
        "due and is charged as I agreed before."
    ),
    ("PART_CHARGE", "es"): (
        "Autorizo a {practice} a cobrar {amount} a mi tarjeta {card} una vez, ahora. El resto de este pago, {maximum}, "
        "sigue pendiente y se cobra como lo autoricé antes."
    ),
    ("SPLIT", "en"): (
        "I allow {practice} to charge this payment of {amount} to my card {card} in two parts: {schedule}. If a charge "
        "is declined, {practice} may try it again on later days until it is paid."
    ),
    ("SPLIT", "es"): (
        "Autorizo a {practice} a cobrar este pago de {amount} a mi tarjeta {card} en dos partes: {schedule}. Si un "
        "cobro es rechazado, {practice} puede intentarlo de nuevo en días posteriores hasta que se pague."
    ),
    ("BACKUP", "en"): (
        "If a charge of my payment plan to my other card is declined, I allow {practice} to charge that payment to my "
        "card {card} from the next day on, never more than {maximum} at once, and to try it again on later days until "
        "it is paid. I can stop this at any time on this page or by calling {phone}."
    ),
    ("BACKUP", "es"): (
        "Si un cobro de mi plan de pagos a mi otra tarjeta es rechazado, autorizo a {practice} a cobrar ese pago a mi "
        "tarjeta {card} desde el día siguiente, nunca más de {maximum} a la vez, y a intentarlo de nuevo en días "
        "posteriores hasta que se pague. Puedo detener esto en cualquier momento en esta página o llamando al {phone}."
    ),
    ("CARD_ON_FILE", "en"): (
        "I allow {practice} to keep my card {card} on file for payments I agree to. I can have it removed at any time "
        "by calling {phone}."
    ),
    ("CARD_ON_FILE", "es"): (
        "Autorizo a {practice} a guardar mi tarjeta {card} para pagos que yo apruebe. Puedo pedir que se elimine en "
        "cualquier momento llamando al {phone}."
    ),
    ("TEXTS", "en"): (
        "I allow {practice} to send me text messages about my account and payments at {number}. How many depends on my "
        "payments; message and data rates may apply. My care does not depend on this. I can stop at any time by "
        "replying STOP, and get help by replying HELP or calling {phone}."
    ),
    ("TEXTS", "es"): (
        "Autorizo a {practice} a enviarme mensajes de texto sobre mi cuenta y mis pagos al {number}. La cantidad "
        "depende de mis pagos; pueden aplicarse tarifas de mensajes y datos. Mi atención no depende de esto. Puedo "
        "parar en cualquier momento respondiendo STOP, y recibir ayuda respondiendo HELP o llamando al {phone}."
    ),
    ("AT_TERMINAL", "en"): (
        "I allow {practice} to keep {card} on file for payments I agree to. I can have it removed at any time by "
        "calling {phone}."
    ),
    ("AT_TERMINAL", "es"): (
        "Autorizo a {practice} a guardar {card} para pagos que yo apruebe. Puedo pedir que se elimine en cualquier "
        "momento llamando al {phone}."
    ),
}
# What stands for the card in a consent given before it was read: at a terminal, on the processor's page.
CARD_ON_PAGE = {"en": "the card I enter on this page", "es": "la tarjeta que escribo en esta página"}
CARD_AT_TERMINAL = {"en": "the card I use at the terminal now", "es": "la tarjeta que uso ahora en la terminal"}


def text(kind: str, language: str, terms: Terms) -> str:
    """The text of a kind (Consent.Kind, or another key above) in "en" or "es"; another language gets English."""
    template = _TEXTS.get((kind, language)) or _TEXTS[kind, "en"]
    return template.format(**vars(terms))
