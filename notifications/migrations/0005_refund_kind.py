"""The message about a refund."""
# compatible: the altered columns only got one more choice, which no database knows

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0004_receipts'),
    ]

    operations = [
        migrations.AlterField(
            model_name='message',
            name='kind',
            field=models.CharField(choices=[('PAYMENT_SUCCESSFUL', 'Successful payments'), ('PAYMENT_FAILED', 'Failed payments'), ('REFUND', 'Refunds'), ('UPCOMING_CHARGE', 'Upcoming charge'), ('CARD_EXPIRING', 'Card expiring'), ('PLAN_CHANGED', 'Plan changed'), ('PLAN_COMPLETED', 'Plan completed'), ('CONSENT_COPY', 'Consent copy'), ('RECEIPT', 'Receipts')], max_length=24),
        ),
        migrations.AlterField(
            model_name='template',
            name='kind',
            field=models.CharField(choices=[('PAYMENT_SUCCESSFUL', 'Successful payments'), ('PAYMENT_FAILED', 'Failed payments'), ('REFUND', 'Refunds'), ('UPCOMING_CHARGE', 'Upcoming charge'), ('CARD_EXPIRING', 'Card expiring'), ('PLAN_CHANGED', 'Plan changed'), ('PLAN_COMPLETED', 'Plan completed'), ('CONSENT_COPY', 'Consent copy'), ('RECEIPT', 'Receipts')], max_length=24),
        ),
    ]
