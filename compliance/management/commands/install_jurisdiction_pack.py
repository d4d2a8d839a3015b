"""Put a signed pack of rules into force."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.refusals import RefusedError
from compliance.installing import install_pack
from compliance.rule_models import JurisdictionPack
from compliance.vetting import MOST_BYTES


class Command(BaseCommand):
    """`manage.py install_jurisdiction_pack PACK.json`."""

    help = (
        "Put a signed pack of country rules into force, if all of it is right and it is newer than "
        "the one in force. Else that one stays, and every problem is told."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the file."""
        parser.add_argument("file", type=Path, help="a signed pack")

    def handle(self, *args: Any, **options: Any) -> None:
        """Install it. Fails with every problem of the pack."""
        path: Path = options["file"]
        try:
            with path.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise CommandError(f"The pack cannot be read: {error}") from None
        try:
            row = install_pack(content=content, file_name=path.name, by=None, now=timezone.now())
        except RefusedError as no:
            raise CommandError(no.reason) from None
        if row.state == JurisdictionPack.State.REFUSED:
            raise CommandError("\n".join(["Refused; the pack in force stays.", *row.problems]))
        self.stdout.write(f"Pack {row.version} is in force.")
