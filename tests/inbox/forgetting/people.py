"""Who is forgotten in tests: somebody who left something in every place there is."""

import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from compliance.addresses import parse_address
from compliance.evidence import EventKind
from compliance.recording import record_consent
from config.servers.binaries import postgres_tools
from config.servers.place import place_for
from inbox.models import (
    Attachment,
    ConsentReview,
    Contact,
    Conversation,
    CrmAnswer,
    Draft,
    MergeLog,
    Message,
    RoutingTrace,
)
from inbox.story import Story
from routing.models import CrmConnector, CrmRow, CrmTable, RuleExample
from routing.rulebooks import make_rulebook
from tests.compliance.ledgers import proof
from tests.conftest import House
from tests.servers import DATA_DIR
from tests.twilio import post_signed, text_in

PHONE = "+14155550177"
# In every form in which somebody may have written it.
NUMBERS = ("14155550177", "(415) 555-0177", "415-555-0177", "415.555.0177", "+1 415-555-0177")
WORDS = (
    "zanzibar-body",
    "zanzibar-reply",
    "zanzibar-note",
    "zanzibar-draft",
    "zanzibar-name",
    "zanzibar-profile",
    "zanzibar-notes",
    "zanzibar-attribute",
    "zanzibar-tag",
    "zanzibar-convtag",
    "zanzibar-transfer",
    "zanzibar-review",
    "zanzibar-crm",
    "zanzibar-table",
    "zanzibar-example",
    "zanzibar-fact",
    "zanzibar-closing",
    "zanzibar-said",
    "zanzibar-file",
    "zanzibar-content",
    "zanzibar-hold",
    "SG.ZANZIBAR",
)


def dump() -> str:
    """Return what PostgreSQL's own pg_dump writes of every table."""
    to = connection.settings_dict
    program = postgres_tools(place_for(DATA_DIR)) / "pg_dump"
    where = {"PGHOST": to["HOST"], "PGUSER": to["USER"], "PGPORT": to["PORT"]}
    environment = {**os.environ, **{name: str(value) for name, value in where.items() if value}}
    if to["PASSWORD"]:
        environment["PGPASSWORD"] = to["PASSWORD"]
    command = [str(program), "--data-only", "--column-inserts", to["NAME"]]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def found_in(text: str, *, also: tuple[str, ...] = ()) -> set[str]:
    """Return which of their numbers and words stand in a text, also as bytes that are written
    in hexadecimal."""
    lower = text.lower()
    wanted = (*NUMBERS, *WORDS, *also)
    return {one for one in wanted if one.lower() in lower or one.encode().hex() in lower}


def leave_traces(client: Client, house: House, ada: User, now: datetime) -> Contact:
    """Let somebody write, be answered and noted, and leave something in every place."""
    first = text_in(client, house.sender, PHONE, "zanzibar-body wants a boat for two")
    text_in(client, house.sender, PHONE, "zanzibar-said: is it ready?")
    thread = first.thread
    contact, conversation = thread.contact, first.conversation
    assert conversation is not None
    _stray(client, house)
    _card(contact, now)
    _consents(house, now)
    _talk(thread, conversation, house, now)
    _around(first, house, ada, now)
    return contact


def _stray(client: Client, house: House) -> None:
    """A webhook about them that made no message."""
    form = {
        "MessageSid": f"SM{'7' * 32}",
        "AccountSid": house.sender.twilio_account.account_sid,
        "From": PHONE,
        "To": "+15550109999",
        "Body": "zanzibar-said",
        "NumMedia": "0",
        "SmsStatus": "received",
    }
    url = f"/hooks/twilio/{house.sender.path_token}"
    post_signed(client, url, form, house.sender.twilio_account.auth_token)


def _card(contact: Contact, now: datetime) -> None:
    contact.name, contact.profile_name = "zanzibar-name", "zanzibar-profile"
    contact.notes, contact.tags = "zanzibar-notes 415-555-0177", ["zanzibar-tag"]
    contact.attributes = {"boat": "zanzibar-attribute"}
    contact.save()


def _consents(house: House, now: datetime) -> None:
    address = parse_address(PHONE)
    with transaction.atomic():
        record_consent(
            account_id=house.account.pk,
            address=address,
            evidence=proof(occurred_at=now - timedelta(days=2)),
            now=now - timedelta(days=2),
        )


