"""Addresses of Settings → Open Dental, and of what staff do with a posting."""

from __future__ import annotations

from django.urls import path

from opendental import posting_views, views

urlpatterns = [
    path("settings/open-dental/", views.settings_opendental, name="settings_opendental"),
    path("settings/open-dental/chip/", views.sync_chip, name="sync_chip"),
    path("payments/catch-up/", views.catch_up, name="catch_up"),
    path("payments/waits/", views.waits, name="payments_wait"),
    path("payments/postings/<int:posting_id>/look-again/", posting_views.look_again, name="posting_look_again"),
    path("payments/postings/<int:posting_id>/post-now/", posting_views.post_now, name="posting_post_now"),
    path("payments/postings/<int:posting_id>/payment-number/", posting_views.name_payment, name="posting_name"),
    path("payments/postings/<int:posting_id>/by-hand/", posting_views.mark, name="posting_mark"),
    path("payments/postings/<int:posting_id>/by-hand/take-back/", posting_views.unmark, name="posting_unmark"),
    path("settings/open-dental/test/", views.test_connection, name="test_connection"),
    path("settings/open-dental/attest/<slug:what>/", views.attest_statement, name="attest_statement"),
]
