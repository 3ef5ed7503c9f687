"""Payments newest first, what one person did, and postings that wait for a person: without reading every row."""
# compatible: the altered column only got one more choice, which no database knows; the rest are indexes

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

STATES = [
    ("QUEUED", "Waiting"),
    ("SENDING", "Sending"),
    ("UNCLEAR", "Looking for it in Open Dental"),
    ("POSTED", "Posted, reading back"),
    ("MATCHED", "Posted and read back"),
    ("MISMATCH", "Posted, but Open Dental shows something else"),
    ("REFUSED", "Refused by Open Dental"),
    ("BY_HAND", "Waits for staff to enter it in Open Dental"),
    ("MARKED", "Posted by hand, not read back"),
    ("WITHDRAWN", "No longer needed"),
]


class Migration(migrations.Migration):
    # Attempts, refunds and postings are written while this runs.
    atomic = False
    dependencies = [("payments", "0011_payouts")]

    operations = [
        migrations.AlterField(
            model_name="ledgerposting",
            name="state",
            field=models.CharField(choices=STATES, default="QUEUED", max_length=10),
        ),
        AddIndexConcurrently(
            model_name="attempt",
            index=models.Index(fields=["practice", "-started_at", "-id"], name="attempts_recent"),
        ),
        AddIndexConcurrently(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("channel", "AUTOPAY"), _negated=True),
                fields=["practice", "actor", "-started_at"],
                name="attempts_by_people",
            ),
        ),
        AddIndexConcurrently(
            model_name="refund",
            index=models.Index(fields=["practice", "-started_at", "-id"], name="refunds_recent"),
        ),
        AddIndexConcurrently(
            model_name="ledgerposting",
            index=models.Index(
                condition=models.Q(("state__in", ["MISMATCH", "REFUSED", "BY_HAND", "MARKED"])),
                fields=["practice", "created_at"],
                name="postings_of_people",
            ),
        ),
    ]
