"""Requests that are paid on a phone: two channels."""
# compatible: a constraint only got looser, and choices are known to no database

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cards', '0003_cards_of_one_number'),
        ('payments', '0018_voids'),
        ('practices', '0007_requests'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='attempt',
            name='attempt_on_file_has_a_card',
        ),
        migrations.AlterField(
            model_name='attempt',
            name='channel',
            field=models.CharField(choices=[('AUTOPAY', 'Autopay'), ('PAY_NOW', 'Pay Now'), ('FIX_LINK', 'Fix-it link'), ('ON_FILE', 'Card on file'), ('RECORDED', 'Cash, check or other'), ('TERMINAL', 'Terminal'), ('HOSTED', 'Manual entry'), ('LINK_PAGE', 'Text to pay'), ('LINK_CARD', 'Text to pay, card on file')], max_length=10),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.CheckConstraint(condition=models.Q(('card__isnull', False), ('channel__in', ['RECORDED', 'TERMINAL', 'HOSTED', 'LINK_PAGE']), _connector='OR'), name='attempt_on_file_has_a_card'),
        ),
    ]
