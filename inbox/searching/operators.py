"""What do `from:`, `inbox:` and their like leave of what a reader may see?"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.models import Account, User
from inbox.access import conversations_of, inboxes_of
from inbox.models import Attachment, Conversation, Message
from inbox.searching.matching import begins_a_word, contacts_called, contacts_in
from inbox.searching.parsing import Chip, Operator, number_in_words

CHANNELS = ("sms", "mms", "whatsapp", "rcs", "messenger")
NAMED = 8  # inboxes that a sentence names


class WrongValueError(Exception):
    """An operator's value leads nowhere. `.reason` says what it may be."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Meaning:
    """What one operator keeps of messages and of conversations.

    `hosts` holds of every conversation in which such a message is, `few` of every such message, and
    an index serves it. None: nothing of the kind can be said.
    """

    messages: Q
    conversations: Q
    hosts: Q | None = None
    few: Q | None = None

    def or_else(self, other: "Meaning") -> "Meaning":
        """Keep what either keeps."""
        return Meaning(
            self.messages | other.messages,
            self.conversations | other.conversations,
            _any_of(self.hosts, other.hosts),
            _any_of(self.few, other.few),
        )


def _any_of(one: Q | None, other: Q | None) -> Q | None:
    return None if one is None or other is None else one | other


@dataclass(frozen=True)
class Narrowing:
    """What all operators keep together, and what is wrong with those that keep nothing.

    `since` and `until` bound the times of what is looked for; `until` itself is too late. `hosts`
    and `few` are those of `Meaning`, for who reads less than everything. `notes` say what was left
    out.
    """

    messages: Q = Q()
    conversations: Q = Q()
    hosts: Q = Q()
    few: tuple[Q, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def times(self, field: str) -> Q:
        """The condition that a moment lies in the days asked for."""
        found = Q(**{f"{field}__gte": self.since}) if self.since else Q()
        return found & Q(**{f"{field}__lt": self.until}) if self.until else found


def narrow(viewer: Viewer, chips: Iterable[Chip], *, now: datetime) -> Narrowing:
    """Read the operators. The same one twice means either; different ones, all of them."""
    messages, conversations, hosts = Q(), Q(), Q()
    few: list[Q] = []
    asking = _Asking(viewer, [], [])
    days: list[Chip] = []
    others: list[Chip] = []
    for chip in chips:
        (days if chip.operator in (Operator.BEFORE, Operator.AFTER) else others).append(chip)
    key: Callable[[Chip], tuple[str, bool]] = lambda chip: (chip.operator, chip.is_not)  # noqa: E731
    for (_name, is_not), same in groupby(sorted(others, key=key), key=key):
        either = _either(asking, same)
        if either is None:
            continue
        messages &= ~either.messages if is_not else either.messages
        conversations &= ~either.conversations if is_not else either.conversations
        if not is_not:
            hosts &= either.hosts or Q()
            few += [either.few] if either.few else []
    since, until = _days(viewer, days, asking.problems, now)
    return Narrowing(
        messages,
        conversations,
        hosts,
        tuple(few),
        tuple(asking.notes),
        tuple(asking.problems),
        since,
        until,
    )


@dataclass(frozen=True)
class _Asking:
    """Who asks, and what there is to tell them."""

    viewer: Viewer
    problems: list[str]
    notes: list[str]


def _either(asking: _Asking, chips: Iterable[Chip]) -> Meaning | None:
    found: Meaning | None = None
    for chip in chips:
        try:
            one = _READ[chip.operator](asking, chip.value)
        except WrongValueError as wrong:
            asking.problems.append(wrong.reason)
            continue
        found = found.or_else(one) if found else one
    return found


def _of_both(conversations: Q) -> Meaning:
    inside = Exists(Conversation.objects.filter(conversations, pk=OuterRef("conversation_id")))
    return Meaning(Q(inside), conversations, hosts=conversations)


def _of_messages(messages: Q, *, hosts: Q | None = None, few: Q | None = None) -> Meaning:
    inside = Exists(Message.objects.filter(messages, conversation=OuterRef("pk")))
    return Meaning(messages, Q(inside), hosts, few)


# --- One by one ----------------------------------------------------------------------------------


def _inbox(asking: _Asking, value: str) -> Meaning:
    inboxes, wanted = inboxes_of(asking.viewer), value.casefold()
    exact = [one for one in inboxes if wanted in (one.slug.casefold(), one.name.casefold())]
    found = exact or [one for one in inboxes if one.name.casefold().startswith(wanted)]
    if not found:
        names = ", ".join(one.name for one in inboxes[:NAMED])
        words = _("No inbox of yours is called “%(value)s”. Yours are: %(names)s.")
        raise WrongValueError(words % {"value": value, "names": names})
    return _of_both(Q(inbox__in=[one.pk for one in found]))


def _status(asking: _Asking, value: str) -> Meaning:
    names = set(Conversation.Status.values)
    if value.lower() not in names:
        words = _("“%(value)s” is no status: write status:open, status:snoozed or status:closed.")
        raise WrongValueError(words % {"value": value})
    return _of_both(Q(status=value.lower()))


def _channel(asking: _Asking, value: str) -> Meaning:
    name = value.lower()
    if name not in CHANNELS:
        words = _("“%(value)s” is no channel: write one of %(names)s.")
        raise WrongValueError(words % {"value": value, "names": ", ".join(CHANNELS)})
    family = "sms" if name == "mms" else name
    return Meaning(Q(channel=name), Q(thread__address__family=family))


def _tag(asking: _Asking, value: str) -> Meaning:
    names = list(dict.fromkeys((value, value.lower())))
    return _of_both(Q(tags__overlap=names) | Q(contact__tags__overlap=names))


def _assignee(asking: _Asking, value: str) -> Meaning:
    if value.lower() in ("none", "nobody", "unassigned"):
        return _of_both(Q(owner=None))
    people = _colleagues(asking.viewer, value)
    if not people:
        words = _(
            "Nobody in your teams is called “%(value)s”: write a name, assignee:me "
            "or assignee:none."
        )
        raise WrongValueError(words % {"value": value})
    return _of_both(Q(owner__in=people))


def _from(asking: _Asking, value: str) -> Meaning:
    inbound = Q(direction=Message.Direction.IN)
    if value.lower() == "customer":
        return _of_messages(inbound)
    people, contacts = _colleagues(asking.viewer, value), _customers(asking, value)
    if not people and not contacts:
        words = _(
            "Nobody you can see is called “%(value)s”: write a name or a number, from:me "
            "or from:customer."
        )
        raise WrongValueError(words % {"value": value})
    if not people:
        theirs = Q(contact__in=contacts)
        return _of_messages(inbound & Q(conversation__contact__in=contacts), hosts=theirs)
    ours = Q(author__in=people)
    if not contacts:
        return _of_messages(ours, few=ours)
    return _of_messages(inbound & Q(conversation__contact__in=contacts) | ours)


def _to(asking: _Asking, value: str) -> Meaning:
    contacts, digits = _customers(asking, value), number_in_words(value)
    outbound = Q(direction=Message.Direction.OUT) & ~Q(kind=Message.Kind.NOTE)
    found = outbound & Q(conversation__contact__in=contacts)
    if digits:
        ours = Q(direction=Message.Direction.IN, thread__our_address__contains=digits)
        return _of_messages(found | ours)
    if not contacts:
        words = _("Nobody you can see is called “%(value)s”: write a customer's name or a number.")
        raise WrongValueError(words % {"value": value})
    return _of_messages(found, hosts=Q(contact__in=contacts))


def _has(asking: _Asking, value: str) -> Meaning:
    if value.lower() not in ("media", "file", "files", "attachment"):
        words = _("“%(value)s” cannot be looked for: write has:media.")
        raise WrongValueError(words % {"value": value})
    files = Attachment.objects.filter(state=Attachment.State.READY)
    theirs = files.filter(account=asking.viewer.account_id, forgotten_at=None)
    return Meaning(
        Q(Exists(files.filter(message=OuterRef("pk")))),
        Q(Exists(files.filter(message__conversation=OuterRef("pk")))),
        few=Q(pk__in=theirs.values("message")),
    )


_READ: Mapping[Operator, Callable[[_Asking, str], Meaning]] = {
    Operator.INBOX: _inbox,
    Operator.STATUS: _status,
    Operator.CHANNEL: _channel,
    Operator.TAG: _tag,
    Operator.ASSIGNEE: _assignee,
    Operator.FROM: _from,
    Operator.TO: _to,
    Operator.HAS: _has,
}


def _colleagues(viewer: Viewer, name: str) -> list[int]:
    """Return who in the reader's teams has this name; "me" is the reader."""
    if name.lower() == "me":
        return [viewer.user_id]
    teams = viewer.member_of | viewer.reads_all_of
    people = User.objects.filter(account=viewer.account_id, memberships__team__in=teams)
    named = people.filter(begins_a_word("name", name))
    return list(named.order_by("pk").values_list("pk", flat=True).distinct()[:50])


def _customers(asking: _Asking, value: str) -> list[int]:
    """Return the customers of this name or number with whom the reader sees a conversation."""
    named = contacts_called(
        contacts_in(conversations_of(asking.viewer)), asking.viewer.account_id, value
    )
    if named.goes_on:
        words = _(
            "Very many customers are called “%(value)s”: only the newest were looked at. Write more"
            " of the name, or a number."
        )
        asking.notes.append(words % {"value": value})
    return list(named.pks)


# --- Days ----------------------------------------------------------------------------------------


def _days(
    viewer: Viewer, chips: Iterable[Chip], problems: list[str], now: datetime
) -> tuple[datetime | None, datetime | None]:
    since: datetime | None = None
    until: datetime | None = None
    zone: ZoneInfo | None = None
    for chip in chips:
        zone = zone or _zone_of(viewer)
        moment = _begins(chip.value, zone, now)
        if moment is None:
            words = _("“%(value)s” is no day: write it as %(operator)s:2026-05-31.")
            problems.append(words % {"value": chip.value, "operator": chip.operator.value})
        elif (chip.operator == Operator.AFTER) != chip.is_not:
            since = max(since or moment, moment)
        else:
            until = min(until or moment, moment)
    return since, until


def _zone_of(viewer: Viewer) -> ZoneInfo:
    zone = Account.objects.filter(pk=viewer.account_id or 0).values_list("time_zone", flat=True)
    return ZoneInfo(zone.first() or "UTC")


def _begins(value: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return when a day begins; `after:` includes it, `before:` does not."""
    today = now.astimezone(zone).date()
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        day = named.get(value.lower()) or date.fromisoformat(value)
        return datetime.combine(day, time.min, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
