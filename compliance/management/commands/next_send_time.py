"""Say when a message may go that must not disturb anybody at night; asks no database."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from compliance.judging import purpose_of
from compliance.jurisdictions import shipped_pack
from compliance.quiet_hours import Timing, next_send_time

_BETWEEN = re.compile(r"[,|+\s]+")


class Command(BaseCommand):
    """`manage.py next_send_time --codes US,US-FL --zones America/New_York`."""

    help = (
        "Print ALLOW, or DEFER and the first moment at which every rule allows the message in "
        "every time zone. This is what the product does, not legal advice."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for rules, places, moment and purpose."""
        parser.add_argument("--codes", required=True, help="rows of the pack, such as US,US-FL")
        parser.add_argument("--zones", required=True, help="where they may be: America/New_York,…")
        parser.add_argument("--at", default="", help="the moment, such as 2026-11-24T01:30Z")
        parser.add_argument("--purpose", default="promotional", help="promotional unless given")

    def handle(self, *args: Any, **options: Any) -> None:
        """Answer in one line."""
        purpose = purpose_of(options["purpose"].strip().lower())
        if purpose != options["purpose"].strip().lower():
            self.stderr.write(f"{options['purpose']} is no purpose; judged as {purpose.value}.")
        rules = shipped_pack().rules_for(_parts(options["codes"].upper()))
        hours = [rule.hours(purpose) for rule in rules]
        zones = [_zone(name) for name in _parts(options["zones"])]
        if not zones:
            raise CommandError("Name at least one time zone, such as Europe/Berlin.")
        at = _moment(options["at"]) if options["at"] else timezone.now()
        self.stdout.write(_words(next_send_time(hours, zones, at)))


def _words(timing: Timing) -> str:
    if timing.is_now:
        return "ALLOW"
    if timing.until is None:
        return "BLOCK QUIET_HOURS_EXPIRED"
    return f"DEFER {timing.until:%Y-%m-%dT%H:%MZ}"


def _parts(text: str) -> list[str]:
    return [part for part in _BETWEEN.split(text) if part]


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CommandError(f"There is no time zone {name}. Write one like Europe/Berlin.") from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text} is no moment. Write one like 2026-11-24T01:30Z.") from None
    if moment.tzinfo is None:
        raise CommandError(f"{text} is in no time zone. Put a Z behind it for UTC.")
    return moment.astimezone(UTC)
