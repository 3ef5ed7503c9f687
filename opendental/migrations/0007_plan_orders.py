"""Orders of staff for plans in Open Dental."""

import django.db.models.deletion
from django.db import migrations, models

from practices.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('opendental', '0006_office_notes'),
        ('patients', '0003_search_behind_row_security'),
        ('payplans', '0003_board_indexes'),
        ('practices', '0005_plan_changes'),
    ]

    operations = [
        migrations.CreateModel(
            name='PlanOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(unique=True)),
                ('kind', models.CharField(choices=[('CREATE', 'New plan'), ('TERMS', 'Change of terms'), ('CLOSE', 'Closing')], max_length=8)),
                ('state', models.CharField(choices=[('QUEUED', 'Waits to be sent'), ('SENDING', 'Being sent'), ('UNCLEAR', 'Looking in Open Dental'), ('READING', 'Reading it back'), ('DONE', 'Done, read back'), ('DIFFERENT', 'Done, Open Dental differs'), ('REFUSED', 'Refused by Open Dental'), ('NOT_DONE', 'Not done')], default='QUEUED', max_length=10)),
                ('state_reason', models.CharField(blank=True, max_length=300)),
                ('wrong_field', models.CharField(blank=True, max_length=20)),
                ('reference', models.CharField(max_length=25)),
                ('body', models.JSONField(default=dict)),
                ('form', models.JSONField(default=dict)),
                ('expected', models.JSONField(default=list)),
                ('differences', models.JSONField(default=list)),
                ('pay_plan_num', models.BigIntegerField(blank=True, null=True)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('actor', models.CharField(max_length=80)),
                ('made_at', models.DateTimeField(help_text='Business time, UTC')),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('next_at', models.DateTimeField()),
                ('searches', models.PositiveSmallIntegerField(default=0)),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='plan_orders', to='patients.patient')),
                ('plan', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='payplans.payplan')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ['QUEUED', 'SENDING', 'UNCLEAR', 'READING'])), fields=['practice', 'next_at'], name='plan_orders_open')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('kind', 'CREATE'), ('state__in', ['QUEUED', 'SENDING', 'UNCLEAR', 'READING'])), fields=('patient',), name='one_open_new_plan_per_patient'), models.UniqueConstraint(condition=models.Q(('kind__in', ['TERMS', 'CLOSE']), ('state__in', ['QUEUED', 'SENDING', 'UNCLEAR', 'READING'])), fields=('plan',), name='one_open_order_per_plan')],
            },
        ),
        *protect("opendental_planorder"),
    ]
