"""Links to a payer's own page of a plan."""

import django.db.models.deletion
import uuid
from django.db import migrations, models

from practices.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0003_search_behind_row_security'),
        ('paylinks', '0004_requests'),
        ('payplans', '0004_forgiven'),
        ('practices', '0008_fix_it'),
    ]

    operations = [
        migrations.CreateModel(
            name='PlanLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('nonce', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('token_hash', models.CharField(max_length=64, unique=True)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('opened_at', models.DateTimeField(blank=True, null=True)),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='links', to='payplans.payplan')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
            options={
                'abstract': False,
            },
        ),
        *protect("paylinks_planlink"),
    ]
