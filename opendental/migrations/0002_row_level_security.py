"""Rows of one practice are invisible to another, held by the database itself."""

from django.db import migrations

from practices.rls import protect


class Migration(migrations.Migration):
    dependencies = [("opendental", "0001_initial")]

    operations = [
        *protect(
            "opendental_connection",
            "opendental_guarantorturn",
            "opendental_quarantinedrow",
            "opendental_plantoread",
            "opendental_planfingerprint",
        ),
    ]
