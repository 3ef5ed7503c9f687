"""Several open parts of one installment and payer: each in its slot."""
# compatible: earlier code keeps to slot 0, where one part was allowed before and is now

from django.db import migrations, models

SLOTS = models.UniqueConstraint(
    condition=models.Q(("state", "OPEN")), fields=("installment", "payer", "slot"), name="one_open_part_per_slot"
)


class Migration(migrations.Migration):
    # Due parts are written while this runs.
    atomic = False
    dependencies = [("payments", "0023_fix_it")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.AddConstraint(model_name="duepart", constraint=SLOTS)],
            database_operations=[
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY one_open_part_per_slot ON payments_duepart "
                    "(installment_id, payer_id, slot) WHERE state = 'OPEN'",
                    "DROP INDEX one_open_part_per_slot",
                )
            ],
        ),
        migrations.RemoveConstraint(model_name="duepart", name="one_open_part_per_payer"),
    ]
