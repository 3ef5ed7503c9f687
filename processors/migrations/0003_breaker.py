"""The breaker of each account: how many charges in a row were not taken, since when autopay waits, until when."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("processors", "0002_row_level_security")]

    operations = [
        migrations.AddField("processoraccount", "failures", models.PositiveSmallIntegerField(default=0, db_default=0)),
        migrations.AddField("processoraccount", "away_since", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("processoraccount", "next_try_at", models.DateTimeField(blank=True, null=True)),
    ]
