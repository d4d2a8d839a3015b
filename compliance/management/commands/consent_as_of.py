"""Say where an address stood at an instant; see docs/consent.md."""

import json
from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from accounts.audit import record
from compliance.addresses import masked, parse_address
from compliance.history import as_json, views_of_address
from compliance.management.commands.verify_consent_chain import account_key, accounts_of


class Command(BaseCommand):
    """`manage.py consent_as_of --account … --address … [--at …]`."""

    help = (
        "Print where an address stood at an instant, one JSON object per programme: as is known "
        "now, and as was known then."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the account, the address and the instant."""
        parser.add_argument(
            "--account", type=account_key, required=True, help="its number or its public id"
        )
        parser.add_argument(
            "--address",
            required=True,
            help="+14155550100, sms:+14155550100, whatsapp:+14155550100 or whatsapp:US.13491…",
        )
        parser.add_argument(
            "--at", type=instant, help="2026-11-23T16:00+01:00; now, if it is not given"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print, and write down that somebody looked."""
        [account_id] = accounts_of(options["account"], ())
        now = timezone.now()
        address, at = parse_address(options["address"]), options["at"] or now
        for view in views_of_address(account_id, address, at):
            line = {"at": at.isoformat(), **as_json(view)}
            self.stdout.write(json.dumps(line, sort_keys=True))
        record(
            action="consent_looked_up",
            subject=f"consent of {masked(address.consent_key)}",
            account_id=account_id,
            now=now,
            at=at.isoformat(),
        )


def instant(text: str) -> datetime:
    """Read an instant. Raises ArgumentTypeError for what is none, or has no time zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is no moment like 2026-11-23T16:00+01:00") from None
    if at.tzinfo is None:
        raise ArgumentTypeError(f"'{text}' has no time zone, and we do not guess")
    return at
