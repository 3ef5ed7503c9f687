"""Notes in a patient's Commlog about what staff enter by hand."""

import django.db.models.deletion
from django.db import migrations, models

from practices.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('opendental', '0005_payment_types'),
        ('payments', '0018_voids'),
        ('practices', '0006_refund_limits'),
    ]

    operations = [
        migrations.CreateModel(
            name='OfficeNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pat_num', models.BigIntegerField()),
                ('text', models.CharField(max_length=600)),
                ('state', models.CharField(choices=[('QUEUED', 'Waiting'), ('SENDING', 'Being written'), ('UNCLEAR', 'Looking for it in the Commlog'), ('WRITTEN', 'In the Commlog'), ('REFUSED', 'Not written'), ('DROPPED', 'No longer needed')], default='QUEUED', max_length=8)),
                ('state_reason', models.CharField(blank=True, max_length=300)),
                ('commlog_num', models.BigIntegerField(blank=True, null=True)),
                ('next_at', models.DateTimeField()),
                ('claimed_at', models.DateTimeField(blank=True, null=True)),
                ('sends', models.PositiveSmallIntegerField(default=0)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('posting', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='office_note', to='payments.ledgerposting')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ['QUEUED', 'SENDING', 'UNCLEAR'])), fields=['practice', 'next_at'], name='office_notes_to_write')],
            },
        ),
        *protect('opendental_officenote'),
    ]
