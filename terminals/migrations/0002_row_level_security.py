"""Rows of one practice are invisible to another, held by the database itself."""

from django.db import migrations

from practices.rls import protect


class Migration(migrations.Migration):
    dependencies = [("terminals", "0001_initial")]

    operations = [
        *protect(
            "terminals_location",
            "terminals_reader",
            "terminals_defaultreader",
            "terminals_readerrun",
            "terminals_cardwish",
        ),
    ]
