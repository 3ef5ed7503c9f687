"""How far staff may move a charge."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('practices', '0004_events_behind_row_security'),
    ]

    operations = [
        migrations.AddField(
            model_name='paymentsettings',
            name='move_days',
            field=models.PositiveSmallIntegerField(db_default=30, default=30),
        ),
    ]

