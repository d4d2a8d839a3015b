"""Write an account's ledger of consent as JSON Lines that anybody can verify; docs/consent.md."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from accounts.audit import record
from compliance.exporting import lines_of
from compliance.management.commands.verify_consent_chain import account_key, accounts_of


class Command(BaseCommand):
    """`manage.py export_consent_chain --account … [--with-details]`."""

    help = "Write every event of an account's consent ledger to standard output, one JSON a line."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the account, and whether numbers and words are wanted too."""
        parser.add_argument(
            "--account", type=account_key, required=True, help="its number or its public id"
        )
        parser.add_argument(
            "--with-details",
            action="store_true",
            help="also what is personal: numbers, words, addresses of the web",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the lines; that they were written is a line of the audit log."""
        [account_id] = accounts_of(options["account"], ())
        with_details = bool(options["with_details"])
        number = 0
        for line in lines_of(account_id, with_details=with_details):
            self.stdout.write(json.dumps(line, sort_keys=True, ensure_ascii=True))
            number += 1
        record(
            action="consent_ledger_exported",
            subject="consent ledger",
            account_id=account_id,
            now=timezone.now(),
            events=number,
            with_details=with_details,
        )
