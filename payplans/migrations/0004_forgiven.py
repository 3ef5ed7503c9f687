"""What was given back and is not collected again."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payplans', '0003_board_indexes'),
    ]

    operations = [
        migrations.AddField(
            model_name='installment',
            name='forgiven_cents',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
