"""The texts that are sent until a practice writes its own: short, lawful, in English and Spanish. Pure.

Text messages keep to letters of the GSM alphabet (no á, í, ó, ú), because one other letter halves the room.
"""

from __future__ import annotations

from dataclasses import dataclass

from notifications.models import Channel, Kind

LANGUAGES = {"en": "English", "es": "Español"}
STOP_NOTE = {"en": "Reply STOP to opt out.", "es": "STOP para salir."}


@dataclass(frozen=True)
class TemplateText:
    """`subject` is '' for a text message. `version` 0 is the default text."""

    subject: str
    body: str
    version: int = 0


# The pages of the settings (product.md §1) with the kinds that a practice words itself; a receipt stands on both.
PAGES: dict[str, tuple[str, ...]] = {
    "templates": (Kind.REQUEST, Kind.REQUEST_REMINDER, Kind.PAYMENT_SUCCESSFUL, Kind.RECEIPT, Kind.REFUND),
    "plan-templates": (
        Kind.PAYMENT_SUCCESSFUL, Kind.PAYMENT_FAILED, Kind.UPCOMING_CHARGE, Kind.CARD_EXPIRING, Kind.CARD_UPDATED,
        Kind.PLAN_CHANGED, Kind.PLAN_COMPLETED, Kind.CONSENT_ASKED,
        Kind.CONSENT_COPY, Kind.MY_PLAN,
    ),
}  # fmt: skip

_SMS: dict[str, dict[str, str]] = {
    Kind.PAYMENT_SUCCESSFUL: {
        "en": "{Practice Name}: we received your payment of {Transaction Amount}. Thank you!",
        "es": "{Practice Name}: recibimos su pago de {Transaction Amount}. ¡Gracias!",
    },
    Kind.PAYMENT_FAILED: {
        "en": "{Practice Name}: your {Transaction Amount} payment failed. Fix it: {Link to Pay}",
        "es": "{Practice Name}: no se pudo cobrar {Transaction Amount}. Otra tarjeta: {Link to Pay}",
    },
    Kind.REFUND: {
        "en": "{Practice Name}: we gave {Transaction Amount} back to your card. It shows there in 5 to 10 days.",
        "es": "{Practice Name}: devolvimos {Transaction Amount} a su tarjeta. Aparece en 5 a 10 dias.",
    },
    Kind.UPCOMING_CHARGE: {
        "en": "{Practice Name}: {Transaction Amount} will be charged to card {Card Last 4} on {Payment Due Date}. "
        "{How to Change}",
        "es": "{Practice Name}: cobraremos {Transaction Amount} a su tarjeta {Card Last 4} el {Payment Due Date}. "
        "{How to Change}",
    },
    Kind.CARD_EXPIRING: {
        "en": "{Practice Name}: your card ending in {Card Last 4} expires before your next payment. "
        "Please call {Practice Phone Number}.",
        "es": "{Practice Name}: su tarjeta {Card Last 4} vence antes de su siguiente pago. "
        "Por favor llame al {Practice Phone Number}.",
    },
    Kind.PLAN_CHANGED: {
        "en": "{Practice Name}: your payment plan has changed. Questions? {Practice Phone Number}.",
        "es": "{Practice Name}: su plan de pagos ha cambiado. ¿Preguntas? {Practice Phone Number}.",
    },
    Kind.PLAN_COMPLETED: {
        "en": "{Practice Name}: your payment plan is paid in full. Thank you!",
        "es": "{Practice Name}: su plan de pagos fue pagado por completo. ¡Gracias!",
    },
    Kind.CONSENT_COPY: {
        "en": "{Practice Name}: you agreed to the use of card {Card Last 4}. To stop it or to get a copy of the words, "
        "call {Practice Phone Number}.",
        "es": "{Practice Name}: autorizo el uso de su tarjeta {Card Last 4}. Para parar o recibir una copia, "
        "llame al {Practice Phone Number}.",
    },
    Kind.CONSENT_ASKED: {
        "en": "{Practice Name}: please see your payment plan and agree: {Link to Pay}",
        "es": "{Practice Name}: vea su plan de pagos y acepte: {Link to Pay}",
    },
    Kind.RECEIPT: {
        "en": "{Practice Name}: here is your receipt: {Link to Receipt}",
        "es": "{Practice Name}: su recibo: {Link to Receipt}",
    },
    Kind.REQUEST: {
        "en": "{Practice Name}: {Transaction Amount} is due on your account. Pay: {Link to Pay}",
        "es": "{Practice Name}: su saldo es de {Transaction Amount}. Pague: {Link to Pay}",
    },
    Kind.REQUEST_REMINDER: {
        "en": "{Practice Name}: reminder, {Transaction Amount} is still open. Pay: {Link to Pay}",
        "es": "{Practice Name}: le recordamos su saldo de {Transaction Amount}. Pague: {Link to Pay}",
    },
    Kind.MY_PLAN: {
        "en": "{Practice Name}: your payment plan, receipts and card: {Link to My Plan}",
        "es": "{Practice Name}: su plan de pagos, recibos y tarjeta: {Link to My Plan}",
    },
    Kind.CARD_UPDATED: {
        "en": "{Practice Name}: your bank sent us your new card, ending in {Card Last 4}. Your plan goes on with it. "
        "Questions? {Practice Phone Number}.",
        "es": "{Practice Name}: su banco nos dio su tarjeta nueva {Card Last 4}. Su plan sigue con ella. "
        "¿Preguntas? {Practice Phone Number}.",
    },
}

