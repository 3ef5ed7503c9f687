"""The postings of a move, built while postings are written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payments", "0021_moves")]

    operations = [
        AddIndexConcurrently(
            model_name="ledgerposting",
            index=models.Index(condition=models.Q(("move__isnull", False)), fields=["move"], name="postings_of_a_move"),
        ),
    ]
