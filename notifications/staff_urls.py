"""Addresses of messages and templates for staff; what the carrier posts to is in urls.py."""

from __future__ import annotations

from django.urls import path, register_converter

from notifications import message_views, views
from notifications.defaults import PAGES


class TemplatesPage:
    """The two pages of templates, so that no other address of the settings is taken for one."""

    regex = "|".join(PAGES)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(TemplatesPage, "templates_page")
_PATIENT = "communication/<int:patient_id>/messages/"
_PLACE = "settings/payments/<templates_page:page>/<slug:kind>/<slug:channel>/<slug:language>/"

urlpatterns = [
    path(_PATIENT, message_views.patient_messages, name="patient_messages"),
    path(f"{_PATIENT}write/", message_views.message_write, name="message_write"),
    path(f"{_PATIENT}read/", message_views.conversation_read, name="conversation_read"),
    path("communication/messages/", message_views.messages_list, name="messages"),
    path("communication/messages/badge/", message_views.messages_badge, name="messages_badge"),
    path("communication/messages/replies/<int:reply_id>/read/", message_views.reply_read, name="reply_read"),
    path("communication/messages/<int:message_id>/handled/", message_views.message_handled, name="message_handled"),
    path("settings/payments/templates/", views.payment_templates, name="payment_templates"),
    path("settings/payments/plan-templates/", views.settings_templates, name="settings_templates"),
    path(_PLACE, views.template, name="template"),
    path(f"{_PLACE}save/", views.template_save, name="template_save"),
    path(f"{_PLACE}reset/", views.template_reset, name="template_reset"),
    path(f"{_PLACE}restore/", views.template_restore, name="template_restore"),
    path(f"{_PLACE}preview/", views.template_preview, name="template_preview"),
    path(f"{_PLACE}test/", views.template_test, name="template_test"),
]
