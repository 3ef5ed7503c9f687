"""The Revenue Leakage Protector."""

from __future__ import annotations

from django.apps import AppConfig


class LeakageConfig(AppConfig):
    name = "leakage"
