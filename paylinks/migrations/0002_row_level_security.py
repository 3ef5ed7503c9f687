"""Rows of one practice are invisible to another, held by the database itself."""

from django.db import migrations

from practices.rls import protect


class Migration(migrations.Migration):
    dependencies = [("paylinks", "0001_initial")]

    operations = [
        *protect(
            "paylinks_patientlink",
            "paylinks_linkcharge",
        ),
    ]
