"""Installments in several parts, and what payers decide by themselves."""
# compatible: a check only got looser, no earlier code makes a backup card, and choices are known to no database

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cards', '0003_cards_of_one_number'),
        ('patients', '0003_search_behind_row_security'),
        ('payments', '0022_moves_index'),
        ('payplans', '0004_forgiven'),
        ('practices', '0008_fix_it'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='planchange',
            name='plan_change_has_what_its_kind_needs',
        ),
        migrations.AddField(
            model_name='duepart',
            name='charge_from',
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='duepart',
            name='is_once',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='duepart',
            name='slot',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name='planchange',
            name='kind',
            field=models.CharField(choices=[('PAUSE', 'Pause'), ('SKIP', 'Skip one payment'), ('MOVE', 'Move one charge'), ('CARD', 'Another card for one charge'), ('SPLIT', 'One payment in two parts'), ('BACKUP', 'Backup card')], max_length=8),
        ),
        migrations.AddConstraint(
            model_name='planchange',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None), ('kind', 'BACKUP')), fields=('plan',), name='one_backup_card_per_plan'),
        ),
        migrations.AddConstraint(
            model_name='planchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('from_date__isnull', False), ('installment', None), ('kind', 'PAUSE'), ('until_date__isnull', False)), models.Q(('installment__isnull', False), ('kind', 'SKIP')), models.Q(('from_date__isnull', False), ('installment__isnull', False), ('kind', 'MOVE')), models.Q(('card__isnull', False), ('consent__isnull', False), ('installment__isnull', False), ('kind', 'CARD')), models.Q(('from_date__isnull', False), ('installment__isnull', False), ('kind', 'SPLIT'), ('until_date__isnull', False)), models.Q(('card__isnull', False), ('consent__isnull', False), ('installment', None), ('kind', 'BACKUP')), _connector='OR'), name='plan_change_names_what_it_needs'),
        ),
    ]
