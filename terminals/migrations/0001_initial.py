import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('cards', '0003_cards_of_one_number'),
        ('payments', '0013_tenders_index'),
        ('practices', '0004_events_behind_row_security'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Location',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('name', models.CharField(max_length=100)),
                ('line1', models.CharField(max_length=200)),
                ('city', models.CharField(max_length=100)),
                ('state', models.CharField(max_length=2)),
                ('postal_code', models.CharField(max_length=10)),
                ('reference', models.CharField(max_length=64)),
                ('opened_at', models.DateTimeField()),
                ('removed_at', models.DateTimeField(blank=True, null=True)),
                ('clinic', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.clinic')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
        ),
        migrations.CreateModel(
            name='Reader',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('label', models.CharField(max_length=60)),
                ('device_type', models.CharField(max_length=40)),
                ('serial_end', models.CharField(blank=True, max_length=6)),
                ('reference', models.CharField(max_length=64)),
                ('state', models.CharField(choices=[('ACTIVE', 'In use'), ('RETIRED', 'Retired')], default='ACTIVE', max_length=8)),
                ('is_online', models.BooleanField(blank=True, null=True)),
                ('seen_at', models.DateTimeField(blank=True, null=True)),
                ('registered_at', models.DateTimeField()),
                ('location', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='readers', to='terminals.location')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
        ),
        migrations.CreateModel(
            name='DefaultReader',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reader', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='defaults', to='terminals.reader')),
            ],
        ),
        migrations.CreateModel(
            name='ReaderRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('state', models.CharField(choices=[('READY', 'Waiting for a worker'), ('SENDING', 'Waking the reader'), ('WAITING', 'Waiting for a card'), ('PROCESSING', 'Processing'), ('ENDED', 'Over')], default='READY', max_length=10)),
                ('actor', models.CharField(max_length=80)),
                ('made_at', models.DateTimeField(auto_now_add=True)),
                ('looked_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('code', models.CharField(blank=True, max_length=60)),
                ('decline', models.CharField(blank=True, max_length=60)),
                ('is_stopping', models.BooleanField(default=False)),
                ('attempt', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reader_runs', to='payments.attempt')),
                ('due_part', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reader_runs', to='payments.duepart')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
                ('reader', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='terminals.reader')),
            ],
        ),
        migrations.CreateModel(
            name='CardWish',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('OPEN', 'Waiting for the payment'), ('KEPT', 'Card saved'), ('NOT_KEPT', 'Card not saved')], default='OPEN', max_length=8)),
                ('text', models.TextField()),
                ('text_version', models.CharField(max_length=20)),
                ('given_by', models.CharField(max_length=80)),
                ('given_at', models.DateTimeField()),
                ('card', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cards.card')),
                ('due_part', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='card_wish', to='payments.duepart')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'OPEN')), fields=['practice', 'given_at'], name='card_wishes_open')],
            },
        ),
        migrations.AddConstraint(
            model_name='location',
            constraint=models.UniqueConstraint(fields=('practice', 'reference'), name='location_once_per_practice'),
        ),
        migrations.AddConstraint(
            model_name='location',
            constraint=models.UniqueConstraint(condition=models.Q(('removed_at', None)), fields=('practice', 'clinic'), name='one_location_per_clinic'),
        ),
        migrations.AddConstraint(
            model_name='reader',
            constraint=models.UniqueConstraint(fields=('practice', 'reference'), name='reader_once_per_practice'),
        ),
        migrations.AddConstraint(
            model_name='reader',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'ACTIVE')), fields=('practice', 'label'), name='reader_names_differ'),
        ),
        migrations.AddConstraint(
            model_name='defaultreader',
            constraint=models.UniqueConstraint(fields=('practice', 'user'), name='one_default_reader_per_person'),
        ),
        migrations.AddIndex(
            model_name='readerrun',
            index=models.Index(condition=models.Q(('state', 'ENDED'), _negated=True), fields=['practice', 'made_at'], name='reader_runs_live'),
        ),
        migrations.AddConstraint(
            model_name='readerrun',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'ENDED'), _negated=True), fields=('reader',), name='one_payment_at_a_time_per_reader'),
        ),
        migrations.AddConstraint(
            model_name='readerrun',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'ENDED'), _negated=True), fields=('due_part',), name='one_reader_at_a_time_per_payment'),
        ),
        migrations.AddConstraint(
            model_name='readerrun',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('state', 'ENDED')), models.Q(models.Q(('state', 'ENDED'), _negated=True), ('ended_at', None)), _connector='OR'), name='reader_run_ends_once'),
        ),
    ]
