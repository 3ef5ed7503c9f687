"""A message with the link to My plan."""
# compatible: the altered columns only got more choices, which no database knows

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0006_requests'),
    ]

    operations = [
        migrations.AlterField(
            model_name='message',
            name='kind',
            field=models.CharField(choices=[('PAYMENT_SUCCESSFUL', 'Successful payments'), ('PAYMENT_FAILED', 'Failed payments'), ('REFUND', 'Refunds'), ('UPCOMING_CHARGE', 'Upcoming charge'), ('CARD_EXPIRING', 'Card expiring'), ('PLAN_CHANGED', 'Plan changed'), ('PLAN_COMPLETED', 'Plan completed'), ('CONSENT_COPY', 'Consent copy'), ('RECEIPT', 'Receipts'), ('REQUEST', 'Payment requests'), ('REQUEST_REMINDER', 'Reminders of requests'), ('MY_PLAN', 'Link to My plan')], max_length=24),
        ),
        migrations.AlterField(
            model_name='template',
            name='kind',
            field=models.CharField(choices=[('PAYMENT_SUCCESSFUL', 'Successful payments'), ('PAYMENT_FAILED', 'Failed payments'), ('REFUND', 'Refunds'), ('UPCOMING_CHARGE', 'Upcoming charge'), ('CARD_EXPIRING', 'Card expiring'), ('PLAN_CHANGED', 'Plan changed'), ('PLAN_COMPLETED', 'Plan completed'), ('CONSENT_COPY', 'Consent copy'), ('RECEIPT', 'Receipts'), ('REQUEST', 'Payment requests'), ('REQUEST_REMINDER', 'Reminders of requests'), ('MY_PLAN', 'Link to My plan')], max_length=24),
        ),
    ]
