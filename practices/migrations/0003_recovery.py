"""When a restored database asks the processor what it missed."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('practices', '0002_row_level_security'),
    ]

    operations = [
        migrations.AddField(
            model_name='practice',
            name='recover_since',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
