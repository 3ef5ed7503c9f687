"""Rows of one practice are invisible to another, held by the database itself."""

from django.db import migrations

from practices.rls import protect


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]

    operations = [
        *protect(
            "payments_duepart",
            "payments_duecheck",
            "payments_attempt",
            "payments_payment",
            "payments_allocation",
            "payments_ledgerposting",
            "payments_webhookevent",
            "payments_alarm",
        ),
    ]
