"""The poster's question for refunds that staff enter must not read every posting, nor /metrics every attempt."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Attempts and postings are written while this runs.
    atomic = False
    dependencies = [("payments", "0004_refunds")]

    operations = [
        AddIndexConcurrently(
            model_name="ledgerposting",
            index=models.Index(
                condition=models.Q(("state", "BY_HAND")), fields=["practice", "next_at"], name="postings_by_hand"
            ),
        ),
        AddIndexConcurrently(model_name="attempt", index=BrinIndex(fields=["sent_at"], name="attempts_by_time")),
    ]