def _talk(thread: Any, conversation: Conversation, house: House, now: datetime) -> None:
    reply = _message(thread, conversation, "zanzibar-reply", now, direction="out")
    reply.provider_sid = f"SM{'8' * 32}"
    reply.save()
    note = _message(thread, conversation, "zanzibar-note (415) 555-0177", now, kind="note")
    note.status = Message.Status.NOTE
    note.save()
    MergeLog.objects.create(
        account=house.account,
        kept=conversation.contact,
        absorbed=Contact.objects.create(account=house.account),
        by=house.alice,
        merged_at=now,
        before={"kept": {"name": "zanzibar-before"}},
    )
    Draft.objects.create(
        account=house.account,
        user=house.bob,
        conversation=conversation,
        mode=Draft.Mode.NOTE,
        body="zanzibar-draft 415-555-0177",
        revision=1,
        device="0123456789abcdef",
        typed_ms=1,
        written_at=now,
    )
    file = Attachment(
        account=house.account, message=reply, position=0, name="zanzibar-file.pdf", state="ready"
    )
    file.file.save(f"{file.public_id}.bin", ContentFile(b"zanzibar-content"), save=False)
    file.thumbnail.save(f"{file.public_id}.jpg", ContentFile(b"zanzibar-content"), save=False)
    file.save()
    story = Story(now=now, actor=house.alice)
    row = Conversation.objects.select_related("thread", "inbox", "contact").get(pk=conversation.pk)
    story.record(
        row, "transferred", to="Bob", to_id=house.bob.pk, ended=[], note="zanzibar-transfer"
    )
    story.record(row, "tagged", did="added", mark="zanzibar-tag")
    Conversation.objects.filter(pk=row.pk).update(
        tags=["zanzibar-convtag"], preview="zanzibar-reply", close_reason="zanzibar-closing"
    )


def _message(
    thread: Any, conversation: Conversation, body: str, now: datetime, **more: Any
) -> Message:
    thread.refresh_from_db()
    thread.last_seq += 1
    thread.save()
    return Message.objects.create(
        account_id=thread.account_id,
        thread=thread,
        conversation=conversation,
        seq=thread.last_seq,
        status=Message.Status.DELIVERED,
        body=body,
        created_at=now,
        **{"direction": "out", **more},
    )


def _around(first: Message, house: House, ada: User, now: datetime) -> None:
    account, contact = house.account, first.thread.contact
    assert first.conversation is not None
    table = CrmTable.objects.create(
        account=account, name="Customers", columns=["name"], created_at=now, changed_at=now
    )
    CrmRow.objects.create(account=account, table=table, key=PHONE, values={"n": "zanzibar-table"})
    connector = CrmConnector.objects.create(
        account=account, name="CRM", kind="table", table=table, created_at=now, changed_at=now
    )
    CrmAnswer.objects.create(
        account=account,
        contact=contact,
        connector=connector,
        question="q",
        facts={"name": "zanzibar-crm"},
        answered_at=now,
    )
    RoutingTrace.objects.create(
        account=account,
        inbox=house.inbox,
        conversation=first.conversation,
        message=first,
        trigger="new",
        rule="default",
        facts={"customer": {"number": PHONE, "name": "zanzibar-fact"}},
        at=now,
    )
    book = make_rulebook(account=account, name="Book", by=ada, now=now)
    RuleExample.objects.create(
        account=account,
        rulebook=book,
        team=house.inbox.team,
        name="zanzibar-example",
        facts={"text": "zanzibar-example", "number": PHONE},
        expected={},
        changed_by=ada,
        created_at=now,
        changed_at=now,
    )
    ConsentReview.objects.create(
        account=account,
        thread=first.thread,
        message=first,
        kind="held",
        event=1,
        opened_at=now,
        due_at=now,
        ends_at=now,
        decided_at=now,
        outcome="go_on",
        reason="zanzibar-review",
    )


def files_on_disk(root: Path) -> list[Path]:
    """Return every file below the media folder."""
    return [path for path in root.rglob("*") if path.is_file()]


STOP = EventKind.OPT_OUT
