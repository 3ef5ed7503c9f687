"""Receipts are sent by a link, by the channel that staff chose."""
# compatible: the altered columns only got one more choice, which no database knows; the new one has its default there

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0003_trace'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='prefers',
            field=models.CharField(blank=True, choices=[('SMS', 'Text message'), ('EMAIL', 'E-mail')], db_default='', default='', max_length=6),
        ),
        migrations.AlterField(
            model_name='message',
            name='kind',
            field=models.CharField(choices=[('PAYMENT_SUCCESSFUL', 'Successful payments'), ('PAYMENT_FAILED', 'Failed payments'), ('UPCOMING_CHARGE', 'Upcoming charge'), ('CARD_EXPIRING', 'Card expiring'), ('PLAN_CHANGED', 'Plan changed'), ('PLAN_COMPLETED', 'Plan completed'), ('CONSENT_COPY', 'Consent copy'), ('RECEIPT', 'Receipts')], max_length=24),
        ),
        migrations.AlterField(
            model_name='template',
            name='kind',
            field=models.CharField(choices=[('PAYMENT_SUCCESSFUL', 'Successful payments'), ('PAYMENT_FAILED', 'Failed payments'), ('UPCOMING_CHARGE', 'Upcoming charge'), ('CARD_EXPIRING', 'Card expiring'), ('PLAN_CHANGED', 'Plan changed'), ('PLAN_COMPLETED', 'Plan completed'), ('CONSENT_COPY', 'Consent copy'), ('RECEIPT', 'Receipts')], max_length=24),
        ),
    ]
