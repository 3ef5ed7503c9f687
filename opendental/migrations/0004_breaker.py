"""The breaker of each office: how often it could not be reached in a row, since when it is left alone, until when."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("opendental", "0003_sync_cycles")]

    operations = [
        migrations.AddField("connection", "failures", models.PositiveSmallIntegerField(default=0, db_default=0)),
        migrations.AddField("connection", "away_since", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("connection", "next_try_at", models.DateTimeField(blank=True, null=True)),
    ]
