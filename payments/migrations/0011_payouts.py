"""Payouts and their lines. The lines' payment and refund have no constraint: checking it would lock the money path."""

import django.db.models.deletion
from django.db import migrations, models

from practices.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0010_desk_sales'),
        ('practices', '0004_events_behind_row_security'),
    ]

    operations = [
        migrations.CreateModel(
            name='Payout',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=64)),
                ('amount_cents', models.BigIntegerField()),
                ('state', models.CharField(choices=[('PENDING', 'Being prepared'), ('IN_TRANSIT', 'On its way to the bank'), ('PAID', 'Paid out'), ('FAILED', 'Returned by the bank'), ('CANCELED', 'Canceled')], max_length=10)),
                ('made_at', models.DateTimeField(help_text='By the processor, UTC')),
                ('arrives_date', models.DateField(help_text="The bank's day")),
                ('failure', models.CharField(blank=True, max_length=200)),
                ('is_automatic', models.BooleanField(default=True)),
                ('is_complete', models.BooleanField(default=False)),
                ('read_at', models.DateTimeField(blank=True, null=True)),
                ('difference_cents', models.BigIntegerField(blank=True, null=True)),
                ('carried_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='carries', to='payments.payout')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
        ),
        migrations.CreateModel(
            name='PayoutLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=64)),
                ('kind', models.CharField(choices=[('PAYMENT', 'Payment'), ('REFUND', 'Refund'), ('REFUND_FAILED', 'Refund that failed'), ('DISPUTE', 'Dispute'), ('FEE', "Processor's fee"), ('RETURNED', 'Returned payout'), ('OTHER', 'Unknown')], max_length=14)),
                ('word', models.CharField(max_length=60)),
                ('amount_cents', models.BigIntegerField()),
                ('fee_cents', models.BigIntegerField()),
                ('net_cents', models.BigIntegerField()),
                ('made_at', models.DateTimeField(help_text='UTC')),
                ('source', models.CharField(blank=True, max_length=64)),
                ('intent', models.CharField(blank=True, max_length=64)),
                ('description', models.CharField(blank=True, max_length=200)),
                ('payment', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='payout_lines', to='payments.payment')),
                ('payout', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='payments.payout')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
                ('refund', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='payout_lines', to='payments.refund')),
            ],
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(fields=['practice', '-made_at'], name='payouts_recent'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.UniqueConstraint(fields=('practice', 'reference'), name='payout_reference_once'),
        ),
        migrations.AddIndex(
            model_name='payoutline',
            index=models.Index(fields=['practice', 'made_at'], name='payout_lines_by_time'),
        ),
        migrations.AddConstraint(
            model_name='payoutline',
            constraint=models.UniqueConstraint(fields=('practice', 'reference'), name='payout_line_reference_once'),
        ),
        migrations.AddConstraint(
            model_name='payoutline',
            constraint=models.CheckConstraint(condition=models.Q(('net_cents', models.F('amount_cents') - models.F('fee_cents'))), name='payout_line_net_is_amount_less_fee'),
        ),
        *protect("payments_payout", "payments_payoutline"),
    ]
