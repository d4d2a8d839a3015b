"""How does one batch of what is old enough go?

Each takes the oldest that are left after a place in the order of age, in one short transaction, and
says how many went and where to go on. Whatever somebody holds is left out and stays. Doing it twice
does nothing the second time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import F, Func, JSONField, Model, Q, QuerySet
from django.db.models.fields.json import KT

from accounts.english import noop
from accounts.secrets import SecretUnreadableError
from compliance.addresses import parse_address
from compliance.models import ConsentChain, ConsentKey, GateDecision, WebEvidence
from compliance.retiring import address_in, is_needed, keys_before, last_events, retire
from compliance.sealing import UnreadableDetailsError
from inbox.forgetting.holds import Held
from inbox.models import (
    Attachment,
    ConsentReview,
    Conversation,
    ConversationEvent,
    CrmAnswer,
    Message,
    Receipt,
    RoutingTrace,
    Thread,
)
from inbox.models.conversation import WITHOUT_WORDS
from inbox.models.message import ATTACHED, FOUND_LATE, REACTION, Forgotten
from routing.models import RuleExample

SIZE = 500
M = TypeVar("M", bound=Model)
Place = tuple[datetime, int]
# What may still go out, or may turn out to have gone, needs its words.
_LIVE = (Message.Status.QUEUED, Message.Status.SENDING, Message.Status.UNKNOWN)
_Verb = ConversationEvent.Verb
# What colleagues typed stands in lines of these kinds; of others `reason` is a word of ours.
TYPED_IN = (
    *(_Verb.CLOSED, _Verb.RELEASED, _Verb.TRANSFERRED, _Verb.MOVED, _Verb.TAKEN_OVER),
    *(_Verb.TAGGED, _Verb.CONTACT_TAGS, _Verb.CONTACT_FACT, _Verb.BLOCKED, _Verb.UNBLOCKED),
    *(_Verb.PROMISED, _Verb.REACH, _Verb.REMOVED),
)


@dataclass(frozen=True)
class Batch:
    """What went: how many, by what they are called; and the last place looked at, if any is left.

    `oldest` and `newest` are when the first and the last of what went had been made.
    """

    gone: Mapping[str, int]
    last: Place | None = None
    oldest: datetime | None = None
    newest: datetime | None = None


@dataclass(frozen=True)
class Old:
    """What is asked: what of an account is older than `before`, after a place, and not held."""

    account_id: int
    before: datetime
    held: Held
    now: datetime
    after: Place | None = None

    def of(self, rows: "QuerySet[M]", at: str) -> "QuerySet[M]":
        """Keep what is old enough and comes later, the oldest first."""
        rows = rows.filter(**{"account": self.account_id, f"{at}__lt": self.before})
        if self.after:
            moment, number = self.after
            later = Q(**{f"{at}__gt": moment}) | Q(**{at: moment, "pk__gt": number})
            # Said twice: the first is what the index is entered by.
            rows = rows.filter(later, **{f"{at}__gte": moment})
        return rows.order_by(at, "pk")


def texts(old: Old, size: int = SIZE) -> Batch:
    """Empty messages, and what conversations and their timelines repeat of them."""
    rows = texts_left(old)
    with transaction.atomic():
        found = list(
            rows.select_for_update(of=("self",), no_key=True, skip_locked=True)[:size].values_list(
                "created_at", "pk", "conversation"
            )
        )
        numbers = [pk for _at, pk, _of in found]
        empty_messages(numbers, why=Forgotten.RETENTION, now=old.now)
        empty_reviews(numbers)
        _empty_conversations({of for *_x, of in found if of}, old)
    return _batch("messages", [(at, pk) for at, pk, _of in found], size)


def texts_left(old: Old) -> "QuerySet[Message]":
    """Return messages whose words are old enough to go."""
    rows = Message.objects.filter(old.held.off_messages(), forgotten_at=None)
    return old.of(rows.exclude(status__in=_LIVE), "created_at")


REMOVED = "Removed."


# What is known of a message that says nothing of what it said.
_STAYS = {FOUND_LATE: True, ATTACHED: True}


class _Kept(Func):
    """Details without all that repeats or describes what was said."""

    template = (
        "(SELECT COALESCE(jsonb_object_agg(key, value), '{}') FROM "  # noqa: S608 - names of ours
        "jsonb_each(%(expressions)s)"
        f" WHERE key IN ('{FOUND_LATE}', '{ATTACHED}'))"
    )
    output_field = JSONField()


class _Bare(Func):
    """Details without the reaction that is shown."""

    template = f"(%(expressions)s - '{REACTION}')"
    output_field = JSONField()


def empty_messages(numbers: Iterable[int], *, why: Forgotten, now: datetime) -> None:
    """Take the words out of messages, and what they react with off other messages; their place,
    times and states stay."""
    ids = list(numbers)
    _take_reactions_off(ids)
    said = Q(body="", details__contained_by=_STAYS)
    rows = Message.objects.filter(pk__in=ids)
    rows.filter(said, forgotten_at=None).update(forgotten_at=now)
    rows.filter(forgotten_at=None).update(forgotten_at=now, forgotten_for=why.value)
    rows.update(body="", details=_Kept(F("details")))


def _take_reactions_off(numbers: Sequence[int]) -> None:
    """Let neither these messages show a reaction, nor others one of these."""
    reactions = Message.objects.filter(pk__in=numbers, kind=Message.Kind.REACTION)
    others = Message.objects.filter(pk__in=reactions.values("reply_to"))
    shown = others.annotate(shown=KT(f"details__{REACTION}__id"))
    shown.filter(shown__in=reactions.values("public_id")).update(details=_Bare(F("details")))
    own = Message.objects.filter(pk__in=numbers, details__has_key=REACTION)
    own.update(details=_Bare(F("details")))


def empty_reviews(messages: Iterable[int]) -> None:
    """Take out what was typed when it was decided what messages meant."""
    rows = ConsentReview.objects.filter(message__in=list(messages), decided_at__isnull=False)
    rows.exclude(reason="").update(reason=REMOVED)


def _empty_conversations(numbers: set[int], old: Old) -> None:
    rows = Conversation.objects.filter(pk__in=numbers, last_activity_at__lt=old.before)
    rows.exclude(preview="", close_reason="").update(preview="", close_reason="")
    empty_timeline(Q(conversation__in=numbers, at__lt=old.before))


def empty_timeline(which: Q) -> int:
    """Take what colleagues typed out of lines of timelines: a run or an erasure must be under way.

    The database lets nothing else of them change.
    """
    rows = ConversationEvent.objects.filter(which, verb__in=[one.value for one in TYPED_IN])
    numbers = list(rows.values_list("pk", flat=True))
    table = ConversationEvent._meta.db_table
    sql = (
        f"UPDATE {table} SET data = {WITHOUT_WORDS}(data)"  # noqa: S608 - names of ours
        f" WHERE id = ANY(%s) AND data <> {WITHOUT_WORDS}(data)"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [numbers])
        return int(cursor.rowcount)


def media(old: Old, size: int = SIZE) -> Batch:
    """Delete files, from the disk first: what is broken off is done again."""
    found = list(media_left(old)[:size])
    forget_files(found, why=Forgotten.RETENTION, now=old.now)
    return _batch("files", [(one.created_at, one.pk) for one in found], size)


def media_left(old: Old) -> "QuerySet[Attachment]":
    """Return files that are old enough to go."""
    rows = Attachment.objects.filter(forgotten_at=None)
    if old.held.all:
        return rows.none()
    # An empty condition beside another one would be none at all.
    if old.held.contacts or old.held.conversations:
        rows = rows.filter(Q(message=None) | old.held.off_messages("message__"))
    return old.of(rows.exclude(message__status__in=_LIVE), "created_at")


def forget_files(files: list[Attachment], *, why: Forgotten, now: datetime) -> None:
    """Delete files and what is known of them, but for those that another message still has."""
    numbers = [one.pk for one in files]
    names = {str(name) for one in files for name in (one.file.name, one.thumbnail.name) if name}
    others = Attachment.objects.filter(forgotten_at=None).exclude(pk__in=numbers)
    kept = set(others.filter(file__in=names).values_list("file", flat=True))
    kept |= set(others.filter(thumbnail__in=names).values_list("thumbnail", flat=True))
    for name in sorted(names - kept):
        default_storage.delete(name)
    Attachment.objects.filter(pk__in=numbers).update(
        file="",
        thumbnail="",
        name="",
        alt="",
        source_url="",
        declared_type="",
        sha256="",
        size=0,
        width=None,
        height=None,
        problem="",
        state=Attachment.State.GONE,
        next_attempt_at=None,
        forgotten_at=now,
        forgotten_for=why.value,
    )


def raw(old: Old, size: int = SIZE) -> Batch:
    """Empty the forms of webhooks; that they came stays, so that none is taken twice."""
    with transaction.atomic():
        found = list(
            raw_left(old)
            .select_for_update(of=("self",), no_key=True, skip_locked=True)[:size]
            .values_list("received_at", "pk")
        )
        empty_receipts([pk for _at, pk in found], now=old.now)
    return _batch("receipts", found, size)


def raw_left(old: Old) -> "QuerySet[Receipt]":
    """Return receipts whose forms are old enough to go, and which nobody waits for."""
    if old.held.all:
        return Receipt.objects.none()
    rows = Receipt.objects.filter(forgotten_at=None)
    rows = rows.exclude(state__in=[Receipt.State.WAITING, Receipt.State.FAILED])
    if old.held.contacts or old.held.conversations:
        threads = old.held.threads().values("pk")
        held = Message.objects.filter(thread__in=threads, provider_sid__isnull=False)
        rows = rows.exclude(message_sid__in=held.values("provider_sid"))
    return old.of(rows, "received_at")


FORM_GONE = noop("What it said was removed when its time was over.")


def empty_receipts(numbers: Iterable[int], *, now: datetime) -> int:
    """Take out what webhooks said. What nobody placed meanwhile cannot be placed any more."""
    rows = Receipt.objects.filter(pk__in=list(numbers))
    owed = rows.exclude(state=Receipt.State.DONE)
    owed.update(state=Receipt.State.DONE, done_at=now, next_attempt_at=None)
    return rows.update(form=b"", problem="", forgotten_at=now)


def traces(old: Old, size: int = SIZE) -> Batch:
    """Delete what rules knew and decided; with the last of them, what CRMs answered."""
    found = list(traces_left(old)[:size].values_list("at", "pk"))
    with transaction.atomic():
        RoutingTrace.objects.filter(pk__in=[pk for _at, pk in found]).delete()
        answers = 0
        if len(found) < size:
            answers, _each = answers_left(old).delete()
    batch = _batch("traces", found, size)
    return Batch({**batch.gone, "crm_answers": answers}, batch.last, batch.oldest, batch.newest)


def traces_left(old: Old) -> "QuerySet[RoutingTrace]":
    """Return traces that are old enough to go, and of which nobody is still to be told."""
    if old.held.all:
        return RoutingTrace.objects.none()
    rows = RoutingTrace.objects.filter(webhook_at=None)
    if old.held.contacts:
        rows = rows.exclude(conversation__thread__contact__in=old.held.contacts)
    if old.held.conversations:
        rows = rows.exclude(conversation__in=old.held.conversations)
    return old.of(rows, "at")


def answers_left(old: Old) -> "QuerySet[CrmAnswer]":
    """Return answers of CRMs that are old enough to go."""
    if old.held.all:
        return CrmAnswer.objects.none()
    rows = CrmAnswer.objects.filter(account=old.account_id, answered_at__lt=old.before)
    return rows.exclude(contact__in=old.held.contacts)


def examples(old: Old, size: int = SIZE) -> Batch:
    """Delete examples of rules."""
    found = list(examples_left(old)[:size].values_list("changed_at", "pk"))
    RuleExample.objects.filter(pk__in=[pk for _at, pk in found]).delete()
    return _batch("examples", found, size)


def examples_left(old: Old) -> "QuerySet[RuleExample]":
    """Return examples that are old enough to go."""
    rows = RuleExample.objects.all()
    return old.of(rows.none() if old.held.all else rows, "changed_at")


def decisions(old: Old, size: int = SIZE) -> Batch:
    """Delete what the gate decided."""
    found = list(decisions_left(old)[:size].values_list("evaluated_at", "pk"))
    GateDecision.objects.filter(pk__in=[pk for _at, pk in found]).delete()
    return _batch("decisions", found, size)


def decisions_left(old: Old) -> "QuerySet[GateDecision]":
    """Return decisions that are old enough to go."""
    rows = GateDecision.objects.none() if old.held.all else GateDecision.objects.all()
    if old.held.contacts or old.held.conversations:
        held = old.held.threads().values_list("public_id", flat=True)
        rows = rows.exclude(thread_ref__in=list(held))
    return old.of(rows, "evaluated_at")


def proof(old: Old, size: int = SIZE) -> Batch:
    """Destroy the keys of evidence that nobody relies on, and what they sealed."""
    found = list(proof_left(old)[:size])
    last = last_events(old.account_id, [key.handle for key in found])
    gone = 0
    for key in found:
        if last.get(key.handle, old.before) < old.before:
            gone += _retired(key, old)
    place = (found[-1].made_at, found[-1].pk) if len(found) == size else None
    return Batch({"evidence": gone}, place)


def proof_left(old: Old) -> "QuerySet[ConsentKey]":
    """Return the keys that may be old enough; whether they are is seen one by one."""
    rows = keys_before(old.account_id, old.before)
    rows = rows.none() if old.held.all else rows.exclude(handle__in=old.held.handles)
    return old.of(rows, "made_at")


def _retired(key: ConsentKey, old: Old) -> int:
    try:
        address = address_in(key)
    except (UnreadableDetailsError, SecretUnreadableError):
        # What cannot be read is for the check of the ledger to alarm of, and not for us to lose.
        return 0
    with transaction.atomic():
        # Whoever records something for the account holds this row: one of the two is first.
        ConsentChain.objects.select_for_update(no_key=True).get(account=old.account_id)
        newest = last_events(old.account_id, [key.handle]).get(key.handle)
        is_old = newest is not None and newest < old.before
        if not is_old or is_needed(old.account_id, address) or _is_in_use(address, old):
            return 0
        return retire(key, now=old.now)


def web(old: Old, size: int = SIZE) -> Batch:
    """Delete from where on the web consents were given; the rest of their proof stays and holds."""
    found = list(web_left(old)[:size].values_list("recorded_at", "pk"))
    WebEvidence.objects.filter(pk__in=[pk for _at, pk in found]).delete()
    return _batch("web_evidence", found, size)


def web_left(old: Old) -> "QuerySet[WebEvidence]":
    """Return web evidence that is old enough to go."""
    rows = WebEvidence.objects.none() if old.held.all else WebEvidence.objects.all()
    if held := old.held.every_handle(old.account_id):
        rows = rows.exclude(event__handle__in=held)
    return old.of(rows, "recorded_at")


def _is_in_use(address: str, old: Old) -> bool:
    """Say whether anybody wrote to or from an address lately, or may not be forgotten."""
    keys = parse_address(address).sibling_keys if address else ()
    threads = Thread.objects.filter(account=old.account_id, address__key__in=keys)
    lately = Q(conversations__last_activity_at__gte=old.before)
    held = Q(contact__in=old.held.contacts) | Q(conversations__in=old.held.conversations)
    return threads.filter(lately | held).exists()


def _batch(name: str, found: list[Place], size: int) -> Batch:
    if not found:
        return Batch({name: 0})
    last = found[-1] if len(found) == size else None
    return Batch({name: len(found)}, last, found[0][0], found[-1][0])


# By the name of the kind.
FORGET: Mapping[str, Callable[..., Batch]] = {
    "texts": texts,
    "media": media,
    "raw": raw,
    "traces": traces,
    "examples": examples,
    "decisions": decisions,
    "proof": proof,
    "web": web,
}
LEFT: Mapping[str, tuple[Callable[[Old], "QuerySet[Any]"], str]] = {
    "texts": (texts_left, "created_at"),
    "media": (media_left, "created_at"),
    "raw": (raw_left, "received_at"),
    "traces": (traces_left, "at"),
    "examples": (examples_left, "changed_at"),
    "decisions": (decisions_left, "evaluated_at"),
    "proof": (proof_left, "made_at"),
    "web": (web_left, "recorded_at"),
}
