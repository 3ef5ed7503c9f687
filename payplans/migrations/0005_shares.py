"""Who else pays a part of a plan."""

import django.db.models.deletion
from django.db import migrations, models

from practices.rls import append_only, protect


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0003_search_behind_row_security'),
        ('payplans', '0004_forgiven'),
        ('practices', '0007_requests'),
    ]

    operations = [
        migrations.AddField(
            model_name='installment',
            name='shared_cents',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='payplan',
            name='is_shared',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.CreateModel(
            name='PlanShare',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('percent_bp', models.PositiveIntegerField(blank=True, null=True)),
                ('cents', models.BigIntegerField(blank=True, null=True)),
                ('from_date', models.DateField()),
                ('reason', models.CharField(max_length=200)),
                ('actor', models.CharField(max_length=80)),
                ('made_at', models.DateTimeField(help_text='Business time, UTC')),
                ('payer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='plan_shares', to='patients.patient')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shares', to='payplans.payplan')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('cents', None), ('payer', None), ('percent_bp', None)), models.Q(('cents', None), ('payer__isnull', False), ('percent_bp__gt', 0), ('percent_bp__lt', 10000)), models.Q(('cents__gt', 0), ('payer__isnull', False), ('percent_bp', None)), _connector='OR'), name='plan_share_is_percent_or_cents')],
            },
        ),
        *protect("payplans_planshare"),
        *append_only("payplans_planshare"),
    ]
