"""E-mail through whatever Django is configured with (SMTP, or a provider by anymail)."""

from __future__ import annotations

import smtplib
from email.utils import parseaddr
from urllib.parse import urlsplit

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from notifications.channels.port import Accepted, Outgoing, Refused, SendResult, Unclear
from practices.models import Practice


def send(practice: Practice, outgoing: Outgoing) -> SendResult:
    """Hand one e-mail to the server. Its Message-ID is made from the row, so a copy can be told as one."""
    connection = get_connection()
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        return Refused(f"The mail server can't be used: {type(error).__name__}")
    try:
        return _hand_over(_email(practice, outgoing, connection))
    finally:
        connection.close()


def _hand_over(email: EmailMessage) -> SendResult:
    try:
        email.send()
    except smtplib.SMTPRecipientsRefused as error:
        code = max((code for code, _ in error.recipients.values()), default=550)
        return Refused(f"The mail server refused the address ({code})", permanent=code >= 500)
    except smtplib.SMTPResponseException as error:
        return Refused(f"The mail server refused it ({error.smtp_code})", permanent=error.smtp_code >= 500)
    except AnymailRecipientsRefused:
        return Refused("The mail provider refused the address", permanent=True)
    except AnymailAPIError as error:
        return _of_provider(error)
    except ValueError:
        # Django reads all addresses before it hands anything over.
        return Refused("The e-mail address can't be used", permanent=True)
    except (OSError, smtplib.SMTPException, AnymailError) as error:
        return Unclear(f"No answer of the mail server: {type(error).__name__}")
    return Accepted(email.extra_headers["Message-ID"])


def _of_provider(error: AnymailAPIError) -> SendResult:
    status = getattr(error, "status_code", None)
    if status is None or status >= 500:
        return Unclear("No answer of the mail provider")
    return Refused(f"The mail provider refused it ({status})", account_problem=status in (401, 403))


def _email(practice: Practice, outgoing: Outgoing, connection: BaseEmailBackend) -> EmailMessage:
    # A name with a line break or quotes can't break the header: Django refuses the first and quotes the second.
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    sender = f'"{practice.name.replace(chr(34), "")}" <{address}>'
    return EmailMessage(
        outgoing.subject,
        outgoing.body,
        from_email=sender,
        to=[outgoing.to],
        reply_to=[practice.email] if practice.email else None,
        headers={"Message-ID": message_id(outgoing)},
        connection=connection,
    )


def message_id(outgoing: Outgoing) -> str:
    """<key@host>: the same for every sending of the same row."""
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    return f"<{outgoing.key}@{host}>"
