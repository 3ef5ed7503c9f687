"""Asking for a consent by a link; the words under which texts were agreed to."""
# compatible: the altered columns only got more choices, which no database knows

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0007_my_plan'),
    ]

    operations = [
        migrations.AlterField(
            model_name='message',
            name='kind',
            field=models.CharField(choices=[('PAYMENT_SUCCESSFUL', 'Successful payments'), ('PAYMENT_FAILED', 'Failed payments'), ('REFUND', 'Refunds'), ('UPCOMING_CHARGE', 'Upcoming charge'), ('CARD_EXPIRING', 'Card expiring'), ('PLAN_CHANGED', 'Plan changed'), ('PLAN_COMPLETED', 'Plan completed'), ('CONSENT_COPY', 'Consent copy'), ('CONSENT_ASKED', 'Asking for consent'), ('RECEIPT', 'Receipts'), ('REQUEST', 'Payment requests'), ('REQUEST_REMINDER', 'Reminders of requests'), ('MY_PLAN', 'Link to My plan')], max_length=24),
        ),
        migrations.AlterField(
            model_name='template',
            name='kind',
            field=models.CharField(choices=[('PAYMENT_SUCCESSFUL', 'Successful payments'), ('PAYMENT_FAILED', 'Failed payments'), ('REFUND', 'Refunds'), ('UPCOMING_CHARGE', 'Upcoming charge'), ('CARD_EXPIRING', 'Card expiring'), ('PLAN_CHANGED', 'Plan changed'), ('PLAN_COMPLETED', 'Plan completed'), ('CONSENT_COPY', 'Consent copy'), ('CONSENT_ASKED', 'Asking for consent'), ('RECEIPT', 'Receipts'), ('REQUEST', 'Payment requests'), ('REQUEST_REMINDER', 'Reminders of requests'), ('MY_PLAN', 'Link to My plan')], max_length=24),
        ),
        migrations.AddField(
            model_name='textingconsent',
            name='text',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='textingconsent',
            name='text_version',
            field=models.CharField(blank=True, db_default='', default='', max_length=20),
        ),
        migrations.AddField(
            model_name='textingconsent',
            name='given_by',
            field=models.CharField(blank=True, db_default='', default='', max_length=80),
        ),
    ]
