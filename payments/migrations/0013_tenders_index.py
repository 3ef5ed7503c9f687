"""The tenders of a desk sale, built while due parts are written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Due parts are written while this runs.
    atomic = False
    dependencies = [("payments", "0012_payment_lists")]

    operations = [
        AddIndexConcurrently(
            model_name="duepart",
            index=models.Index(condition=models.Q(("sale__isnull", False)), fields=["sale"], name="tenders_of_a_sale"),
        ),
    ]
