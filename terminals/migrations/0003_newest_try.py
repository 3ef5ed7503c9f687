"""Which try of a payment the person at a terminal had seen."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("terminals", "0002_row_level_security")]

    operations = [
        migrations.AddField(
            model_name="readerrun",
            name="newest_try",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
