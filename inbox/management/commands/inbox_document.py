"""How does an operator take an inbox away as one document, or bring one in?

manage.py inbox_document export --account 3 --inbox support > support.json
manage.py inbox_document check --account 3 --inbox support --by ada@acme.com < support.json
manage.py inbox_document import --account 3 --inbox support --by ada@acme.com < support.json
"""

import json
import sys
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.json_text import JsonError, read_json
from accounts.models import User
from inbox.explaining.examples import failing_examples
from inbox.models import TeamInbox
from inbox.setup import one_document
from inbox.setup.one_document import REFUSED, problems_of


class Command(BaseCommand):
    """Export an inbox, check a document against it, or take a document in."""

    help = "Hours, escalation, replies and rules of an inbox as one JSON document."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say which inbox, and in whose name."""
        parser.add_argument("do", choices=["export", "check", "import"])
        parser.add_argument("--account", type=int, required=True, help="The number of the account")
        parser.add_argument("--inbox", required=True, help="As its address names it: support")
        parser.add_argument("--published", action="store_true", help="Export the rules that hold")
        parser.add_argument("--publish", action="store_true", help="Let the rules hold at once")
        parser.add_argument("--note", default="", help="Why, for the list of versions")
        parser.add_argument("--sure", action="store_true", help="Warnings were looked at")
        parser.add_argument("--by", default="", help="Who does it: an admin's e-mail address")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; what is wrong with a document goes to the error output, place by place."""
        rows = TeamInbox.objects.filter(account=options["account"], slug=options["inbox"])
        inbox = rows.first()
        if inbox is None:
            raise CommandError("There is no such inbox.")
        if options["do"] == "export":
            is_published = options["published"]
            found = one_document.exported(inbox, now=timezone.now(), is_published=is_published)
            self.stdout.write(json.dumps(found, indent=2, ensure_ascii=False))
            return
        self._take_in(inbox, options)

    def _take_in(self, inbox: TeamInbox, options: dict[str, Any]) -> None:
        admins = User.objects.filter(role=User.Role.ACCOUNT_ADMIN, account=inbox.account_id)
        by, now = admins.filter(email=options["by"].lower(), is_active=True).first(), timezone.now()
        if by is None:
            raise CommandError("--by must name an active admin of the account.")
        try:
            taken = one_document.take_in(
                inbox=inbox,
                document=read_json(sys.stdin.read()),
                seen=one_document.version_of(inbox),
                by=by,
                now=now,
                is_published=options["publish"],
                note=options["note"],
                is_sure=options["sure"],
                is_check=options["do"] == "check",
                failing=partial(failing_examples, now=now),
            )
        except JsonError as error:
            raise CommandError(f"{error.where}: {error.reason}") from error
        except REFUSED as refused:
            found = "\n".join(f"{one.where}: {one.words}" for one in problems_of(refused))
            raise CommandError(found) from refused
        for change in taken.changes:
            self.stdout.write(f"{change.part}: {change.what}: {change.before} -> {change.after}")
        if taken.reaches:
            self.stdout.write(f"also changed: {', '.join(taken.reaches)}")
