"""Refunds, never more than their payment, and the postings that write them down."""
# compatible: columns only got more choices, and the constraints hold for every posting the earlier release makes

import django.db.models.deletion
import uuid
from django.db import migrations, models

from practices.rls import protect

# Holds without any lock in the code: it queues at the payment's row, then adds up. Refunds made at the processor are
# facts and only count. Moving on from one holding state to another is always allowed: news must not be lost.
HOLDING = "('STARTED', 'PENDING', 'UNKNOWN', 'SUCCEEDED')"
WITHIN = f"""
CREATE FUNCTION payments_refund_within_payment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE paid bigint; held bigint;
BEGIN
    IF NEW.origin = 'ELSEWHERE' OR NEW.state NOT IN {HOLDING} THEN RETURN NEW; END IF;
    IF TG_OP = 'UPDATE' AND OLD.state IN {HOLDING} AND NEW.payment_id = OLD.payment_id
        AND NEW.amount_cents <= OLD.amount_cents THEN RETURN NEW; END IF;
    SELECT amount_cents INTO paid FROM payments_payment WHERE id = NEW.payment_id FOR UPDATE;
    SELECT coalesce(sum(amount_cents), 0) INTO held FROM payments_refund
        WHERE payment_id = NEW.payment_id AND id <> NEW.id AND state IN {HOLDING};
    IF held + NEW.amount_cents > paid THEN
        RAISE EXCEPTION 'refunds exceed their payment'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refunds_within_payment';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refunds_within_payment BEFORE INSERT OR UPDATE ON payments_refund
    FOR EACH ROW EXECUTE FUNCTION payments_refund_within_payment();
"""

class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0002_row_level_security'),
        ('payments', '0003_trace_and_recovery'),
        ('payplans', '0002_row_level_security'),
        ('practices', '0003_recovery'),
    ]

    operations = [
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('amount_cents', models.BigIntegerField()),
                ('origin', models.CharField(choices=[('HERE', 'KasperPay'), ('ELSEWHERE', 'At the processor')], default='HERE', max_length=9)),
                ('reason', models.CharField(choices=[('REQUESTED', 'The patient asked for it'), ('DUPLICATE', 'Paid twice'), ('OTHER', 'Another reason')], default='OTHER', max_length=9)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('actor', models.CharField(max_length=80)),
                ('state', models.CharField(choices=[('STARTED', 'Started'), ('PENDING', 'Processing'), ('UNKNOWN', 'Outcome unknown'), ('SUCCEEDED', 'Given back'), ('FAILED', 'Failed'), ('NOT_TAKEN', 'Not done')], default='STARTED', max_length=10)),
                ('state_reason', models.CharField(blank=True, max_length=200)),
                ('params', models.JSONField(default=dict)),
                ('reference', models.CharField(blank=True, max_length=64)),
                ('trace', models.CharField(blank=True, default='', max_length=32)),
                ('started_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(auto_now_add=True)),
                ('settled_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='ledgerposting',
            name='one_posting_per_movement',
        ),
        migrations.AlterField(
            model_name='ledgerposting',
            name='movement',
            field=models.CharField(choices=[('PAYMENT', 'Payment'), ('REFUND', 'Refund')], default='PAYMENT', max_length=12),
        ),
        migrations.AlterField(
            model_name='ledgerposting',
            name='route',
            field=models.CharField(blank=True, choices=[('CHARGE_ROWS', "To the plan's charge rows"), ('PREPAYMENT', 'As a prepayment on the plan'), ('PLAN_FIFO', 'To the plan, oldest charge first'), ('PATIENT', "To the patient's account, allocated by staff"), ('REFUND', "As Open Dental's refund of the payment"), ('NEGATIVE', 'As a negative payment'), ('BY_HAND', 'By staff: Open Dental lets no program do it')], max_length=12),
        ),
        migrations.AlterField(
            model_name='ledgerposting',
            name='state',
            field=models.CharField(choices=[('QUEUED', 'Waiting'), ('SENDING', 'Sending'), ('UNCLEAR', 'Looking for it in Open Dental'), ('POSTED', 'Posted, reading back'), ('MATCHED', 'Posted and read back'), ('MISMATCH', 'Posted, but Open Dental shows something else'), ('REFUSED', 'Refused by Open Dental'), ('BY_HAND', 'Waits for staff to enter it in Open Dental'), ('WITHDRAWN', 'No longer needed')], default='QUEUED', max_length=10),
        ),
        migrations.AddField(
            model_name='refund',
            name='payment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='payments.payment'),
        ),
        migrations.AddField(
            model_name='refund',
            name='practice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice'),
        ),
        migrations.AddField(
            model_name='ledgerposting',
            name='refund',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='posting', to='payments.refund'),
        ),
        migrations.AddConstraint(
            model_name='ledgerposting',
            constraint=models.UniqueConstraint(condition=models.Q(('movement', 'PAYMENT')), fields=('payment',), name='one_posting_of_a_payment'),
        ),
        migrations.AddConstraint(
            model_name='ledgerposting',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('movement', 'PAYMENT'), ('refund__isnull', True)), models.Q(('movement', 'REFUND'), ('refund__isnull', False)), _connector='OR'), name='posting_of_a_refund_names_it'),
        ),
        migrations.AddIndex(
            model_name='refund',
            index=models.Index(condition=models.Q(('state__in', ['STARTED', 'PENDING', 'UNKNOWN'])), fields=['practice', 'sent_at'], name='refunds_to_reconcile'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='refund_has_an_amount'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.UniqueConstraint(condition=models.Q(('reference', ''), _negated=True), fields=('practice', 'reference'), name='refund_reference_once'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('origin', 'HERE'), models.Q(('reference', ''), _negated=True), _connector='OR'), name='refund_made_elsewhere_has_its_reference'),
        ),
        *protect("payments_refund"),
        migrations.RunSQL(
            WITHIN,
            "DROP TRIGGER refunds_within_payment ON payments_refund; DROP FUNCTION payments_refund_within_payment();",
        ),
    ]
