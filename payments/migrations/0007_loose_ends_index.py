"""Tries whose intent is still to be canceled are looked for with every pass of the reconciler."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Attempts are written while this runs.
    atomic = False
    dependencies = [("payments", "0006_loose_ends")]

    operations = [
        AddIndexConcurrently(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("is_loose", True)),
                fields=["practice", "sent_at"],
                name="attempts_with_loose_ends",
            ),
        ),
    ]
