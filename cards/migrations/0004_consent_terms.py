"""What a consent was given with: rate, disclosure; and the words on the page where a card is entered."""
# compatible: the constraint that goes comes back wider; the release before writes what both allow

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cards', '0003_cards_of_one_number'),
        ('patients', '0003_search_behind_row_security'),
        ('payplans', '0004_forgiven'),
        ('practices', '0007_requests'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='consent',
            name='consent_has_a_maximum',
        ),
        migrations.AddField(
            model_name='cardsetup',
            name='consent_text',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='cardsetup',
            name='language',
            field=models.CharField(db_default='en', default='en', max_length=5),
        ),
        migrations.AddField(
            model_name='consent',
            name='disclosure',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='consent',
            name='terms',
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AlterField(
            model_name='consent',
            name='channel',
            field=models.CharField(choices=[('STAFF', 'Witnessed by staff'), ('LINK', "Patient's phone"), ('PAGE', 'On the card page')], max_length=8),
        ),
        migrations.AddConstraint(
            model_name='consent',
            constraint=models.CheckConstraint(condition=models.Q(('max_charge_cents__gt', 0), models.Q(('kind', 'CARD_ON_FILE'), ('max_charge_cents', 0)), _connector='OR'), name='consent_has_its_maximum'),
        ),
    ]
