"""Discounts that are taken back with refunds, and discounts that staff mark as entered by hand."""
# compatible: the altered column only got one more choice, which no database knows

from django.db import migrations, models

STATES = [
    ("QUEUED", "Waiting"), ("SENDING", "Sending"), ("UNCLEAR", "Looking for it in Open Dental"),
    ("POSTED", "Posted, reading back"), ("MATCHED", "Posted and read back"),
    ("BY_HAND", "Waits for staff to enter it in Open Dental"), ("MARKED", "Entered by hand, not read back"),
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("payments", "0024_parts_by_slot")]

    operations = [
        migrations.AddField(
            model_name="ledgeradjustment",
            name="returned_cents",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name="ledgeradjustment",
            name="state",
            field=models.CharField(choices=STATES, default="QUEUED", max_length=10),
        ),
    ]
