"""Every charge looks for the cards of one number; without an index it would read all cards of the practice."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Cards are charged while this runs.
    atomic = False
    dependencies = [("cards", "0002_row_level_security")]

    operations = [
        AddIndexConcurrently(
            model_name="card",
            index=models.Index(fields=["practice", "fingerprint"], name="cards_of_one_number"),
        ),
    ]
