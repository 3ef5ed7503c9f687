"""The poster's question for refunds that staff enter must not read every posting."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0004_refunds")]

    operations = [
        migrations.AddIndex(
            model_name="ledgerposting",
            index=models.Index(
                condition=models.Q(("state", "BY_HAND")), fields=["practice", "next_at"], name="postings_by_hand"
            ),
        ),
    ]
