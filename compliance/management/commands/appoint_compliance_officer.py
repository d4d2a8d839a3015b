"""Say who of the staff may sign that a rule is looser for an account."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from accounts.refusals import RefusedError
from compliance.officers import appoint


class Command(BaseCommand):
    """`manage.py appoint_compliance_officer anna@platform.example`, and `--end`."""

    help = "Make a member of the platform's staff a compliance officer, or end that."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask who, and whether it ends."""
        parser.add_argument("email")
        parser.add_argument("--end", action="store_true", help="they are not any more")

    def handle(self, *args: Any, **options: Any) -> None:
        """Appoint them. Fails for who is not of the staff."""
        user = User.objects.filter(email=options["email"].strip().lower()).first()
        if user is None:
            raise CommandError("Nobody has this e-mail address.")
        try:
            appoint(user, is_officer=not options["end"], now=timezone.now())
        except RefusedError as no:
            raise CommandError(no.reason) from None
        done = "is no compliance officer any more" if options["end"] else "is a compliance officer"
        self.stdout.write(f"{user} {done}.")
