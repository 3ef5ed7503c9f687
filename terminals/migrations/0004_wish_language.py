"""In which language a card at a terminal was agreed to."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('terminals', '0003_newest_try'),
    ]

    operations = [
        migrations.AddField(
            model_name='cardwish',
            name='language',
            field=models.CharField(db_default='en', default='en', max_length=5),
        ),
    ]
