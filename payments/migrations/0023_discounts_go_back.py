from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0022_moves_index'),
    ]

    operations = [
        migrations.AddField(
            model_name='ledgeradjustment',
            name='returned_cents',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name='ledgeradjustment',
            name='state',
            field=models.CharField(choices=[('QUEUED', 'Waiting'), ('SENDING', 'Sending'), ('UNCLEAR', 'Looking for it in Open Dental'), ('POSTED', 'Posted, reading back'), ('MATCHED', 'Posted and read back'), ('BY_HAND', 'Waits for staff to enter it in Open Dental'), ('MARKED', 'Entered by hand, not read back')], default='QUEUED', max_length=10),
        ),
    ]
