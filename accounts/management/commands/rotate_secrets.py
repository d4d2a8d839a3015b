"""Move every stored secret to the newest key; see docs/operators.md, "Changing the key"."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.audit import record
from accounts.rotation import Report, UnreadableSecretsError, rotate_secrets, secret_columns


class Command(BaseCommand):
    """`manage.py rotate_secrets [--dry-run]`."""

    help = (
        "Encrypt every stored secret with the first key of SECRET_FIELD_KEYS. "
        "The service may run and people may work meanwhile. Interrupted, it is simply run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer to change nothing."""
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be done and change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate, and say what was done. Fails if a secret cannot be read, or is left behind."""
        is_dry = bool(options["dry_run"])
        try:
            report = rotate_secrets(dry_run=is_dry)
        except UnreadableSecretsError as error:
            raise CommandError(error.reason) from None
        self._tell(report, is_dry=is_dry)
        if not is_dry and report.total_moved:
            record(
                action="secrets_rotated",
                subject="every stored secret",
                now=timezone.now(),
                moved=report.moved,
                left_behind=[str(place) for place in report.busy],
            )
        if report.busy:
            names = "\n".join(f"  {place}" for place in report.busy)
            words = f"Others held these all the time. Run it again before you drop a key:\n{names}"
            raise CommandError(words)

    def _tell(self, report: Report, *, is_dry: bool) -> None:
        did = "would move" if is_dry else "moved"
        for column in secret_columns():
            moved, current = report.moved.get(column.name, 0), report.current.get(column.name, 0)
            self.stdout.write(f"{column.name}: {moved} {did}, {current} had the newest key already")
        if report.busy:
            return
        end = "Nothing was changed." if is_dry else "Every secret has the newest key."
        self.stdout.write(self.style.SUCCESS(end))
