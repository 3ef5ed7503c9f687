"""Fill the sandbox with demo practices: manage.py demo. Needs the addresses of a running sandbox in the environment."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from kasperpay import demo

NEEDED = ("OPENDENTAL_SANDBOX_URL", "STRIPE_SANDBOX_URL", "MESSAGING_SANDBOX_URL")


class Command(BaseCommand):
    help = "Make demo practices against the sandbox: plans, cards, autopay. bin/run does this on its first start."

    def handle(self, *_: Any, **__: Any) -> None:
        missing = [name for name in NEEDED if not os.environ.get(name)]
        if missing:
            raise CommandError(f"{', '.join(missing)} not set: the demo only fills a sandbox; bin/run sets them.")
        if not clock.is_movable():
            raise CommandError("CLOCK_FILE is not set: the demo is for a sandbox with a movable clock.")
        sign_ins = demo.fill(demo.Outside(*(os.environ[name] for name in NEEDED)), now=clock.now())
        if path := os.environ.get("DEMO_FILE"):
            Path(path).write_text(json.dumps({"sign_ins": sign_ins}))
        for sign_in in sign_ins:
            self.stdout.write(f"{sign_in['role']}: {sign_in['email']} / {sign_in['password']}")
