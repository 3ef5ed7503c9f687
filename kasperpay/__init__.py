"""Composition root: settings, addresses, timetable. Nothing else lives here."""

from kasperpay.celery import app as celery_app

__all__ = ["celery_app"]
