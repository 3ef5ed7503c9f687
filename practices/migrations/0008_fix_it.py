"""How far and how often patients may put a charge off."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('practices', '0007_requests'),
    ]

    operations = [
        migrations.AddField(
            model_name='paymentsettings',
            name='patient_move_days',
            field=models.PositiveSmallIntegerField(db_default=14, default=14),
        ),
        migrations.AddField(
            model_name='paymentsettings',
            name='patient_moves',
            field=models.PositiveSmallIntegerField(db_default=2, default=2),
        ),
    ]
