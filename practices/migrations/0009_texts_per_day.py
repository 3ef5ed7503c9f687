"""How many texts one person may get within a day."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('practices', '0008_fix_it'),
    ]

    operations = [
        migrations.AddField(
            model_name='paymentsettings',
            name='texts_per_day',
            field=models.PositiveSmallIntegerField(db_default=5, default=5),
        ),
    ]
