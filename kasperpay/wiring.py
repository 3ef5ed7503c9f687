"""What must run upward through the layers is registered here, and only here (decisions 2)."""

from __future__ import annotations

from django.apps import apps


def connect() -> None:
    """Give the lower apps the functions of higher ones that they call. Models must be loaded."""
    apps.check_models_ready()
    from opendental.recheck import recheck
    from opendental.tasks import post_one
    from paylinks.links import open_fix_link

    from notifications.tasks import send_one
    from payments import upward

    def nudge(practice_id: int) -> None:
        post_one.delay(practice_id=practice_id)
        send_one.delay(practice_id=practice_id)

    upward.handlers.recheck = lambda due_part_id, now: recheck(due_part_id, now=now)
    upward.handlers.fix_link = lambda due_part, now: open_fix_link(due_part=due_part, now=now)
    upward.handlers.nudge = nudge
