"""The office's adjustment types that take off, for discounts."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('opendental', '0007_plan_orders'),
    ]

    operations = [
        migrations.AddField(
            model_name='connection',
            name='adjustment_types',
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict),
        ),
    ]
