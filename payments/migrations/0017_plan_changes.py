"""Pauses, skips, moved charges and cards of one charge; and the holds that follow from them."""
# compatible: a column only got more choices; the earlier release leaves such a hold to staff, with its reason

import django.db.models.deletion
from django.db import migrations, models

from practices.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('cards', '0003_cards_of_one_number'),
        ('payments', '0016_disputes'),
        ('payplans', '0003_board_indexes'),
        ('practices', '0005_plan_changes'),
    ]

    operations = [
        migrations.AlterField(
            model_name='duepart',
            name='hold',
            field=models.CharField(blank=True, choices=[('', ''), ('ARREARS', 'Was overdue when the card was attached'), ('NOT_ISSUED', "The office's charge run was missed"), ('ABOVE_CONSENT', 'Plan changed: above the agreed maximum'), ('NEW_CARD', 'Needs new card'), ('STAFF', 'Needs a look by staff'), ('RECONCILE', 'Looking for an earlier payment'), ('PAUSED', 'Due while the plan was paused'), ('SKIPPED', 'Skipped by staff')], default='', max_length=16),
        ),
        migrations.CreateModel(
            name='PlanChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('PAUSE', 'Pause'), ('SKIP', 'Skip one payment'), ('MOVE', 'Move one charge'), ('CARD', 'Another card for one charge')], max_length=8)),
                ('from_date', models.DateField(blank=True, null=True)),
                ('until_date', models.DateField(blank=True, null=True)),
                ('planned_date', models.DateField(blank=True, null=True)),
                ('reason', models.CharField(max_length=200)),
                ('actor', models.CharField(max_length=80)),
                ('made_at', models.DateTimeField(help_text='Business time, UTC')),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('ended_by', models.CharField(blank=True, max_length=80)),
                ('end_reason', models.CharField(blank=True, max_length=200)),
                ('card', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cards.card')),
                ('consent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cards.consent')),
                ('installment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='payplans.installment')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='payplans.payplan')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('installment', 'kind'), name='one_change_of_a_kind_per_installment'), models.CheckConstraint(condition=models.Q(models.Q(('from_date__isnull', False), ('installment', None), ('kind', 'PAUSE'), ('until_date__isnull', False)), models.Q(('installment__isnull', False), ('kind', 'SKIP')), models.Q(('from_date__isnull', False), ('installment__isnull', False), ('kind', 'MOVE')), models.Q(('card__isnull', False), ('consent__isnull', False), ('installment__isnull', False), ('kind', 'CARD')), _connector='OR'), name='plan_change_has_what_its_kind_needs'), models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='plan_change_has_a_reason')],
            },
        ),
        *protect("payments_planchange"),
    ]
