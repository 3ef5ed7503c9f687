"""The autopay of a second payer."""

import django.db.models.deletion
from django.db import migrations, models

from practices.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('cards', '0004_consent_terms'),
        ('patients', '0003_search_behind_row_security'),
        ('payplans', '0005_shares'),
        ('practices', '0007_requests'),
    ]

    operations = [
        migrations.CreateModel(
            name='PayerAutopay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_on', models.BooleanField(default=True)),
                ('since', models.DateTimeField()),
                ('stopped_at', models.DateTimeField(blank=True, null=True)),
                ('stopped_reason', models.CharField(blank=True, max_length=200)),
                ('card', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payer_autopays', to='cards.card')),
                ('consent', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cards.consent')),
                ('payer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payer_autopays', to='patients.patient')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payer_autopays', to='payplans.payplan')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('plan', 'payer'), name='one_autopay_per_payer')],
            },
        ),
        *protect("cards_payerautopay"),
    ]
