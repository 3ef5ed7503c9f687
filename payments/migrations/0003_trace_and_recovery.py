"""An id for the logs, and a mark for what a restore brought back."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cards', '0002_row_level_security'),
        ('payments', '0002_row_level_security'),
        ('practices', '0003_recovery'),
    ]

    operations = [
        migrations.AddField(
            model_name='attempt',
            name='recovered_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='attempt',
            name='trace',
            field=models.CharField(blank=True, db_default='', default='', max_length=32),
        ),
    ]
