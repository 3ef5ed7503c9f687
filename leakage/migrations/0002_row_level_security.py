"""Rows of one practice are invisible to another, held by the database itself."""

from __future__ import annotations

from django.db import migrations

from practices.rls import protect


class Migration(migrations.Migration):
    dependencies = [("leakage", "0001_initial")]

    operations = [*protect("leakage_leak", "leakage_leakday")]
