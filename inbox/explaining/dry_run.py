"""What would become of a message? A typed one or one that came, at a moment; nothing is written.

Look-ups are asked only where somebody wants that: they are real. Of their answers nothing is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4

from accounts.access import Viewer
from compliance.gate import Reason, Verdict
from inbox.access import conversations_of
from inbox.autoreply import last_of_people, logged
from inbox.directory import directory_for, directory_of_account
from inbox.explaining.places import Which, circumstances_of, rules_to_try
from inbox.explaining.replay import merged
from inbox.explaining.wishes import Letter, Wish, wish_of
from inbox.lookups.asking import Asked, Subject, answers_of, ask
from inbox.models import (
    AutoReplyLog,
    Conversation,
    Message,
    RoutingTrace,
    Sender,
    TeamInbox,
    Thread,
)
from inbox.reply_settings import replies_of
from inbox.routing_facts import arrived
from inbox.routing_facts import facts_of as facts_of_message
from inbox.rulebooks import InForce
from routing import data_action
from routing.data_action import Known, Question
from routing.deciding import decide
from routing.facts import Customer, Directory, Facts, Trigger
from routing.models import EscalationPolicy
from routing.replies import BURST, History, RuleReply, Silence, languages_of, lookups_wanted
from routing.traces import read_directory, read_facts
from routing.trying import (
    Circumstances,
    Outcome,
    Typed,
    everybody_there,
    facts_of,
    history_of,
    try_out,
)

A_WISH = "it is a wish about consent"
_DAY = timedelta(hours=24)
_IN, _TEXT = Message.Direction.IN, Message.Kind.TEXT


@dataclass(frozen=True)
class Tried:
    """What would become of a message, under which rules.

    `asked` is what look-ups said now. `wish` is what the message says about consent, with the
    gate's verdict on an answer. `is_as_kept` if all is as it was known when it came.
    """

    outcome: Outcome
    rules: InForce
    place: Circumstances
    asked: Mapping[str, Asked] = field(default_factory=dict)
    wish: Wish = field(default_factory=Wish)
    is_as_kept: bool = False


@dataclass(frozen=True)
class Bench:
    """Where something is tried: an inbox, which rules, by whom, at which moment of theirs."""

    inbox: TeamInbox
    which: Which
    viewer: Viewer
    now: datetime
    asks: bool = False


# --- A typed message ---


def try_typed_message(bench: Bench, typed: Typed, *, as_they_are: bool) -> Tried:
    """Try a message that nobody sent.

    A contact with its number is used only if the reader may see a conversation with them. The
    people are `as_they_are` now, or all there with nothing to do; who is called away is away.
    """
    rules = rules_to_try(bench.inbox, bench.which)
    place = circumstances_of(bench.inbox, Directory(team=bench.inbox.pk))
    thread = _thread_with(bench, typed.number)
    facts = facts_of(typed, rules.rules, place, seed=f"typed {typed.at.isoformat()} {typed.text}")
    facts = replace(facts, customer=_known_customer(facts.customer, thread))
    facts, asked = _asked(bench, facts, rules, _question(bench, typed, facts))
    place = replace(place, directory=_people(bench, rules, facts, typed, as_they_are=as_they_are))
    history = history_of(typed)
    if thread:
        thread.last_inbound_at = typed.at
        history = replace(history, is_repliable=thread.address.is_repliable)
    wish = wish_of(_letter(bench.inbox, typed, thread))
    history = replace(history, refusal=_refusal(wish.verdict))
    outcome = try_out(facts, rules.rules, place, history, at=typed.at)
    return Tried(_silenced(outcome, wish), rules, place, asked, wish)


def _letter(inbox: TeamInbox, typed: Typed, thread: Thread | None) -> Letter:
    return Letter(
        inbox,
        typed.text,
        typed.channel,
        typed.at,
        number=typed.number,
        language=typed.language or (thread.contact.language if thread else ""),
        our_address=typed.sender,
        thread=thread,
    )


def _thread_with(bench: Bench, number: str) -> Thread | None:
    """Return the thread of this inbox with a number, if the reader sees a conversation of it."""
    if not number:
        return None
    seen = conversations_of(bench.viewer).filter(inbox=bench.inbox)
    rows = Thread.objects.select_related("contact", "address", "sender")
    return rows.filter(address__phone=number, conversations__in=seen).order_by("-pk").first()


def _known_customer(typed: Customer, thread: Thread | None) -> Customer:
    """Add to what was typed what is known of the contact."""
    if thread is None:
        return typed
    contact = thread.contact
    last = Conversation.objects.filter(thread=thread).order_by("-pk").first()
    return replace(
        typed,
        name=typed.name or contact.name or contact.profile_name,
        language=typed.language or contact.language,
        tags=typed.tags | frozenset(contact.tags),
        attributes={**contact.attributes, **typed.attributes},
        owner=contact.owner_id,
        last_owner=(last.owner_id or last.last_owner_id) if last else None,
        last_wrote_at=thread.last_inbound_at,
        is_first_ever=False,
    )


def _people(
    bench: Bench, rules: InForce, facts: Facts, typed: Typed, *, as_they_are: bool
) -> Directory:
    account, team, now = bench.inbox.account_id, bench.inbox.pk, bench.now
    if not as_they_are:
        everybody = directory_of_account(account, team=team, now=now)
        return everybody_there(everybody, typed.away)
    found = directory_for(rules, facts, account=account, team=team, now=now)
    away = {
        pk: replace(person, is_available=person.is_available and pk not in typed.away)
        for pk, person in found.people.items()
    }
    return replace(found, people=away)


# --- A message that came ---


def try_past_message(bench: Bench, message: Message, *, at: datetime | None = None) -> Tried:
    """Try a message that came: as it was known then, or as everything is known now, at a moment.

    Answers that look-ups gave then are used. The message's thread and conversation must have been
    loaded with it.
    """
    trace = None if at else _trace_of(bench.inbox, message)
    rules = rules_to_try(bench.inbox, bench.which)
    if trace:
        facts, moment = read_facts(trace.facts, body=message.body), trace.at
    else:
        facts, moment = _facts_now(bench, message, rules), at or message.received_at or bench.now
    facts, asked = _asked(bench, facts, rules, _question_about(bench, message, facts))
    people = directory_for(
        rules, facts, account=bench.inbox.account_id, team=bench.inbox.pk, now=bench.now
    )
    if trace:
        people = merged(read_directory(trace.people), people)
    place = circumstances_of(bench.inbox, people)
    wish = wish_of(_letter_of(bench.inbox, message, at=moment))
    history = history_before(
        message,
        is_new=facts.trigger is Trigger.NEW,
        refusal=_refusal(wish.verdict),
        at=moment,
    )
    outcome = _silenced(try_out(facts, rules.rules, place, history, at=moment), wish)
    return Tried(outcome, rules, place, asked, wish, is_as_kept=trace is not None)


def _letter_of(inbox: TeamInbox, message: Message, *, at: datetime) -> Letter:
    button = message.details.get("button") or {}
    return Letter(
        inbox,
        message.body,
        message.channel,
        at,
        language=message.thread.contact.language,
        button_payload=str(button.get("payload", "")),
        thread=message.thread,
        before_seq=message.seq,
    )


def _silenced(outcome: Outcome, wish: Wish) -> Outcome:
    """Let nothing be answered to a keyword: it reaches no rule and no reply."""
    return replace(outcome, said=Silence(A_WISH)) if wish.is_keyword else outcome


def recent_messages(inbox: TeamInbox, viewer: Viewer, *, most: int = 20) -> list[Message]:
    """Return the last messages of customers that somebody may read, the newest first."""
    rows = Message.objects.filter(
        conversation__in=conversations_of(viewer).filter(inbox=inbox),
        direction=_IN,
        kind=_TEXT,
        forgotten_for="",
    )
    return list(rows.select_related("thread__address", "thread__contact").order_by("-pk")[:most])


def message_to_try(inbox: TeamInbox, viewer: Viewer, public_id: str) -> Message | None:
    """Return a customer's message of an inbox that somebody may read, with all that is asked."""
    rows = Message.objects.filter(
        public_id=public_id,
        conversation__in=conversations_of(viewer).filter(inbox=inbox),
        direction=_IN,
        kind=_TEXT,
    )
    return rows.select_related(
        *("thread__address", "thread__contact", "thread__sender"),
        *("conversation__inbox__account", "conversation__contact"),
    ).first()


