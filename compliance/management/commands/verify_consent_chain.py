"""Check that no ledger of consents was tampered with; see docs/consent.md."""

import sys
from argparse import ArgumentTypeError
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Account
from compliance.exporting import sum_of_hashes
from compliance.verifying import Checked, accounts_with_events, verify_account


class Command(BaseCommand):
    """`manage.py verify_consent_chain [--account …]`."""

    help = (
        "Check every event of every account's consent ledger. Exits with 1 and names the first bad "
        "event if one was changed, removed, swapped or put there by hand."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer to check one account."""
        parser.add_argument(
            "--account", type=account_key, help="one account: its number or its public id"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, print one line per account and a sum, and exit 1 if any is broken."""
        found = [
            verify_account(pk) for pk in accounts_of(options["account"], accounts_with_events())
        ]
        for one in found:
            self._tell(one)
        broken = sum(one.broken is not None for one in found)
        events = sum(one.events for one in found)
        self.stdout.write(f"Ledgers: {len(found)}. Events: {events}. Broken: {broken}.")
        if broken:
            sys.exit(1)

    def _tell(self, one: Checked) -> None:
        where = f"account {one.account_id}"
        if one.broken:
            self.stderr.write(self.style.ERROR(f"{where}: BROKEN at {one.broken}"))
            return
        erased = f", {one.erased} of them erased" if one.erased else ""
        hashes = sum_of_hashes(one.account_id, upto=one.events)
        self.stdout.write(
            f"{where}: {one.events} events{erased}, head {one.head}, all hashes {hashes}"
        )


def account_key(text: str) -> tuple[str, object]:
    """Read what names an account: its number or its public id. Raises ArgumentTypeError."""
    if text.isdecimal() and len(text) <= 18:
        return "pk", int(text)
    try:
        return "public_id", UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is neither a number nor a public id") from None


def accounts_of(key: tuple[str, object] | None, everybody: Iterable[int]) -> list[int]:
    """Return the account that was named, or everybody. Raises CommandError if there is none."""
    if key is None:
        return list(everybody)
    found = list(Account.objects.filter(**{key[0]: key[1]}).values_list("pk", flat=True))
    if not found:
        raise CommandError(f"There is no account {key[1]}.")
    return found
