"""A conversation: what staff write, replies read or not, codes, numbers that take no texts."""
# compatible: the altered columns only got more choices, which no database knows; the constraint is a new table's

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from practices.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0008_consent_asked'),
        ('patients', '0003_search_behind_row_security'),
        ('practices', '0009_texts_per_day'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BadNumber',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('phone', models.CharField(max_length=16)),
                ('reason', models.CharField(blank=True, max_length=120)),
                ('error_code', models.CharField(max_length=8)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='message',
            name='code',
            field=models.CharField(blank=True, db_default='', default='', max_length=6),
        ),
        migrations.AddField(
            model_name='message',
            name='handled_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='message',
            name='handled_by',
            field=models.CharField(blank=True, db_default='', default='', max_length=80),
        ),
        migrations.AddField(
            model_name='message',
            name='written_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='reply',
            name='answer',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='reply',
            name='read_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='reply',
            name='read_by',
            field=models.CharField(blank=True, db_default='', default='', max_length=80),
        ),
        migrations.AlterField(
            model_name='message',
            name='kind',
            field=models.CharField(choices=[('PAYMENT_SUCCESSFUL', 'Successful payments'), ('PAYMENT_FAILED', 'Failed payments'), ('REFUND', 'Refunds'), ('UPCOMING_CHARGE', 'Upcoming charge'), ('CARD_EXPIRING', 'Card expiring'), ('PLAN_CHANGED', 'Plan changed'), ('PLAN_COMPLETED', 'Plan completed'), ('CONSENT_COPY', 'Consent copy'), ('CONSENT_ASKED', 'Asking for consent'), ('RECEIPT', 'Receipts'), ('REQUEST', 'Payment requests'), ('REQUEST_REMINDER', 'Reminders of requests'), ('MY_PLAN', 'Link to My plan'), ('CARD_UPDATED', 'Card updated'), ('WRITTEN', 'Written by staff')], max_length=24),
        ),
        migrations.AlterField(
            model_name='template',
            name='kind',
            field=models.CharField(choices=[('PAYMENT_SUCCESSFUL', 'Successful payments'), ('PAYMENT_FAILED', 'Failed payments'), ('REFUND', 'Refunds'), ('UPCOMING_CHARGE', 'Upcoming charge'), ('CARD_EXPIRING', 'Card expiring'), ('PLAN_CHANGED', 'Plan changed'), ('PLAN_COMPLETED', 'Plan completed'), ('CONSENT_COPY', 'Consent copy'), ('CONSENT_ASKED', 'Asking for consent'), ('RECEIPT', 'Receipts'), ('REQUEST', 'Payment requests'), ('REQUEST_REMINDER', 'Reminders of requests'), ('MY_PLAN', 'Link to My plan'), ('CARD_UPDATED', 'Card updated'), ('WRITTEN', 'Written by staff')], max_length=24),
        ),
        migrations.AddField(
            model_name='badnumber',
            name='practice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice'),
        ),
        migrations.AddConstraint(
            model_name='badnumber',
            constraint=models.UniqueConstraint(fields=('practice', 'phone'), name='bad_number_once'),
        ),
        *protect("notifications_badnumber"),
    ]
