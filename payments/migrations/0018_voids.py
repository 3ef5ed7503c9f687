"""Voids, and refunds after which an installment stays closed."""
# compatible: the altered column only got one more choice, which no database knows

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0017_plan_changes'),
    ]

    operations = [
        migrations.AddField(
            model_name='refund',
            name='closes',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name='refund',
            name='reason',
            field=models.CharField(choices=[('REQUESTED', 'The patient asked for it'), ('DUPLICATE', 'Paid twice'), ('OTHER', 'Another reason'), ('VOID', 'Voided'), ('DISPUTE', 'Lost dispute')], default='OTHER', max_length=9),
        ),
    ]
