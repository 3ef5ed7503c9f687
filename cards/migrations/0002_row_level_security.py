"""Rows of one practice are invisible to another, held by the database itself."""

from django.db import migrations

from practices.rls import protect


class Migration(migrations.Migration):
    dependencies = [("cards", "0001_initial")]

    operations = [
        *protect(
            "cards_card",
            "cards_cardsetup",
            "cards_consent",
            "cards_autopay",
        ),
    ]
