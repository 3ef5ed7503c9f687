"""All addresses."""

from __future__ import annotations

from django.urls import include, path

from payments import webhook_views

# /healthz, /readyz and /metrics are answered before all this (kasperpay/health.py).
urlpatterns = [
    path("", include("practices.urls")),
    path("", include("patients.urls")),
    path("", include("cards.urls")),
    path("", include("payments.urls")),
    path("", include("payments.plan_change_urls")),
    path("reports/", include("payments.report_urls")),
    path("", include("notifications.staff_urls")),
    path("", include("opendental.urls")),
    path("webhooks/stripe/<slug:slug>/", webhook_views.stripe_webhook, name="stripe_webhook"),
    path("", include("notifications.urls")),
    path("", include("paylinks.urls")),
    path("", include("terminals.urls")),
    path("", include("leakage.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
