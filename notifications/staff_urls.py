"""Addresses of messages and templates for staff; what the carrier posts to is in urls.py."""

from __future__ import annotations

from django.urls import path

from notifications import views

_PLACE = "settings/payments/plan-templates/<slug:kind>/<slug:channel>/<slug:language>/"

urlpatterns = [
    path("communication/<int:patient_id>/messages/", views.patient_messages, name="patient_messages"),
    path("settings/payments/plan-templates/", views.settings_templates, name="settings_templates"),
    path(_PLACE, views.template, name="template"),
    path(f"{_PLACE}save/", views.template_save, name="template_save"),
    path(f"{_PLACE}reset/", views.template_reset, name="template_reset"),
    path(f"{_PLACE}preview/", views.template_preview, name="template_preview"),
    path(f"{_PLACE}test/", views.template_test, name="template_test"),
]
