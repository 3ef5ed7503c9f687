"""What the Messages screens read, built while messages are written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("notifications", "0009_conversation")]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("code", ""), _negated=True), fields=["practice", "code"], name="messages_by_code"
            ),
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("handled_at", None), ("state__in", ["BLOCKED", "UNDELIVERED"])),
                fields=["practice", "-created_at"],
                name="messages_for_staff",
            ),
        ),
        AddIndexConcurrently(
            model_name="reply",
            index=models.Index(condition=models.Q(("read_at", None)), fields=["practice"], name="replies_to_read"),
        ),
    ]
