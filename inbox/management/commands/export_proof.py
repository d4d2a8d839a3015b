"""Write a proof pack of a person or a time to a file; see docs/consent.md."""

from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.audit import record
from accounts.models import Account
from compliance.management.commands.consent_as_of import instant
from compliance.management.commands.verify_consent_chain import account_key, accounts_of
from compliance.proof.decided import decisions_between, lines_of_decisions
from compliance.proof.sources import Asked, pack_of_period, pack_of_person
from inbox.setup.persons import find_person
from inbox.setup.refusals import SetUpError


class Command(BaseCommand):
    """`manage.py export_proof --account … (--address … | --since … --until …) --reason … FILE`."""

    help = (
        "Write a zip that proves the consents of a person, or all that was recorded from one "
        "instant until before another; docs/verify_proof.py verifies it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the account, for what, why, and where to."""
        parser.add_argument(
            "--account", type=account_key, required=True, help="its number or its public id"
        )
        parser.add_argument("--address", help="in any form; or a handle of the ledger")
        parser.add_argument("--since", type=instant, help="2026-11-01T00:00+01:00")
        parser.add_argument("--until", type=instant, help="2026-12-01T00:00+01:00, not included")
        parser.add_argument("--reason", type=words, required=True, help="goes into the audit log")
        parser.add_argument("file", type=Path, help="the zip to write; it must not be there yet")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write down who asks what, then write the file."""
        [account_id] = accounts_of(options["account"], ())
        account, now = Account.objects.get(pk=account_id), timezone.now()
        asked = Asked(account, by="operator", reason=options["reason"], now=now)
        since, until, address = options["since"], options["until"], options["address"]
        if bool(address) == bool(since and until) or bool(since) != bool(until):
            raise CommandError("Say either --address, or both --since and --until.")
        told: dict[str, Any]
        if address:
            try:
                person = find_person(account, address)
            except SetUpError as error:
                raise CommandError(error.reason) from error
            told = {"handles": ", ".join(person.handles)}
            decisions = lines_of_decisions(person.decisions)
            pieces = pack_of_person(asked, person.handles, decisions=decisions)
        else:
            told = {"since": since.isoformat(), "until": until.isoformat()}
            decisions = lines_of_decisions(decisions_between(account_id, since, until))
            pieces = pack_of_period(asked, since, until, decisions=decisions)
        try:
            file = options["file"].open("xb")
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be written: {error.strerror}") from error
        record(
            action="consent_proof_exported",
            subject="consent proof",
            account_id=account_id,
            now=now,
            reason=options["reason"],
            **told,
        )
        with file:
            size = sum(file.write(piece) for piece in pieces)
        self.stdout.write(f"{options['file']}: {size} bytes.")


def words(text: str) -> str:
    """Read why. Raises ArgumentTypeError for nothing."""
    if not text.strip():
        raise ArgumentTypeError("say why")
    return text.strip()[:300]
