"""When unpaid requests are sent again, and whether a part may be paid."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('practices', '0006_refund_limits'),
    ]

    operations = [
        migrations.AddField(
            model_name='paymentsettings',
            name='first_reminder_days',
            field=models.PositiveSmallIntegerField(db_default=2, default=2),
        ),
        migrations.AddField(
            model_name='paymentsettings',
            name='part_payments',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='paymentsettings',
            name='second_reminder_days',
            field=models.PositiveSmallIntegerField(db_default=5, default=5),
        ),
    ]
