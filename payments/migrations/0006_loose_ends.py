"""Marks a try whose intent is still to be canceled. Its index: 0007, built while attempts are written."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cards', '0003_cards_of_one_number'),
        ('payments', '0005_refunds_by_hand'),
        ('practices', '0004_events_behind_row_security'),
    ]

    operations = [
        migrations.AddField(
            model_name='attempt',
            name='is_loose',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
