"""Moves that are about to pay an installment, built while moves are written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payments", "0026_moves_onto_plans")]

    operations = [
        AddIndexConcurrently(
            model_name="move",
            index=models.Index(
                condition=models.Q(("installment__isnull", False)), fields=["installment"], name="moves_onto_plans"
            ),
        ),
    ]
