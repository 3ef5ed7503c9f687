"""Requests for money, their reminders, and messages that are called off."""
# compatible: the altered columns only got more choices, which no database knows

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0005_refund_kind'),
    ]

    operations = [
        migrations.AlterField(
            model_name='message',
            name='kind',
            field=models.CharField(choices=[('PAYMENT_SUCCESSFUL', 'Successful payments'), ('PAYMENT_FAILED', 'Failed payments'), ('REFUND', 'Refunds'), ('UPCOMING_CHARGE', 'Upcoming charge'), ('CARD_EXPIRING', 'Card expiring'), ('PLAN_CHANGED', 'Plan changed'), ('PLAN_COMPLETED', 'Plan completed'), ('CONSENT_COPY', 'Consent copy'), ('RECEIPT', 'Receipts'), ('REQUEST', 'Payment requests'), ('REQUEST_REMINDER', 'Reminders of requests')], max_length=24),
        ),
        migrations.AlterField(
            model_name='message',
            name='state',
            field=models.CharField(choices=[('QUEUED', 'Waiting'), ('SENDING', 'Sending'), ('UNKNOWN', 'Checking with the carrier'), ('SENT', 'Sent'), ('DELIVERED', 'Delivered'), ('UNDELIVERED', 'Undelivered'), ('BLOCKED', 'Could not be sent'), ('CALLED_OFF', 'Not needed any more')], default='QUEUED', max_length=12),
        ),
        migrations.AlterField(
            model_name='template',
            name='kind',
            field=models.CharField(choices=[('PAYMENT_SUCCESSFUL', 'Successful payments'), ('PAYMENT_FAILED', 'Failed payments'), ('REFUND', 'Refunds'), ('UPCOMING_CHARGE', 'Upcoming charge'), ('CARD_EXPIRING', 'Card expiring'), ('PLAN_CHANGED', 'Plan changed'), ('PLAN_COMPLETED', 'Plan completed'), ('CONSENT_COPY', 'Consent copy'), ('RECEIPT', 'Receipts'), ('REQUEST', 'Payment requests'), ('REQUEST_REMINDER', 'Reminders of requests')], max_length=24),
        ),
    ]
