"""Tells every new database connection which practice is in scope."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.signals import connection_created

from practices import tenancy


class PracticesConfig(AppConfig):
    name = "practices"

    def ready(self) -> None:
        connection_created.connect(_on_new_connection, dispatch_uid="practice-scope")


def _on_new_connection(connection: Any, **_: Any) -> None:
    if connection.alias == DEFAULT_DB_ALIAS:
        tenancy.tell_connection(connection)
