"""Make a pack of rules from a table; asks no database."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from compliance.jurisdictions import PackError, pack_from_table


class Command(BaseCommand):
    """`manage.py make_jurisdiction_pack TABLE.csv --pack-version 2026-11-23 > PACK.json`."""

    help = "Print a table of jurisdictions as the JSON document of a pack, if all of it is right."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the table and the name of the version."""
        parser.add_argument("table", type=Path, help="a CSV file with one row per jurisdiction")
        parser.add_argument("--pack-version", required=True, help="such as the date of the review")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the pack. Fails with every problem of the table."""
        try:
            text = options["table"].read_text(encoding="utf-8-sig")
            document = pack_from_table(text, version=options["pack_version"])
        except PackError as error:
            raise CommandError("\n".join(error.problems)) from None
        except (OSError, UnicodeError) as error:
            raise CommandError(f"The table cannot be read: {error}") from None
        self.stdout.write(json.dumps(document, ensure_ascii=False, indent=1))
