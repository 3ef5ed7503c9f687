"""Desk sales: what they pay, their tenders as due parts, attempts and payments without a saved card."""
# compatible: columns only got looser or are new and nullable; the earlier release makes rows that all of this accepts

import django.db.models.deletion
import uuid
from django.db import migrations, models

from practices.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('cards', '0003_cards_of_one_number'),
        ('patients', '0003_search_behind_row_security'),
        ('payments', '0009_automatic_parts_index'),
        ('payplans', '0003_board_indexes'),
        ('practices', '0004_events_behind_row_security'),
    ]

    operations = [
        migrations.CreateModel(
            name='Sale',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('basis', models.CharField(choices=[('PATIENT', 'Patient balance'), ('FAMILY', 'Family balance'), ('PROCEDURES', 'Selected procedures'), ('CUSTOM', 'Custom amount'), ('PREPAYMENT', 'Prepayment')], max_length=10)),
                ('amount_cents', models.BigIntegerField()),
                ('state', models.CharField(choices=[('DRAFT', 'Draft'), ('OPEN', 'Being paid'), ('PAID', 'Paid'), ('CANCELED', 'Canceled')], default='DRAFT', max_length=8)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('actor', models.CharField(max_length=80)),
                ('drafted_at', models.DateTimeField(help_text='Business time, UTC; when Open Dental was read')),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='SaleLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('PROCEDURE', 'Procedure'), ('REST', 'Rest: oldest charges, then unearned'), ('PREPAYMENT', 'Prepayment')], max_length=10)),
                ('amount_cents', models.BigIntegerField()),
                ('proc_num', models.BigIntegerField(default=0)),
                ('service_date', models.DateField(blank=True, null=True)),
                ('code', models.CharField(blank=True, max_length=20)),
                ('description', models.CharField(blank=True, max_length=200)),
                ('provider', models.CharField(blank=True, max_length=40)),
                ('is_held', models.BooleanField(default=False)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='attempt',
            name='attempt_at_least_50_cents',
        ),
        migrations.RemoveConstraint(
            model_name='payment',
            name='one_payment_per_intent',
        ),
        migrations.AddField(
            model_name='attempt',
            name='paid_with',
            field=models.CharField(blank=True, db_default='', default='', max_length=80),
        ),
        migrations.AddField(
            model_name='attempt',
            name='pay_type_num',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='allocation',
            name='installment',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to='payplans.installment'),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='card',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='cards.card'),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='channel',
            field=models.CharField(choices=[('AUTOPAY', 'Autopay'), ('PAY_NOW', 'Pay Now'), ('FIX_LINK', 'Fix-it link'), ('ON_FILE', 'Card on file'), ('RECORDED', 'Cash, check or other')], max_length=10),
        ),
        migrations.AlterField(
            model_name='ledgerposting',
            name='route',
            field=models.CharField(blank=True, choices=[('CHARGE_ROWS', "To the plan's charge rows"), ('PREPAYMENT', 'As a prepayment on the plan'), ('PLAN_FIFO', 'To the plan, oldest charge first'), ('PATIENT', "To the patient's account, allocated by staff"), ('PROCEDURES', 'To the procedures named'), ('UNEARNED', 'As a prepayment on the account'), ('REFUND', "As Open Dental's refund of the payment"), ('NEGATIVE', 'As a negative payment'), ('BY_HAND', 'By staff: Open Dental lets no program do it')], max_length=12),
        ),
        migrations.AlterField(
            model_name='payment',
            name='processor_reference',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents__gte', 50), models.Q(('amount_cents__gt', 0), ('channel', 'RECORDED')), _connector='OR'), name='attempt_at_least_50_cents'),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.CheckConstraint(condition=models.Q(('card__isnull', False), ('channel', 'RECORDED'), _connector='OR'), name='attempt_without_a_card_is_recorded'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.UniqueConstraint(condition=models.Q(('processor_reference', ''), _negated=True), fields=('practice', 'processor_reference'), name='one_payment_per_intent'),
        ),
        migrations.AddField(
            model_name='sale',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sales', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='sale',
            name='practice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice'),
        ),
        migrations.AddField(
            model_name='duepart',
            name='sale',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='due_parts', to='payments.sale'),
        ),
        migrations.AddConstraint(
            model_name='duepart',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'SALE'), ('sale__isnull', False)), models.Q(models.Q(('kind', 'SALE'), _negated=True), ('sale__isnull', True)), _connector='OR'), name='due_part_of_a_sale_names_it'),
        ),
        migrations.AddField(
            model_name='saleline',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='saleline',
            name='practice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice'),
        ),
        migrations.AddField(
            model_name='saleline',
            name='sale',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='payments.sale'),
        ),
        migrations.AddField(
            model_name='allocation',
            name='line',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to='payments.saleline'),
        ),
        migrations.AddConstraint(
            model_name='allocation',
            constraint=models.UniqueConstraint(condition=models.Q(('line__isnull', False)), fields=('payment', 'line'), name='one_allocation_per_line'),
        ),
        migrations.AddConstraint(
            model_name='allocation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('installment__isnull', False), ('line__isnull', True)), models.Q(('installment__isnull', True), ('line__isnull', False)), _connector='OR'), name='allocation_is_of_one_thing'),
        ),
        migrations.AddIndex(
            model_name='sale',
            index=models.Index(condition=models.Q(('state', 'OPEN')), fields=['practice', 'drafted_at'], name='sales_being_paid'),
        ),
        migrations.AddConstraint(
            model_name='sale',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='sale_has_an_amount'),
        ),
        migrations.AddConstraint(
            model_name='saleline',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='sale_line_has_an_amount'),
        ),
        migrations.AddConstraint(
            model_name='saleline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'PROCEDURE'), ('proc_num__gt', 0)), models.Q(models.Q(('kind', 'PROCEDURE'), _negated=True), ('proc_num', 0)), _connector='OR'), name='line_of_a_procedure_names_it'),
        ),
        migrations.AddConstraint(
            model_name='saleline',
            constraint=models.UniqueConstraint(condition=models.Q(('is_held', True), ('proc_num__gt', 0)), fields=('practice', 'proc_num'), name='one_sale_holds_a_procedure'),
        ),
        *protect("payments_sale", "payments_saleline"),
    ]
