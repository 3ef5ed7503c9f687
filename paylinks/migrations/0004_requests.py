"""Requests for money, their lines, and each press of Pay."""

import django.db.models.deletion
import uuid
from django.db import migrations, models

from practices.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('cards', '0003_cards_of_one_number'),
        ('notifications', '0006_requests'),
        ('patients', '0003_search_behind_row_security'),
        ('paylinks', '0003_receipt_links'),
        ('payments', '0019_requests'),
        ('practices', '0007_requests'),
    ]

    operations = [
        migrations.CreateModel(
            name='PaymentRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('nonce', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('token_hash', models.CharField(max_length=64, unique=True)),
                ('click', models.UUIDField()),
                ('basis', models.CharField(choices=[('PATIENT', 'Patient balance'), ('FAMILY', 'Family balance'), ('PROCEDURES', 'Selected procedures'), ('CUSTOM', 'Custom amount'), ('PREPAYMENT', 'Prepayment')], max_length=10)),
                ('amount_cents', models.BigIntegerField()),
                ('state', models.CharField(choices=[('OPEN', 'Open'), ('PAID', 'Paid'), ('SETTLED', 'Settled in the office'), ('CANCELED', 'Canceled')], default='OPEN', max_length=8)),
                ('prefers', models.CharField(choices=[('SMS', 'Text message'), ('EMAIL', 'E-mail')], max_length=6)),
                ('actor', models.CharField(max_length=80)),
                ('created_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField()),
                ('sendings', models.PositiveSmallIntegerField(default=1)),
                ('reminders', models.PositiveSmallIntegerField(default=0)),
                ('expires_at', models.DateTimeField()),
                ('opened_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('wrong_tries', models.PositiveSmallIntegerField(default=0)),
                ('message', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='notifications.message')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='patients.patient')),
                ('payer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
        ),
        migrations.CreateModel(
            name='RequestLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('PROCEDURE', 'Procedure'), ('REST', 'Rest: oldest charges, then unearned'), ('PREPAYMENT', 'Prepayment')], max_length=10)),
                ('amount_cents', models.BigIntegerField()),
                ('proc_num', models.BigIntegerField(default=0)),
                ('service_date', models.DateField(blank=True, null=True)),
                ('code', models.CharField(blank=True, max_length=20)),
                ('description', models.CharField(blank=True, max_length=200)),
                ('provider', models.CharField(blank=True, max_length=40)),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='paylinks.paymentrequest')),
            ],
        ),
        migrations.CreateModel(
            name='RequestTry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('shown_cents', models.BigIntegerField()),
                ('amount_cents', models.BigIntegerField()),
                ('state', models.CharField(choices=[('READY', 'Waiting for a worker'), ('RUNNING', 'Asking'), ('DONE', 'Done')], default='READY', max_length=7)),
                ('language', models.CharField(default='en', max_length=5)),
                ('ip', models.GenericIPAddressField(blank=True, null=True)),
                ('agreed_at', models.DateTimeField()),
                ('made_at', models.DateTimeField(auto_now_add=True)),
                ('refusal', models.CharField(blank=True, choices=[('', ''), ('CHANGED', 'Another amount is owed now'), ('SETTLED', 'Nothing is owed any more'), ('BUSY', 'Other money is in flight'), ('AWAY', "Open Dental or the processor can't be asked"), ('REFUSED', 'The claim was refused'), ('LOST', 'Its worker died')], default='', max_length=8)),
                ('refusal_words', models.CharField(blank=True, max_length=200)),
                ('led_at', models.DateTimeField(blank=True, null=True)),
                ('attempt', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='payments.attempt')),
                ('card', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cards.card')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tries', to='paylinks.paymentrequest')),
                ('sale', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='request_try', to='payments.sale')),
            ],
        ),
        migrations.AddIndex(
            model_name='paymentrequest',
            index=models.Index(fields=['practice', '-created_at', '-id'], name='requests_recent'),
        ),
        migrations.AddIndex(
            model_name='paymentrequest',
            index=models.Index(condition=models.Q(('state', 'OPEN')), fields=['practice', 'sent_at'], name='requests_open'),
        ),
        migrations.AddConstraint(
            model_name='paymentrequest',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='request_has_an_amount'),
        ),
        migrations.AddConstraint(
            model_name='paymentrequest',
            constraint=models.UniqueConstraint(fields=('practice', 'click'), name='request_once_per_click'),
        ),
        migrations.AddConstraint(
            model_name='requestline',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='request_line_has_an_amount'),
        ),
        migrations.AddConstraint(
            model_name='requestline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'PROCEDURE'), ('proc_num__gt', 0)), models.Q(models.Q(('kind', 'PROCEDURE'), _negated=True), ('proc_num', 0)), _connector='OR'), name='request_line_of_a_procedure_names_it'),
        ),
        migrations.AddIndex(
            model_name='requesttry',
            index=models.Index(condition=models.Q(('state__in', ['READY', 'RUNNING'])), fields=['practice', 'made_at'], name='tries_unfinished'),
        ),
        migrations.AddConstraint(
            model_name='requesttry',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0), ('amount_cents__lte', models.F('shown_cents'))), name='try_within_what_was_shown'),
        ),
        migrations.AddConstraint(
            model_name='requesttry',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['READY', 'RUNNING'])), fields=('request',), name='one_try_under_way_per_request'),
        ),
        *protect("paylinks_paymentrequest", "paylinks_requestline", "paylinks_requesttry"),
    ]
