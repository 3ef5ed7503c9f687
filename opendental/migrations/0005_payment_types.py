"""The office's payment types, for money that no card moved."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('opendental', '0004_breaker'),
    ]

    operations = [
        migrations.AddField(
            model_name='connection',
            name='payment_types',
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict),
        ),
    ]
