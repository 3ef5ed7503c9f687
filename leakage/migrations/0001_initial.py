import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('patients', '0003_search_behind_row_security'),
        ('practices', '0007_requests'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Leak',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('cause', models.CharField(choices=[('FAILED', 'Payment failed'), ('NEW_CARD', 'Needs new card'), ('PLAN_CHANGED', 'Plan changed'), ('HELD', 'Held'), ('NO_CARD', 'Overdue, no card'), ('NO_AUTOPAY', 'No autopay'), ('CARD_EXPIRES', 'Card expires first'), ('UNKNOWN', 'Outcome unknown'), ('NOT_POSTED', 'Not posted'), ('REFUSED', 'Refused by Open Dental'), ('NOT_READ_BACK', 'Not read back'), ('REFUND_NOT_POSTED', 'Refund not posted'), ('REQUEST_UNPAID', 'Request unpaid'), ('REQUEST_LOST', 'Request undeliverable'), ('DISPUTE', 'Dispute open'), ('SYNC', 'Sync behind')], max_length=20)),
                ('key', models.CharField(max_length=80)),
                ('amount_cents', models.BigIntegerField()),
                ('most_cents', models.BigIntegerField()),
                ('paid_before_cents', models.BigIntegerField(default=0)),
                ('words', models.CharField(max_length=300)),
                ('about', models.JSONField(default=dict)),
                ('since', models.DateTimeField(help_text='When it began to leak, UTC')),
                ('found_at', models.DateTimeField()),
                ('snoozed_until', models.DateTimeField(blank=True, null=True)),
                ('snooze_reason', models.CharField(blank=True, max_length=200)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('outcome', models.CharField(blank=True, choices=[('RECOVERED', 'Recovered'), ('PUT_RIGHT', 'Put right'), ('GONE', 'Gone')], max_length=9)),
                ('back_cents', models.BigIntegerField(default=0)),
                ('back_by', models.CharField(blank=True, max_length=120)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('patient', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('closed_at__isnull', False)), fields=['practice', '-closed_at'], name='leaks_closed')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('closed_at__isnull', True)), fields=('practice', 'key'), name='leak_open_once'), models.CheckConstraint(condition=models.Q(('amount_cents__gte', 0), ('back_cents__gte', 0), ('back_cents__lte', models.F('most_cents'))), name='leak_brings_back_no_more_than_it_lost'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('outcome', '')), models.Q(('closed_at__isnull', False), models.Q(('outcome', ''), _negated=True)), _connector='OR'), name='closed_leak_has_an_outcome')],
            },
        ),
        migrations.CreateModel(
            name='LeakDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('cause', models.CharField(blank=True, max_length=20)),
                ('leaks', models.PositiveIntegerField()),
                ('cents', models.BigIntegerField()),
                ('looked_at', models.DateTimeField()),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('practice', 'day', 'cause'), name='leak_day_once')],
            },
        ),
    ]
