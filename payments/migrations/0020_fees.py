"""Fees: decisions of a practice, the fee of a tender, its adjustments in Open Dental (ADR 8)."""

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

from practices.rls import append_only, protect


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0003_search_behind_row_security'),
        ('payments', '0019_requests'),
        ('practices', '0004_events_behind_row_security'),
    ]

    operations = [
        migrations.AddField(
            model_name='allocation',
            name='discount_cents',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='refund',
            name='fee_cents',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.CreateModel(
            name='FeeSettings',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('ABSORB', 'Absorb'), ('DISCOUNT', 'Cash discount'), ('SURCHARGE', 'Surcharge')], max_length=9)),
                ('effective_on', models.DateField(help_text='Practice-local day')),
                ('discount_rate', models.PositiveSmallIntegerField(default=0)),
                ('cash_types', models.JSONField(blank=True, default=list)),
                ('adj_type_num', models.BigIntegerField(default=0)),
                ('surcharge_rate', models.PositiveSmallIntegerField(default=0)),
                ('cost_rate', models.PositiveSmallIntegerField(default=0)),
                ('state', models.CharField(blank=True, max_length=2)),
                ('notice_on', models.DateField(blank=True, null=True)),
                ('acknowledgement', models.CharField(blank=True, max_length=80)),
                ('actor', models.CharField(max_length=80)),
                ('decided_at', models.DateTimeField(help_text='Business time, UTC')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
        ),
        migrations.CreateModel(
            name='LedgerAdjustment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('proc_num', models.BigIntegerField()),
                ('adj_type_num', models.BigIntegerField()),
                ('amount_cents', models.BigIntegerField(help_text='Below zero')),
                ('reference', models.CharField(max_length=25, unique=True)),
                ('state', models.CharField(choices=[('QUEUED', 'Waiting'), ('SENDING', 'Sending'), ('UNCLEAR', 'Looking for it in Open Dental'), ('POSTED', 'Posted, reading back'), ('MATCHED', 'Posted and read back'), ('BY_HAND', 'Waits for staff to enter it in Open Dental')], default='QUEUED', max_length=10)),
                ('state_reason', models.CharField(blank=True, max_length=300)),
                ('adj_num', models.BigIntegerField(blank=True, null=True)),
                ('sent_body', models.JSONField(blank=True, default=dict)),
                ('claimed_at', models.DateTimeField(blank=True, null=True)),
                ('next_at', models.DateTimeField(help_text='When the poster looks at it again')),
                ('searches', models.PositiveSmallIntegerField(default=0)),
                ('sends', models.PositiveSmallIntegerField(default=0)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('matched_at', models.DateTimeField(blank=True, null=True)),
                ('allocation', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='adjustment', to='payments.allocation')),
                ('patient', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('payment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='adjustments', to='payments.payment')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
        ),
        migrations.CreateModel(
            name='TenderFee',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('DISCOUNT', 'Cash discount'), ('SURCHARGE', 'Surcharge')], max_length=9)),
                ('base_cents', models.BigIntegerField()),
                ('fee_cents', models.BigIntegerField()),
                ('total_cents', models.BigIntegerField()),
                ('rate', models.PositiveSmallIntegerField()),
                ('sentence', models.CharField(max_length=300)),
                ('due_part', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='tender_fee', to='payments.duepart')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
                ('settings', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='payments.feesettings')),
            ],
        ),
        migrations.AddIndex(
            model_name='feesettings',
            index=models.Index(fields=['practice', '-id'], name='fee_decisions'),
        ),
        migrations.AddConstraint(
            model_name='feesettings',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('mode', 'SURCHARGE'), _negated=True), models.Q(('cost_rate__gt', 0), ('surcharge_rate__gt', 0), ('surcharge_rate__lte', 300)), _connector='OR'), name='surcharge_within_the_networks_cap'),
        ),
        migrations.AddConstraint(
            model_name='feesettings',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('mode', 'DISCOUNT'), _negated=True), models.Q(('adj_type_num__gt', 0), ('discount_rate__gt', 0), ('discount_rate__lt', 10000)), _connector='OR'), name='discount_has_a_rate_and_a_type'),
        ),
        migrations.AddIndex(
            model_name='ledgeradjustment',
            index=models.Index(condition=models.Q(('state', 'MATCHED'), _negated=True), fields=['practice', 'next_at'], name='adjustments_to_work'),
        ),
        migrations.AddConstraint(
            model_name='ledgeradjustment',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents__lt', 0), ('proc_num__gt', 0)), name='adjustment_takes_off'),
        ),
        migrations.AddConstraint(
            model_name='tenderfee',
            constraint=models.CheckConstraint(condition=models.Q(('base_cents__gt', 0), ('fee_cents__gt', 0), ('total_cents__gt', 0)), name='tender_fee_has_amounts'),
        ),
        migrations.AddConstraint(
            model_name='tenderfee',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'DISCOUNT'), ('total_cents', django.db.models.expressions.CombinedExpression(models.F('base_cents'), '-', models.F('fee_cents')))), models.Q(('kind', 'SURCHARGE'), ('total_cents', django.db.models.expressions.CombinedExpression(models.F('base_cents'), '+', models.F('fee_cents')))), _connector='OR'), name='tender_fee_adds_up'),
        ),
        *protect('payments_feesettings', 'payments_tenderfee', 'payments_ledgeradjustment'),
        *append_only('payments_feesettings'),
        *append_only('payments_tenderfee'),
    ]
