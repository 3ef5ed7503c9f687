"""Addresses the carrier posts to. The settings pages have theirs elsewhere."""

from __future__ import annotations

from django.urls import path

from notifications import webhooks

urlpatterns = [
    path("webhooks/twilio/<slug:slug>/status", webhooks.status, name="twilio_status"),
    path("webhooks/twilio/<slug:slug>/inbound", webhooks.text, name="twilio_inbound"),
]
