"""The id of the charge a message tells of, for the logs."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0002_row_level_security'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='trace',
            field=models.CharField(blank=True, db_default='', default='', max_length=32),
        ),
    ]
