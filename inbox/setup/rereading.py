"""Which messages of the last 30 days would be read otherwise by today's keywords?

Read only: a person decides what follows (compliance reference, edge case 30). A page looks at so
many messages and no more, however large the account is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import QuerySet
from django.db.models.functions import Length

from accounts.models import Account
from compliance.addresses import masked, parse_address
from compliance.chain import handle
from compliance.classify import Reading
from compliance.evidence import EventKind
from compliance.models import Consent, ConsentChain, ConsentEvent, ConsentState
from inbox.hearing import Heard, Tables, last_outbound, read_words
from inbox.models import Message

LOOKS_BACK = timedelta(days=30)
LOOKED_AT = 300  # messages a page looks at
LONGEST = 160  # characters: what is longer is no keyword, and was read when it came


class Change(StrEnum):
    """How a message would be read now, against what was made of it then."""

    STOPS = "stops"
    MAY_STOP = "may_stop"
    STOPS_NO_MORE = "stops_no_more"


@dataclass(frozen=True)
class Reread:
    """One message that would be read otherwise. Its words are not in it: who asks may not see them.

    `keyword` is the word it is, where it is nothing but a keyword.
    """

    message_id: int
    received_at: datetime
    customer: str
    inbox: str
    conversation_id: str
    change: Change
    keyword: str


@dataclass(frozen=True)
class Page:
    """What was found among so many messages, and where the next page begins; 0: at the end."""

    found: tuple[Reread, ...]
    looked_at: int
    next_before: int


def reread(account: Account, *, before: int = 0, now: datetime) -> Page:
    """Read messages again, the newest first; `before` is the id that a page begins below."""
    rows = list(_messages(account, before=before, now=now))
    known = _Known.of(account, rows)
    found = [one for row in rows if (one := known.compared(row)) is not None]
    return Page(tuple(found), len(rows), rows[-1].pk if len(rows) == LOOKED_AT else 0)


def message_to_decide(account: Account, message_id: int, *, now: datetime) -> Message | None:
    """Return a message that would opt somebody out now and did not, or None."""
    row = _inbound(account, now=now).filter(pk=message_id).first()
    if row is None:
        return None
    found = _Known.of(account, [row]).compared(row)
    return row if found and found.change is not Change.STOPS_NO_MORE else None


def keyword_of(message: Message) -> str:
    """Return the words in a message that ask for something now."""
    return _read(message, {}).matched


def _inbound(account: Account, *, now: datetime) -> "QuerySet[Message]":
    rows = Message.objects.filter(
        account=account,
        direction=Message.Direction.IN,
        kind=Message.Kind.TEXT,
        created_at__gte=now - LOOKS_BACK,
    )
    return rows.select_related(
        "thread__sender__inbox", "thread__contact", "thread__address", "conversation"
    )


def _messages(account: Account, *, before: int, now: datetime) -> "QuerySet[Message]":
    rows = _inbound(account, now=now).annotate(size=Length("body"))
    rows = rows.filter(size__gt=0, size__lte=LONGEST)
    return (rows.filter(pk__lt=before) if before else rows).order_by("-pk")[:LOOKED_AT]


@dataclass(frozen=True)
class _Known:
    """What was made of some messages: kind of event by SID, and who is opted out now."""

    told: Mapping[str, str]
    out: frozenset[str]
    tables: Tables = field(default_factory=dict)

    @classmethod
    def of(cls, account: Account, rows: Sequence[Message]) -> "_Known":
        addresses = {parse_address(row.thread.address.key) for row in rows}
        chain = ConsentChain.objects.filter(account=account).only("pepper").first()
        keys = {address.consent_key for address in addresses}
        handles = {handle(chain.pepper, key) for key in keys} if chain else set()
        events = ConsentEvent.objects.filter(
            account=account,
            handle__in=handles,
            message_sid__in=[row.provider_sid for row in rows if row.provider_sid],
        )
        out = Consent.objects.filter(
            account=account, address__in=keys, state=ConsentState.OPTED_OUT
        )
        told = dict(events.order_by("seq").values_list("message_sid", "kind"))
        return cls(told, frozenset(out.values_list("address", flat=True)))

    def compared(self, row: Message) -> Reread | None:
        reading, kind = _read(row, self.tables), self.told.get(row.provider_sid or "", "")
        is_out = parse_address(row.thread.address.key).consent_key in self.out
        change = _change(reading, kind, is_out=is_out)
        if change is None:
            return None
        return Reread(
            message_id=row.pk,
            received_at=row.received_at or row.created_at,
            customer=masked(row.thread.address.key),
            inbox=row.thread.sender.inbox.name,
            conversation_id=row.conversation.public_id if row.conversation else "",
            change=change,
            keyword=reading.matched if reading.kind == "exact" else "",
        )


def _change(reading: Reading, kind: str, *, is_out: bool) -> Change | None:
    was_taken_so = kind in (EventKind.OPT_OUT, EventKind.HELD)
    if reading.label == "opt_out" and not was_taken_so and not is_out:
        return Change.STOPS if reading.stops_now else Change.MAY_STOP
    if reading.label != "opt_out" and kind == EventKind.OPT_OUT and is_out:
        return Change.STOPS_NO_MORE
    return None


def _read(row: Message, tables: Tables) -> Reading:
    """Read a message as if it came now, after what we had sent them when it came."""
    thread, at = row.thread, row.received_at or row.created_at
    button = row.details.get("button") if isinstance(row.details, dict) else None
    payload = str(button.get("payload", "")) if isinstance(button, dict) else ""
    heard = Heard(
        row.body,
        parse_address(thread.address.key),
        row.channel,
        languages=(thread.sender.inbox.language, thread.contact.language),
        account_id=row.account_id,
        button_payload=payload,
        tables=tables,
    )
    return read_words(heard, lambda: last_outbound(thread, now=at, before_seq=row.seq))
