"""Moves of a payment to another patient or other procedures; two more movements of the ledger."""
# compatible: the constraint made anew allows all that it allowed; the choices are known to no database

import django.db.models.deletion
from django.db import migrations, models

from practices.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0003_search_behind_row_security'),
        ('payments', '0020_fees'),
        ('payplans', '0004_forgiven'),
        ('practices', '0006_refund_limits'),
    ]

    operations = [
        migrations.CreateModel(
            name='Move',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('SPLITS', 'The same payment, on other procedures'), ('REPOST', 'Taken off and posted again'), ('REROUTE', 'Posted there in the first place')], max_length=7)),
                ('state', models.CharField(choices=[('ORDERED', 'Under way'), ('DONE', 'Moved, read back'), ('REFUSED', 'Not moved')], default='ORDERED', max_length=7)),
                ('state_reason', models.CharField(blank=True, max_length=300)),
                ('reason', models.CharField(max_length=200)),
                ('actor', models.CharField(max_length=80)),
                ('before', models.CharField(max_length=300)),
                ('after', models.CharField(max_length=300)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('next_at', models.DateTimeField(help_text='When the poster looks at it again')),
                ('tries', models.PositiveSmallIntegerField(default=0)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='ledgerposting',
            name='posting_of_a_refund_names_it',
        ),
        migrations.AlterField(
            model_name='ledgerposting',
            name='movement',
            field=models.CharField(choices=[('PAYMENT', 'Payment'), ('REFUND', 'Refund'), ('MOVE_OUT', 'Taken off'), ('MOVE_IN', 'Moved here')], default='PAYMENT', max_length=12),
        ),
        migrations.AlterField(
            model_name='sale',
            name='state',
            field=models.CharField(choices=[('DRAFT', 'Draft'), ('OPEN', 'Being paid'), ('PAID', 'Paid'), ('CANCELED', 'Canceled'), ('TARGET', 'Target of a move')], default='DRAFT', max_length=8),
        ),
        migrations.AddField(
            model_name='move',
            name='payment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='moves', to='payments.payment'),
        ),
        migrations.AddField(
            model_name='move',
            name='practice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='practices.practice'),
        ),
        migrations.AddField(
            model_name='move',
            name='target',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='move', to='payments.sale'),
        ),
        migrations.AddField(
            model_name='ledgerposting',
            name='move',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='payments.move'),
        ),
        migrations.AddConstraint(
            model_name='ledgerposting',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('movement', 'REFUND'), ('refund__isnull', False)), models.Q(models.Q(('movement', 'REFUND'), _negated=True), ('refund__isnull', True)), _connector='OR'), name='posting_of_a_refund_names_it'),
        ),
        migrations.AddIndex(
            model_name='move',
            index=models.Index(condition=models.Q(('state', 'ORDERED')), fields=['practice', 'next_at'], name='moves_under_way'),
        ),
        migrations.AddConstraint(
            model_name='move',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'ORDERED')), fields=('payment',), name='one_open_move_of_a_payment'),
        ),
        *protect('payments_move'),
    ]
