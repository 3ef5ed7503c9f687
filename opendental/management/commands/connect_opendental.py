"""Connect a practice to its office: manage.py connect_opendental --practice SLUG --base-url URL --developer-key …"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import clock
from opendental.connecting import UnableToConnect, connect
from practices import passes, tenancy


class Command(BaseCommand):
    help = "Test the connection to a practice's Open Dental, keep it, and say in plain words what is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--practice", required=True, metavar="SLUG")
        parser.add_argument("--base-url", default="https://api.opendental.com/api/v1")
        parser.add_argument("--developer-key", required=True)
        parser.add_argument("--customer-key", required=True)
        parser.add_argument("--mode", choices=["remote", "service"], default="", help="default: by the address")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        practice = passes.one(options["practice"])
        names = ("base_url", "developer_key", "customer_key")
        try:
            with tenancy.scope(practice.pk):
                found = connect(
                    practice,
                    mode=options["mode"].upper(),
                    now=clock.now(),
                    **{name: options[name] for name in names},
                )
        except UnableToConnect as error:
            raise CommandError(str(error)) from error
        self._tell(practice.slug, found.connection.version, found.missing, as_json=options["json"])

    def _tell(self, slug: str, version: str, missing: list[str], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"practice": slug, "version": version, "missing": missing}))
            return
        self.stdout.write(f"{slug}: connected to Open Dental {version}.")
        for sentence in missing:
            self.stdout.write(f"  {sentence}")