def history_before(message: Message, *, is_new: bool, at: datetime, refusal: str = "") -> History:
    """Return what the thread knew of automatic replies before a message came.

    `refusal` is why the gate would not let one pass.
    """
    thread = message.thread
    assert message.conversation is not None
    came = message.received_at or message.created_at
    log = logged(AutoReplyLog.objects.filter(thread=thread, trigger__seq__lt=message.seq))
    before = Message.objects.filter(
        thread=thread, direction=_IN, seq__lt=message.seq, received_at__gt=came - BURST
    ).exclude(kind=Message.Kind.REACTION)
    # A moment that was chosen is that of the message: no burst goes on until then.
    moved = at - came
    inbound = before.values_list("received_at", flat=True)[:1] if abs(moved) < _DAY else ()
    return History(
        conversation=message.conversation.public_id,
        triggered_at=at,
        is_new_conversation=is_new,
        inbound=tuple(one + moved for one in inbound if one),
        said=tuple(one for one in log.said_after(at - _DAY) if one.at <= at),
        used=log.windows,
        closed_words_at=log.closed_words_at,
        has_person_since=0 < last_of_people(thread.pk, after=log.last_seq) < message.seq,
        is_repliable=thread.address.is_repliable,
        is_reconciled=message.was_found_late,
        is_own_sender=Sender.objects.filter(
            account=thread.account_id, address=thread.customer_address
        ).exists(),
        refusal=refusal,
    )


