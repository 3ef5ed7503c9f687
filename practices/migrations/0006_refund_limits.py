"""How much a role may give back."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('practices', '0005_plan_changes'),
    ]

    operations = [
        migrations.AddField(
            model_name='paymentsettings',
            name='refund_biller_cents',
            field=models.BigIntegerField(blank=True, db_default=50000, default=50000, null=True),
        ),
        migrations.AddField(
            model_name='paymentsettings',
            name='refund_biller_day_cents',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='paymentsettings',
            name='refund_front_desk_cents',
            field=models.BigIntegerField(blank=True, db_default=0, default=0, null=True),
        ),
        migrations.AddField(
            model_name='paymentsettings',
            name='refund_front_desk_day_cents',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='paymentsettings',
            name='refund_manager_cents',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='paymentsettings',
            name='refund_manager_day_cents',
            field=models.BigIntegerField(blank=True, null=True),
        ),
    ]
