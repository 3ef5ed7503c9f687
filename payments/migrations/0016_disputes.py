"""Disputes of payments, and what a lost one takes out of the books."""
# compatible: a choice more in a column, which the earlier release only shows

import django.db.models.deletion
from django.db import migrations, models

from practices.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0015_presented_cards_index'),
        ('practices', '0004_events_behind_row_security'),
    ]

    operations = [
        migrations.AlterField(
            model_name='refund',
            name='reason',
            field=models.CharField(choices=[('REQUESTED', 'The patient asked for it'), ('DUPLICATE', 'Paid twice'), ('OTHER', 'Another reason'), ('DISPUTE', 'Lost dispute')], default='OTHER', max_length=9),
        ),
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=64)),
                ('state', models.CharField(choices=[('INQUIRY', 'Inquiry: reply or refund'), ('INQUIRY_REVIEW', 'Inquiry: the bank reads the reply'), ('INQUIRY_CLOSED', 'Inquiry closed'), ('NEEDS_RESPONSE', 'Needs a reply'), ('UNDER_REVIEW', 'The bank decides'), ('PREVENTED', 'Prevented'), ('LOST', 'Lost'), ('APPEAL', 'Appeal: needs a reply'), ('APPEAL_REVIEW', 'Appeal: the bank decides'), ('WON', 'Won')], max_length=14)),
                ('reason', models.CharField(max_length=40)),
                ('network_code', models.CharField(blank=True, max_length=20)),
                ('amount_cents', models.BigIntegerField()),
                ('withdrawn_cents', models.BigIntegerField(default=0)),
                ('fee_cents', models.BigIntegerField(default=0)),
                ('is_refundable', models.BooleanField(default=False)),
                ('reply_by', models.DateTimeField(blank=True, help_text='UTC', null=True)),
                ('made_at', models.DateTimeField(help_text='By the processor, UTC')),
                ('heard_at', models.DateTimeField()),
                ('over_at', models.DateTimeField(blank=True, help_text='Business time', null=True)),
                ('fingerprint', models.CharField(blank=True, max_length=64)),
                ('is_frozen', models.BooleanField(default=False)),
                ('released_at', models.DateTimeField(blank=True, null=True)),
                ('released_by', models.CharField(blank=True, max_length=80)),
                ('release_reason', models.CharField(blank=True, max_length=200)),
                ('submitted_on', models.DateField(blank=True, help_text='Practice-local', null=True)),
                ('submitted_note', models.CharField(blank=True, max_length=200)),
                ('loss', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='dispute', to='payments.refund')),
                ('payment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='payments.payment')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
            options={
                'indexes': [models.Index(fields=['practice', '-made_at'], name='disputes_recent'), models.Index(condition=models.Q(('is_frozen', True)), fields=['practice', 'fingerprint'], name='disputes_frozen')],
                'constraints': [models.UniqueConstraint(fields=('practice', 'reference'), name='dispute_reference_once'), models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='dispute_has_an_amount'), models.CheckConstraint(condition=models.Q(('is_frozen', False), ('released_at', None), _connector='OR'), name='released_dispute_is_not_frozen')],
            },
        ),
        *protect("payments_dispute"),
    ]