def _trace_of(inbox: TeamInbox, message: Message) -> RoutingTrace | None:
    """Return the last decision about a message in an inbox."""
    rows = RoutingTrace.objects.filter(inbox=inbox, message=message)
    return rows.exclude(trigger=Trigger.TRANSFERRED).order_by("-id").first()


def _facts_now(bench: Bench, message: Message, rules: InForce) -> Facts:
    assert message.conversation is not None
    conversation, seq = message.conversation, message.seq
    began = not Message.objects.filter(
        conversation=conversation, direction=_IN, kind=_TEXT, seq__lt=seq
    ).exists()
    trigger = Trigger.NEW if began else Trigger.REOPENED
    replies = replies_of(bench.inbox)
    return facts_of_message(
        arrived(message, conversation),
        trigger,
        rules,
        languages=languages_of(replies, rules.asked),
        asked=replies.facts(),
    )


# --- Look-ups, and what the gate says ---


def _asked(
    bench: Bench, facts: Facts, rules: InForce, question: Question
) -> tuple[Facts, Mapping[str, Asked]]:
    """Ask look-ups where that is wanted, as many as rules and replies want; nothing is kept."""
    if not bench.asks:
        return facts, {}
    account, team, now = bench.inbox.account_id, bench.inbox.pk, bench.now
    people = directory_for(rules, facts, account=account, team=team, now=now)
    plan = decide(facts, rules.rules, people, now=now)
    needs = plan.needs | lookups_wanted(replies_of(bench.inbox), RuleReply.of(plan))
    needs -= facts.answers.keys()
    if not needs:
        return facts, {}
    everybody = directory_of_account(account, team=team, now=now)
    teams = TeamInbox.objects.filter(account=account).values_list("pk", "name")
    policies = EscalationPolicy.objects.filter(account=account).values_list("name", flat=True)
    known = Known(everybody, dict(teams), tuple(policies))
    subject = Subject(None, facts.customer, question, known)
    asked = ask(needs, account_id=account, subject=subject, now=now)
    return replace(facts, answers={**facts.answers, **answers_of(asked)}), asked


def _question(bench: Bench, typed: Typed, facts: Facts) -> Question:
    """Return what a Data Action is told; the ids say that this is a dry run."""
    number = uuid4().hex
    customer = facts.customer
    return Question(
        id=f"dry_run_{number}",
        account=bench.inbox.account_id,
        inbox=data_action.Inbox(bench.inbox.pk, bench.inbox.name, typed.sender),
        contact=data_action.Contact(
            id="",
            name=customer.name,
            number=customer.number,
            language=customer.language,
            country=customer.country,
            region=customer.region,
            owner=customer.owner,
            tags=tuple(sorted(customer.tags)),
            attributes=customer.attributes,
        ),
        conversation=data_action.Conversation(
            "", is_new=typed.trigger is Trigger.NEW, reopened=typed.trigger is Trigger.REOPENED
        ),
        message=data_action.Message(f"dry_run_{number}", typed.text, typed.channel, typed.at),
        members=_members(bench),
    )


def _question_about(bench: Bench, message: Message, facts: Facts) -> Question:
    at = message.received_at or message.created_at
    typed = Typed(at, message.body, channel=message.channel, trigger=facts.trigger)
    return _question(bench, replace(typed, sender=message.thread.our_address), facts)


def _members(bench: Bench) -> tuple[data_action.Member, ...]:
    if not bench.asks:
        return ()
    team = bench.inbox.pk
    found = directory_of_account(bench.inbox.account_id, team=team, now=bench.now)
    people = (found.people[pk] for pk in found.members.get(team, ()))
    return tuple(
        data_action.Member(one.id, one.email, one.is_available, one.open_count) for one in people
    )


def _refusal(verdict: Verdict | None) -> str:
    """Return why the gate would not let an automatic reply pass; at a paused sender it waits."""
    if verdict is None or verdict.is_allowed or verdict.reason is Reason.SENDER_PAUSED:
        return ""
    return verdict.words
