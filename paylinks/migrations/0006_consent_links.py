"""Links on which a person agrees to autopay."""

import django.db.models.deletion
import uuid
from django.db import migrations, models

from practices.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('cards', '0004_consent_terms'),
        ('notifications', '0008_consent_asked'),
        ('patients', '0003_search_behind_row_security'),
        ('paylinks', '0005_my_plan'),
        ('payplans', '0004_forgiven'),
        ('practices', '0007_requests'),
    ]

    operations = [
        migrations.CreateModel(
            name='ConsentLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('nonce', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('token_hash', models.CharField(max_length=64, unique=True)),
                ('click', models.UUIDField()),
                ('actor', models.CharField(max_length=80)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('agreed_at', models.DateTimeField(blank=True, null=True)),
                ('card', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cards.card')),
                ('consent', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cards.consent')),
                ('message', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='notifications.message')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='consent_links', to='payplans.payplan')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('practice', 'click'), name='consent_link_once_per_click')],
            },
        ),
        *protect("paylinks_consentlink"),
    ]
