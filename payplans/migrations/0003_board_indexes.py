"""What is late and what has failed, found without reading every installment of the practice."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payplans", "0002_row_level_security")]

    operations = [
        AddIndexConcurrently(
            model_name="installment",
            index=models.Index(
                fields=["practice", "due_date"],
                condition=Q(status__in=["PENDING", "FAILED"]),
                name="installments_unpaid",
            ),
        ),
        AddIndexConcurrently(
            model_name="installment",
            index=models.Index(fields=["practice", "plan"], condition=Q(status="FAILED"), name="installments_failed"),
        ),
    ]