_EMAIL: dict[str, dict[str, tuple[str, str]]] = {
    Kind.PAYMENT_SUCCESSFUL: {
        "en": (
            "Payment received: {Transaction Amount}",
            "we received your payment of {Transaction Amount}, due on {Payment Due Date}, from your card ending in "
            "{Card Last 4}. Thank you!",
        ),
        "es": (
            "Pago recibido: {Transaction Amount}",
            "recibimos su pago de {Transaction Amount}, con vencimiento el {Payment Due Date}, de su tarjeta "
            "terminada en {Card Last 4}. ¡Gracias!",
        ),
    },
    Kind.PAYMENT_FAILED: {
        "en": (
            "Your payment did not go through",
            "your payment of {Transaction Amount}, due on {Payment Due Date}, did not go through.\n\n"
            "You can use another card here, it takes a minute:\n{Link to Pay}",
        ),
        "es": (
            "Su pago no se realizó",
            "su pago de {Transaction Amount}, con vencimiento el {Payment Due Date}, no se realizó.\n\n"
            "Puede usar otra tarjeta aquí, toma un minuto:\n{Link to Pay}",
        ),
    },
    Kind.REFUND: {
        "en": (
            "Refund of {Transaction Amount}",
            "we gave {Transaction Amount} back to the card you paid with. It shows there in 5 to 10 days.",
        ),
        "es": (
            "Reembolso de {Transaction Amount}",
            "devolvimos {Transaction Amount} a la tarjeta con la que pagó. Aparece allí en 5 a 10 días.",
        ),
    },
    Kind.UPCOMING_CHARGE: {
        "en": (
            "Upcoming payment on {Payment Due Date}",
            "{Transaction Amount} will be charged to your card ending in {Card Last 4} on {Payment Due Date}. "
            "You don't need to do anything.",
        ),
        "es": (
            "Próximo pago el {Payment Due Date}",
            "cobraremos {Transaction Amount} a su tarjeta terminada en {Card Last 4} el {Payment Due Date}. "
            "No tiene que hacer nada.",
        ),
    },
    Kind.CARD_EXPIRING: {
        "en": (
            "Your card is about to expire",
            "your card ending in {Card Last 4} expires before your next payment on {Payment Due Date}. Please call "
            "us with a new card, so that the payment goes through.",
        ),
        "es": (
            "Su tarjeta está por vencer",
            "su tarjeta terminada en {Card Last 4} vence antes de su próximo pago el {Payment Due Date}. Por favor "
            "llámenos con una tarjeta nueva para que el pago se realice.",
        ),
    },
    Kind.PLAN_CHANGED: {
        "en": ("Your payment plan has changed", "your payment plan has changed. Please call us with any question."),
        "es": ("Su plan de pagos cambió", "su plan de pagos cambió. Llámenos si tiene alguna pregunta."),
    },
    Kind.PLAN_COMPLETED: {
        "en": ("Your payment plan is paid in full", "your payment plan is paid in full. Thank you!"),
        "es": ("Su plan de pagos está pagado", "su plan de pagos está pagado por completo. ¡Gracias!"),
    },
    Kind.CONSENT_COPY: {
        "en": ("What you agreed to", "this is a copy of what you agreed to:\n\n{Consent Text}"),
        "es": ("Lo que usted autorizó", "esta es una copia de lo que usted autorizó:\n\n{Consent Text}"),
    },
    Kind.CONSENT_ASKED: {
        "en": (
            "Please look at your payment plan",
            "please look at the payments of your plan. You agree with one tap, without signing in:\n{Link to Pay}\n\n"
            "If you don't agree, do nothing or call us.",
        ),
        "es": (
            "Por favor vea su plan de pagos",
            "por favor vea los pagos de su plan. Acepta con un toque, sin registrarse:\n{Link to Pay}\n\n"
            "Si no está de acuerdo, no haga nada o llámenos.",
        ),
    },
    Kind.RECEIPT: {
        "en": (
            "Your receipt",
            "here is your receipt. It opens with your birth date and can be saved or printed:\n{Link to Receipt}",
        ),
        "es": (
            "Su recibo",
            "aquí está su recibo. Se abre con su fecha de nacimiento y se puede guardar o imprimir:\n{Link to Receipt}",
        ),
    },
    Kind.REQUEST: {
        "en": (
            "{Transaction Amount} to pay",
            "{Transaction Amount} is due on your account with us. You can pay it here, without signing in:\n"
            "{Link to Pay}",
        ),
        "es": (
            "Saldo de {Transaction Amount}",
            "su cuenta con nosotros tiene un saldo de {Transaction Amount}. Puede pagarlo aquí, sin registrarse:\n"
            "{Link to Pay}",
        ),
    },
    Kind.REQUEST_REMINDER: {
        "en": (
            "Reminder: {Transaction Amount} to pay",
            "this is a reminder that {Transaction Amount} is still due on your account with us. "
            "You can pay it here, without signing in:\n{Link to Pay}",
        ),
        "es": (
            "Recordatorio: saldo de {Transaction Amount}",
            "le recordamos que su cuenta con nosotros tiene un saldo de {Transaction Amount}. "
            "Puede pagarlo aquí, sin registrarse:\n{Link to Pay}",
        ),
    },
    Kind.MY_PLAN: {
        "en": (
            "Your payment plan",
            "here you see your payment plan, take receipts and change your card:\n{Link to My Plan}",
        ),
        "es": (
            "Su plan de pagos",
            "aquí puede ver su plan de pagos, descargar recibos y cambiar su tarjeta:\n{Link to My Plan}",
        ),
    },
    Kind.CARD_UPDATED: {
        "en": (
            "Your card was updated",
            "your bank told us that your card has changed: it now ends in {Card Last 4} and is good until "
            "{Card Expiration}. Your payments go on with it, you don't need to do anything.",
        ),
        "es": (
            "Su tarjeta fue actualizada",
            "su banco nos avisó que su tarjeta cambió: ahora termina en {Card Last 4} y vale hasta "
            "{Card Expiration}. Sus pagos siguen con ella, no tiene que hacer nada.",
        ),
    },
}
_WRITTEN_SUBJECT = {"en": "A message from {Practice Name}", "es": "Un mensaje de {Practice Name}"}
_GREETING = {"en": "Hello {Patient Name},\n\n", "es": "Hola {Patient Name}:\n\n"}


def default(kind: str, channel: str, language: str) -> TemplateText:
    """The text we bring along. KeyError for an unknown kind or language."""
    if kind == Kind.WRITTEN:
        return _around_words(channel, language)
    if channel == Channel.SMS:
        return TemplateText("", f"{_SMS[kind][language]} {STOP_NOTE[language]}")
    subject, body = _EMAIL[kind][language]
    return TemplateText(subject, f"{_GREETING[language]}{body}\n\n{{Practice Name}}\n{{Practice Phone Number}}")


def _around_words(channel: str, language: str) -> TemplateText:
    """What stands around words of staff; the note on STOP comes with the first text only (notifications/outbox.py)."""
    if channel == Channel.SMS:
        return TemplateText("", "{Practice Name}: {Words}")
    return TemplateText(_WRITTEN_SUBJECT[language], "{Words}\n\n{Practice Name}\n{Practice Phone Number}")
