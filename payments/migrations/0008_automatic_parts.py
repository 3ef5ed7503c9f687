"""Due parts of plans without autopay leave the sweep's index, where they were looked at with every sweep."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0007_loose_ends_index")]

    operations = [
        migrations.AddField(
            model_name="duepart",
            name="is_automatic",
            field=models.BooleanField(db_default=True, default=True),
        ),
    ]
