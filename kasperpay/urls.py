"""All addresses."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from payments import webhook_views


def healthz(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("", include("practices.urls")),
    path("", include("patients.urls")),
    path("", include("cards.urls")),
    path("", include("payments.urls")),
    path("", include("notifications.staff_urls")),
    path("", include("opendental.urls")),
    path("webhooks/stripe/<slug:slug>/", webhook_views.stripe_webhook, name="stripe_webhook"),
    path("", include("notifications.urls")),
    path("", include("paylinks.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
