"""Rows of one practice are invisible to another, held by the database itself."""

from django.db import migrations

from practices.rls import protect


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial")]

    operations = [
        *protect(
            "notifications_template",
            "notifications_message",
            "notifications_textingconsent",
            "notifications_reply",
            "notifications_messagingaccount",
        ),
    ]
