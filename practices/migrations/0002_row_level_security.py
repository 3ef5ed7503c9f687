"""Rows of one practice are invisible to another, held by the database itself."""

from django.db import migrations

from practices.rls import append_only, protect


class Migration(migrations.Migration):
    dependencies = [("practices", "0001_initial")]

    operations = [
        *protect(
            "practices_paymentsettings",
            "practices_clinic",
            "practices_event",
        ),
        *append_only("practices_event"),
    ]
