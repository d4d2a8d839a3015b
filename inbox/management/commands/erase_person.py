"""Forget a person whole, or say what would be forgotten; see docs/retention.md."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Account
from compliance.management.commands.verify_consent_chain import account_key, accounts_of
from inbox.forgetting.erasing import ask_erasure, erase_some, outlook
from inbox.forgetting.remote import delete_next
from inbox.management.commands.export_proof import words
from inbox.models import Erasure
from inbox.setup.persons import Person, find_person
from inbox.setup.refusals import SetUpError


class Command(BaseCommand):
    """`manage.py erase_person --account … --address … (--dry-run | --reason … --yes)`."""

    help = (
        "Erase a person of an account: their words, files, card and number, here and at Twilio. "
        "With --dry-run nothing is changed, and what would go is counted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for whom, why, and whether it is meant."""
        parser.add_argument(
            "--account", type=account_key, required=True, help="its number or its public id"
        )
        parser.add_argument(
            "--address", required=True, help="in any form; or a handle of the ledger"
        )
        parser.add_argument("--reason", type=words, help="goes into the audit log; name nobody")
        parser.add_argument("--dry-run", action="store_true", help="count only")
        parser.add_argument("--yes", action="store_true", help="it is meant, and cannot be undone")

    def handle(self, *args: Any, **options: Any) -> None:
        """Count, or erase here at once and leave Twilio to the workers."""
        [account_id] = accounts_of(options["account"], ())
        account = Account.objects.get(pk=account_id)
        try:
            person = find_person(account, options["address"])
            if options["dry_run"]:
                self._count(person)
                return
            if not options["yes"] or not options["reason"]:
                raise CommandError("Say --reason, and --yes if it is meant; or --dry-run.")
            row = ask_erasure(
                person=person,
                reason=options["reason"],
                by=None,
                now=timezone.now(),
                who="an operator",
            )
        except SetUpError as error:
            raise CommandError(error.reason) from error
        self._erase(row)

    def _count(self, person: Person) -> None:
        found = outlook(person)
        for name, number in found.counts.items():
            if number:
                self.stdout.write(f"{name}: {number}")
        self.stdout.write(f"messages at Twilio: {found.at_twilio}")
        for hold in found.holds:
            self.stdout.write(f"waits for a legal hold: {hold.public_id}")

    def _erase(self, row: Erasure) -> None:
        # A worker may be at it as well: whoever finds it taken looks again.
        while erase_some(row.pk, now=timezone.now()):
            row.refresh_from_db()
        while row.state == Erasure.State.OUTSIDE and delete_next(now=timezone.now()):
            row.refresh_from_db()
        while erase_some(row.pk, now=timezone.now()):
            pass
        row.refresh_from_db()
        self.stdout.write(f"{row}: {row.get_state_display()}.")
        if row.certificate:
            number, sha256 = row.certificate.number, row.certificate.sha256
            self.stdout.write(f"certificate {number}, {sha256}")
        if row.state == Erasure.State.HELD:
            raise CommandError("A legal hold stands: it begins by itself when that is lifted.")
