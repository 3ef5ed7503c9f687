"""The attempts of hosted pages are found by the page; built beside writers."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0014_presented_cards")]

    operations = [
        AddIndexConcurrently(
            model_name="attempt",
            index=models.Index(condition=models.Q(("page", ""), _negated=True), fields=["page"], name="attempts_by_page"),
        ),
    ]
