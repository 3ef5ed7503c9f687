"""The sweep's index without the parts of plans that have no autopay."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Due parts are written while this runs.
    atomic = False
    dependencies = [("payments", "0008_automatic_parts")]

    operations = [
        AddIndexConcurrently(
            model_name="duepart",
            index=models.Index(
                condition=models.Q(("hold", ""), ("is_automatic", True), ("state", "OPEN")),
                fields=["practice", "next_try_at"],
                name="due_parts_of_autopay",
            ),
        ),
        RemoveIndexConcurrently(model_name="duepart", name="due_parts_to_sweep"),
    ]
