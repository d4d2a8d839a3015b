"""Check that every consent says what its events say; see docs/consent.md."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.models import Account
from compliance.comparing import differences
from compliance.management.commands.verify_consent_chain import account_key, accounts_of
from compliance.models import Consent


class Command(BaseCommand):
    """`manage.py compare_consents [--account …]`."""

    help = (
        "Replay the ledger of consents and compare it with where people stand. Exits with 1 and "
        "names every difference if there is one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer to compare one account."""
        parser.add_argument(
            "--account", type=account_key, help="one account: its number or its public id"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, print each difference and a sum, and exit 1 if there is any."""
        everybody = list(Account.objects.order_by("pk").values_list("pk", flat=True))
        accounts = accounts_of(options["account"], everybody)
        number = 0
        for account in accounts:
            for difference in differences(account):
                number += 1
                self.stderr.write(self.style.ERROR(str(difference)))
        consents = Consent.objects.filter(account__in=accounts).count()
        self.stdout.write(
            f"Accounts: {len(accounts)}. Consents: {consents}. Differences: {number}."
        )
        if number:
            sys.exit(1)
