"""Addresses of Settings → Open Dental."""

from __future__ import annotations

from django.urls import path

from opendental import views

urlpatterns = [
    path("settings/open-dental/", views.settings_opendental, name="settings_opendental"),
    path("settings/open-dental/chip/", views.sync_chip, name="sync_chip"),
    path("payments/catch-up/", views.catch_up, name="catch_up"),
    path("payments/waits/", views.waits, name="payments_wait"),
    path("payments/postings/<int:posting_id>/look-again/", views.look_again, name="posting_look_again"),
    path("settings/open-dental/test/", views.test_connection, name="test_connection"),
    path("settings/open-dental/attest/<slug:what>/", views.attest_statement, name="attest_statement"),
]
