"""Cards that a person presents: the hosted page, and what the card was."""
# compatible: new columns have defaults; a constraint only got looser

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cards', '0003_cards_of_one_number'),
        ('payments', '0013_tenders_index'),
        ('practices', '0004_events_behind_row_security'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='attempt',
            name='attempt_without_a_card_is_recorded',
        ),
        migrations.AddField(
            model_name='attempt',
            name='card_facts',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='attempt',
            name='page',
            field=models.CharField(blank=True, db_default='', default='', max_length=100),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='channel',
            field=models.CharField(choices=[('AUTOPAY', 'Autopay'), ('PAY_NOW', 'Pay Now'), ('FIX_LINK', 'Fix-it link'), ('ON_FILE', 'Card on file'), ('RECORDED', 'Cash, check or other'), ('TERMINAL', 'Terminal'), ('HOSTED', 'Manual entry')], max_length=10),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.CheckConstraint(condition=models.Q(('card__isnull', False), ('channel__in', ['RECORDED', 'TERMINAL', 'HOSTED']), _connector='OR'), name='attempt_on_file_has_a_card'),
        ),
    ]
