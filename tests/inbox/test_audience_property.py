"""Does everybody see, hear and catch up with exactly what they may, whatever people do?

A random day in two teams. After every step three answers to "who may read this?" must agree for
every conversation and everybody: the query (`visible_to`), the list of people (`readers_of`), and
the socket groups that a frame would go to. And whoever lost or gained sight was told.

And whatever reaches anybody is looked through, byte by byte: what they are told without asking,
and what they get at every address, some after each step and all at the end of the day
(`day_of_words`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.http import Http404
from django.test import Client, TestCase

from accounts.access import Viewer, viewer_of
from accounts.models import License, LicensePool, Membership, User
from compliance.gate import SendBlockedError
from inbox import closing, counting, pushing, undoing
from inbox import conversations as stories
from inbox.access import (
    HandledByOtherError,
    audience_of,
    audiences_of,
    conversations_of,
    get_conversation,
    get_message,
    is_reader,
    readers_of,
)
from inbox.broadcast import frames_of, guests_group, inbox_group, supervisors_group, user_group
from inbox.catchup import catch_up, seqs_in_sight
from inbox.consumers import Chair, LiveConsumer
from inbox.events import EVENT_TYPES, Announcement, MessageStatusChanged, Numbered, head_of
from inbox.forgetting.removing import remove_message
from inbox.lists import Asked, View, counts_of, inbox_page
from inbox.marking import Writer, tag_conversation
from inbox.models import (
    Conversation,
    ConversationEvent,
    InboxEvent,
    Message,
    Participant,
    Sender,
    TeamInbox,
)
from inbox.models.ids import client_id
from inbox.refusals import RefusedError
from inbox.rows import COUNT_LIMIT
from inbox.searching.finding import find
from inbox.searching.parsing import parse
from inbox.sending import send_reply
from inbox.standing import standing_of
from inbox.tallies import count
from inbox.watch import marks_of
from inbox.watching import add_watcher
from tests.factories import make_account, make_inbox, make_sender, make_user
from tests.inbox.day_of_sight import PREFIX, Marks
from tests.inbox.day_of_telling import PromptEar, Telling
from tests.inbox.day_of_words import Words
from tests.push_service import push_service
from tests.twilio import text_in

BEGIN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SEED = 20_261_123
STEPS = 50
KEYWORDS = ("STOP", "START")
Step = Callable[[], None]


@dataclass
class Sight:
    """Who could read what, and how far the inboxes were, at one moment."""

    chairs: dict[int, Chair]
    seen: dict[int, frozenset[int]]
    heads: dict[int, int]
    on: frozenset[int]
    # For what each person's page of each inbox is drawn, and what the watch over sockets compares.
    standings: dict[tuple[int, int], tuple[bool, bool, str]]
    marks: dict[int, str]

    def hearers(self, groups: frozenset[str]) -> set[int]:
        """Return whose sockets are in one of these groups."""
        return {pk for pk, chair in self.chairs.items() if chair.groups & groups}

    def readers(self, conversation_id: int | None) -> set[int]:
        """Return who may read a conversation."""
        return {pk for pk, seen in self.seen.items() if conversation_id in seen}


@dataclass
class Day:
    """Two teams, their people and customers, and everything that happens to them."""

    rng: random.Random
    clock: Any
    after_claim: str
    closed_visibility: str
    masks_numbers: bool
    marks: Marks
    telling: Telling | None
    log: list[str] = field(default_factory=list)
    next_act: Step | None = None

    def __post_init__(self) -> None:
        self.account = account = make_account(masks_numbers=self.masks_numbers)
        settings = {
            "after_claim": self.after_claim,
            "closed_visibility": self.closed_visibility,
            "auto_close_hours": 5,
            "auto_close_since": BEGIN - timedelta(days=1),
        }
        support = make_inbox(account, "Support", **settings)
        sales = make_inbox(account, "Sales", **settings)
        other = make_inbox(make_account(), "Support")
        supervisor, observer = Membership.Role.SUPERVISOR, Membership.Role.OBSERVER
        self.inboxes = [support, sales]
        self.people = [
            make_user(account, "Alice", team=support.team),
            make_user(account, "Bob", team=support.team),
            make_user(account, "Sue", team=support.team, role=supervisor),
            make_user(account, "Olly", team=support.team, role=observer),
            make_user(account, "Nora", team=support.team, is_licensed=False),
            make_user(account, "Dora", team=sales.team),
            make_user(account, "Sid", team=sales.team, role=supervisor),
            make_user(account, "Max", team=support.team),
            make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN),
            make_user(other.account, "Charlie", team=other.team),
        ]
        Membership.objects.create(team=sales.team, user=self.people[7])
        self.senders = [make_sender(support), make_sender(sales)]
        self.customers = [f"+1415{self.rng.randrange(2_220_000, 4_109_999)}" for _ in range(4)]
        self.client = Client()
        self.words = (
            Words(self.marks, self.telling, self.inboxes, self.people, self.rng)
            if self.telling
            else None
        )
        if self.words:
            self.words.begin(now=self.now)

    # --- who and what -----------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """Return what the clock says."""
        return datetime.now(tz=UTC)

    def person(self, name: str) -> User:
        """Return somebody by name."""
        return next(user for user in self.people if user.name == name)

    def viewer(self, user: User) -> Viewer:
        """Return what a person is entitled to now."""
        return viewer_of(user, now=self.now)

    def sight(self) -> Sight:
        """Look through everybody's eyes."""
        chairs = {user.pk: _chair_of(user) for user in self.people}
        seen = {
            pk: frozenset(conversations_of(chair.viewer).values_list("pk", flat=True))
            for pk, chair in chairs.items()
        }
        heads = {inbox.pk: head_of(inbox.pk) for inbox in self.inboxes}
        inboxes = list(TeamInbox.objects.filter(account=self.account).order_by("pk"))
        return Sight(
            chairs,
            seen,
            heads,
            frozenset(inbox.pk for inbox in inboxes if inbox.is_on),
            {
                (pk, inbox.pk): (
                    chair.viewer.may_see,
                    inbox.is_on,
                    standing_of(chair.viewer, inbox),
                )
                for pk, chair in chairs.items()
                for inbox in inboxes
            },
            marks_of(self.people, now=self.now),
        )

    def name(self, pk: int) -> str:
        """Name a person."""
        return next(user.name for user in self.people if user.pk == pk)

    def names(self, pks: Any) -> list[str]:
        """Name people."""
        return sorted(self.name(pk) for pk in pks)

    # --- what can happen --------------------------------------------------------------------------

    def happen(self) -> bool:
        """Let one thing happen; say whether it was allowed."""
        act, self.next_act = self.next_act, None
        if act is None:
            act = self.rng.choice([*self._common() * 2, *self._rare()])
            self.clock.shift(timedelta(minutes=self.rng.choice([0, 0, 1, 5, 40, 200])))
        try:
            with TestCase.captureOnCommitCallbacks(execute=True):
                act()
        except (RefusedError, SendBlockedError, HandledByOtherError, Http404) as refused:
            self.log[-1] += f" -> {type(refused).__name__}"
            return False
        return True

    def _common(self) -> list[Step]:
        return [
            self.customer_writes,
            self.customer_writes,
            *(
                lambda story=story, options=options: self.person_does(story, **options)
                for story, options in (
                    (stories.claim_conversation, {}),
                    (stories.claim_conversation, {}),
                    (stories.release_conversation, {}),
                    (closing.reopen_conversation, {}),
                    (stories.snooze_conversation, {"until": None}),
                    (stories.wake_conversation, {}),
                    (stories.take_over, {"reason": f"Help {self.marks.new()}"}),
                )
            ),
            self.person_closes,
            self.person_closes,
            self.person_closes,
            self.person_answers,
            self.person_notes,
            self.person_tags,
            self.person_asks_to_watch,
            self.person_transfers,
            self.person_moves,
            self.person_snoozes,
            *([self.somebody_takes_back] * 4),
        ]

    def _rare(self) -> list[Step]:
        return [
            *([self.clock_works] * 4),
            *([self.somebody_removes] * 2),
            self.contact_is_blocked_or_not,
            *([self.inbox_is_switched] * 2),
            *([self.inbox_behaves_otherwise] * 3),
            *([self.licence_ends_or_returns] * 2),
            self.member_leaves_or_returns,
            self.somebody_comes_or_goes,
            *([self.somebody_is_added_by_name] * 3),
        ]

    def customer_writes(self, body: str = "") -> None:
        """Let a customer write, sometimes a keyword."""
        sender = self.rng.choice(self.senders)
        number = self.rng.choice(self.customers)
        body = body or self.rng.choice(["Hello", "Where is it?", "Thanks", "Hm?", *KEYWORDS])
        body = body if body in KEYWORDS else f"{body} {self.marks.new()}"
        self.log.append(f"{number} writes {body!r} to {sender.inbox.name}")
        row = Sender.objects.get(pk=sender.pk)
        message = text_in(self.client, row, number, body, **self._quote(number, row))
        if self.words:
            self.marks.put_about(message)

    def _quote(self, number: str, sender: Sender) -> dict[str, str]:
        """Let every third message be an answer to an earlier one of its thread."""
        said = Message.objects.filter(thread__sender=sender, thread__address__phone=number)
        sids = said.exclude(provider_sid=None).order_by("pk").values_list("provider_sid", flat=True)
        is_answer = self.rng.random() < 0.3 and sids
        return {"OriginalRepliedMessageSid": str(self.rng.choice(list(sids)))} if is_answer else {}

    def person_does(self, story: Any, **options: Any) -> None:
        """Let somebody do something to a conversation they can open."""
        conversation = self._some_conversation()
        user = self._some_actor(conversation)
        self.log.append(f"{user.name}: {story.__name__} {conversation.pk} {options or ''}")
        viewer = self.viewer(user)
        story(
            conversation=get_conversation(viewer, conversation.public_id),
            by=viewer,
            user=user,
            now=self.now,
            **options,
        )

    def _some_conversation(self) -> Conversation:
        found = Conversation.objects.filter(account=self.account).select_related("thread")
        return self.rng.choice(list(found.order_by("pk")))

    def _some_actor(self, conversation: Conversation) -> User:
        # Mostly somebody who has it or sees it: strangers are refused at the door.
        if conversation.owner and self.rng.random() < 0.4:
            return conversation.owner
        readers = sorted(readers_of(conversation, now=self.now))
        if readers and self.rng.random() < 0.8:
            pk = self.rng.choice(readers)
            return next(user for user in self.people if user.pk == pk)
        return self.rng.choice(self.people)

    def person_closes(self) -> None:
        """Let somebody finish a conversation; every other time they think again at once."""
        self.person_does(closing.close_conversation, last_seen_seq=10**6, waiting_ok=True)
        self.next_act = self.rng.choice([None, self.closer_thinks_again])

    def closer_thinks_again(self) -> None:
        """Let who closed something last undo it."""
        closed = ConversationEvent.objects.filter(verb="closed", actor__in=self.people)
        last = closed.select_related("conversation", "actor").latest("pk")
        assert last.actor is not None
        self.log.append(f"{last.actor}: undo_close {last.conversation_id}")
        viewer = self.viewer(last.actor)
        conversation = get_conversation(viewer, last.conversation.public_id)
        closing.undo_close(conversation=conversation, by=viewer, user=last.actor, now=self.now)

    def somebody_takes_back(self) -> None:
        """Let whoever claimed, released, transferred or closed something last take it back."""
        acts = ConversationEvent.objects.filter(data__has_key="undo", actor__in=self.people)
        last = acts.select_related("conversation", "actor").order_by("pk").last()
        if last is None or last.actor is None:
            self.log.append("nothing to take back")
            return
        self.log.append(f"{last.actor}: takes back {last.verb} of {last.conversation_id}")
        undoing.undo_act(act=last, by=self.viewer(last.actor), user=last.actor, now=self.now)

    def person_answers(self) -> None:
        """Let somebody answer."""
        self.person_does(send_reply, body=f"On it {self.marks.new()}", client_id=client_id())
        Message.objects.filter(status="queued").update(status="delivered")

    def person_notes(self) -> None:
        """Let somebody write a note, every other time to somebody."""
        whom = self.rng.choice(["", f"@{self.rng.choice(self.people).name} "])
        self.person_does(
            stories.add_note, body=f"{whom}Hm {self.marks.new()}", client_id=client_id()
        )

    def person_tags(self) -> None:
        """Let somebody put a tag on a conversation."""
        self.person_does(_tag, tag=self.marks.new())

    def person_asks_to_watch(self) -> None:
        """Let somebody ask a colleague to watch."""
        self.person_does(add_watcher, whom=self.rng.choice(self.people).pk)

    def somebody_removes(self) -> None:
        """Let who may take the content out of a message, for good."""
        told = Message.objects.filter(account=self.account, body__contains=PREFIX)
        message = self.rng.choice(list(told.order_by("pk")))
        user = self.rng.choice([self.person(name) for name in ("Sue", "Sid", "Ada")])
        self.log.append(f"{user.name} removes message {message.pk}")
        gone, viewer = self.marks.on(message), self.viewer(user)
        found = get_message(viewer, message.public_id)
        remove_message(message=found, by=viewer, user=user, reason="Not for us", now=self.now)
        self.marks.removed |= gone

    def person_transfers(self) -> None:
        """Let somebody give it to somebody else."""
        to = User.objects.get(pk=self.rng.choice(self.people).pk)
        note = f"Yours {self.marks.new()}"
        self.person_does(stories.transfer_to_user, to=to, confirmed=True, note=note)

    def person_moves(self) -> None:
        """Let somebody give it to a team."""
        to = TeamInbox.objects.get(pk=self.rng.choice(self.inboxes).pk)
        self.person_does(stories.transfer_to_inbox, to=to)

    def person_snoozes(self) -> None:
        """Let somebody put it aside for an hour."""
        self.person_does(stories.snooze_conversation, until=self.now + timedelta(hours=1))

    def clock_works(self) -> None:
        """Let one sweep do what is due: one story for each conversation at most."""
        sweep = self.rng.choice([stories.wake_due, stories.return_due, closing.close_quiet])
        self.log.append(f"the clock: {sweep.__name__}")
        sweep(now=self.now)

    def contact_is_blocked_or_not(self) -> None:
        """Let a contact be blocked, or unblocked."""
        contact = self.rng.choice(list(self.account.contacts.order_by("pk")))
        contact.is_blocked = not contact.is_blocked
        self.log.append(f"contact {contact.pk} blocked: {contact.is_blocked}")
        contact.save()

    def inbox_is_switched(self) -> None:
        """Let an inbox be switched off, or on again: mostly on, or nothing else happens there."""
        off = list(TeamInbox.objects.filter(account=self.account, is_on=False))
        inbox = self.rng.choice(off or self.inboxes)
        TeamInbox.objects.filter(pk=inbox.pk).update(is_on=bool(off))
        self.log.append(f"{inbox.name} is switched {'on' if off else 'off'}")

    def inbox_behaves_otherwise(self) -> None:
        """Let an admin change what colleagues see of claimed conversations, or of closed ones."""
        inbox = TeamInbox.objects.get(pk=self.rng.choice(self.inboxes).pk)
        name, values = self.rng.choice(
            [
                ("after_claim", TeamInbox.AfterClaim.values),
                ("closed_visibility", TeamInbox.ClosedVisibility.values),
            ]
        )
        [other] = set(values) - {getattr(inbox, name)}
        self.log.append(f"{inbox.name}: {name} is {other}")
        TeamInbox.objects.filter(pk=inbox.pk).update(**{name: other})

    def licence_ends_or_returns(self) -> None:
        """Let somebody's licence end, or begin again: mostly of somebody who takes part."""
        taking_part = {part.user_id for part in Participant.objects.filter(user__in=self.people)}
        some = [user for user in self.people if user.pk in taking_part]
        user = self.rng.choice(some if some and self.rng.random() < 0.7 else self.people)
        ended = License.objects.filter(holder=user, ends_at=None).update(ends_at=self.now)
        self.log.append(f"licence of {user.name}: {'ended' if ended else 'given'}")
        if ended:
            stories.release_all_of(user=user, reason="licence", now=self.now)
        else:
            pool = LicensePool.objects.get(account=user.account_id)
            License.objects.create(pool=pool, holder=user, starts_at=self.now)

    def member_leaves_or_returns(self) -> None:
        """Let somebody leave a team, or come back."""
        inbox = self.rng.choice(self.inboxes)
        user = self.rng.choice(self.people[:-1])
        gone, _ = Membership.objects.filter(team=inbox.team_id, user=user).delete()
        self.log.append(f"{user.name} {'leaves' if gone else 'joins'} {inbox.name}")
        if gone:
            stories.release_all_of(user=user, reason="left the team", now=self.now)
        else:
            role = self.rng.choice(Membership.Role.values)
            Membership.objects.create(team=inbox.team, user=user, role=role)

    def somebody_comes_or_goes(self) -> None:
        """Let somebody be away, or available."""
        user = User.objects.get(pk=self.rng.choice(self.people).pk)
        user.availability = self.rng.choice(User.Availability.values)
        self.log.append(f"{user.name} is {user.availability}")
        user.save()

    def somebody_is_added_by_name(self) -> None:
        """Let somebody take part by name, as a mention will do it."""
        user, conversation = self.rng.choice(self.people[:-1]), self._some_conversation()
        parts = Participant.objects.filter(conversation=conversation, user=user, ended_at=None)
        self.log.append(f"{user.name} is added to {conversation.pk}")
        if not conversation.is_closed and not parts.exists():
            Participant.objects.create(
                account_id=conversation.account_id,
                conversation=conversation,
                user=user,
                role=Participant.Role.WATCHER,
                source=Participant.Source.MENTION,
                started_at=self.now,
                mentioned_seq=self.rng.choice([None, 1, 3]),
            )

    # --- what must hold ---------------------------------------------------------------------------

    def check_nothing_happened(self, before: Sight) -> None:
        """Check that what was refused told nobody anything."""
        assert {inbox.pk: head_of(inbox.pk) for inbox in self.inboxes} == before.heads, str(self)

    def check(self, before: Sight) -> Sight:
        """Check everything that must hold after a step."""
        after = self.sight()
        everything = Conversation.objects.filter(account=self.account)
        for conversation in everything.select_related("inbox"):
            self._check_faces(conversation, after)
            self._check_owner(conversation)
        self._check_numbers()
        self._check_chips(after)
        events = self._events_since(before)
        self._check_reach(events, after)
        self._check_told(events, before, after)
        self._check_counts(after)
        if self.rng.random() < 0.3:
            counting.count_next(now=self.now)
            self._check_doors(before, after)
        self._check_words(events, before, after)
        return after

    def _check_faces(self, conversation: Conversation, after: Sight) -> None:
        may = after.readers(conversation.pk)
        listed = readers_of(conversation, now=self.now)
        hears = after.hearers(_content_groups(conversation))
        assert self.names(listed) == self.names(may), f"readers_of {conversation.pk}{self}"
        assert self.names(hears) == self.names(may), f"audience_of {conversation.pk}{self}"
        audience = audiences_of([conversation])[conversation.pk]
        read = {
            pk
            for pk, chair in after.chairs.items()
            if is_reader(chair.viewer, conversation, audience)
        }
        assert self.names(read) == self.names(may), f"is_reader {conversation.pk}{self}"

    def _check_owner(self, conversation: Conversation) -> None:
        owners = Participant.objects.filter(conversation=conversation, role="owner", ended_at=None)
        expected = [conversation.owner_id] if conversation.owner_id else []
        assert [part.user_id for part in owners] == expected, f"{conversation.pk}{self}"
        if conversation.owner_id:
            assert not conversation.is_team_wide, f"{conversation.pk}{self}"
        if conversation.is_closed:
            current = Participant.objects.filter(conversation=conversation, ended_at=None)
            assert not current.exists(), f"{conversation.pk}{self}"

    def _check_numbers(self) -> None:
        for inbox in self.inboxes:
            seqs = InboxEvent.objects.filter(inbox=inbox).order_by("seq")
            numbers = list(seqs.values_list("seq", flat=True))
            assert numbers == list(range(1, len(numbers) + 1)), str(self)

    def _check_chips(self, after: Sight) -> None:
        """Check that what sockets are told adds up to what a page says, for everybody."""
        viewers = [chair.viewer for chair in after.chairs.values() if chair.viewer.may_see]
        numbers = count({str(inbox.public_id): viewers for inbox in self.inboxes})
        for inbox in self.inboxes:
            found = numbers.get(str(inbox.public_id))
            if found is None:
                assert not TeamInbox.objects.get(pk=inbox.pk).is_on, str(self)
                continue
            for viewer in viewers:
                team = found.team.as_data() if viewer.is_member_of(inbox.pk) else {}
                own = found.own[viewer.user_id].as_data()
                if viewer.supervises_team(inbox.pk):
                    team = found.as_data_for_supervisors()
                    own = {name: own[name] for name in ("mine", "mentions")}
                told = {
                    view: min(team.get(view, 0) + own.get(view, 0), COUNT_LIMIT)
                    for view in ("mine", "unassigned", "open", "snoozed", "mentions")
                }
                assert told == counts_of(viewer, inbox), f"{viewer.name} in {inbox}{self}"

    def _check_counts(self, after: Sight) -> None:
        """Check that the numbers beside the views, and in a page's title, count what they see."""
        facts = ("pk", "public_id", "inbox", "status", "owner")
        rows = list(Conversation.objects.values_list(*facts))
        for inbox in self.inboxes:
            viewers = [one.viewer for one in after.chairs.values() if one.viewer.may_see]
            told = count({str(inbox.public_id): viewers})
            for pk, chair in after.chairs.items():
                seen = [one for one in rows if one[0] in after.seen[pk] and one[2] == inbox.pk]
                is_open = [owner for *_, status, owner in seen if status == "open"]
                numbers = counts_of(chair.viewer, inbox)
                assert {
                    name: numbers[name] for name in ("mine", "unassigned", "open", "snoozed")
                } == {
                    "mine": is_open.count(pk),
                    "unassigned": is_open.count(None),
                    "open": len(is_open),
                    "snoozed": sum(status == "snoozed" for *_, status, _owner in seen),
                }, f"{chair.viewer.name} in {inbox}{self}"
                unread = told[str(inbox.public_id)].own[pk].unread if told else []
                assert set(unread) <= {one[1] for one in seen}, f"{chair.viewer.name}{self}"

    def _check_words(self, events: list[InboxEvent], before: Sight, after: Sight) -> None:
        """Check that nobody was given, or is given when they ask, what is not theirs to read."""
        if self.words:
            lost = [user for user in self.people if before.seen[user.pk] - after.seen[user.pk]]
            wrong = self.words.after_a_step(events, after.chairs, lost, now=self.now)
            assert wrong == [], f"{wrong}{self}"

    def check_in_the_end(self) -> None:
        """Check every address for everybody."""
        if self.words:
            heads = {inbox.pk: head_of(inbox.pk) for inbox in self.inboxes}
            wrong = self.words.in_the_end(now=self.now)
            assert wrong == [], f"{wrong}{self}"
            assert {inbox.pk: head_of(inbox.pk) for inbox in self.inboxes} == heads, str(self)

    def _events_since(self, before: Sight) -> list[InboxEvent]:
        return [
            event
            for inbox in self.inboxes
            for event in InboxEvent.objects.filter(
                inbox=inbox, seq__gt=before.heads[inbox.pk]
            ).select_related("inbox", "conversation")
        ]

    def _check_reach(self, events: list[InboxEvent], after: Sight) -> None:
        for event in events:
            strangers = after.hearers(_stored_groups(event)) - after.readers(event.conversation_id)
            assert not strangers, f"{event} reached {self.names(strangers)}{self}"

    def _check_told(self, events: list[InboxEvent], before: Sight, after: Sight) -> None:
        inbox_of = dict(Conversation.objects.values_list("pk", "inbox"))
        for user in self.people:
            anew = self._drawn_anew(user, before, after)
            single = {pk for pk, inbox in inbox_of.items() if inbox not in anew}
            lost = (before.seen[user.pk] - after.seen[user.pk]) & single
            told = {event.conversation_id for event in events if user.pk in event.left}
            assert lost == (told & single) - after.seen[user.pk], (
                f"{user.name} lost {lost}, told {told}{self}"
            )
            gained = after.seen[user.pk] - before.seen[user.pk] - self._added_by_name(user, events)
            drawn = {
                event.conversation_id
                for event in events
                if "row" in EVENT_TYPES[event.type].carries
                and after.chairs[user.pk].groups & _stored_groups(event)
            }
            assert gained & single <= drawn, f"{user.name} gained {gained}, drawn {drawn}{self}"

    def _drawn_anew(self, user: User, before: Sight, after: Sight) -> set[int]:
        """Return the inboxes of which a page of theirs is loaded anew, or left.

        The watch over sockets sees that something changed, so they are told by access.changed.
        """
        anew = {
            inbox.pk
            for inbox in self.inboxes
            if before.standings[user.pk, inbox.pk] != after.standings[user.pk, inbox.pk]
        }
        if anew & (before.on | after.on) and user.account_id == self.account.pk:
            assert before.marks[user.pk] != after.marks[user.pk], f"{user.name}{self}"
        return anew

    def _added_by_name(self, user: User, events: list[InboxEvent]) -> set[int]:
        # There is no story yet that adds somebody by name and tells them.
        silent = not events and "is added to" in self.log[-1]
        parts = Participant.objects.filter(user=user, source=Participant.Source.MENTION)
        return set(parts.values_list("conversation", flat=True)) if silent else set()

    def _check_doors(self, before: Sight, after: Sight) -> None:
        """Knock at list, counts and catch-up as one random person."""
        user = self.rng.choice(self.people)
        viewer, seen = after.chairs[user.pk].viewer, after.seen[user.pk]
        for inbox in self.inboxes:
            if inbox.pk not in viewer.member_of & after.on or not viewer.may_see:
                continue
            view, words = self.rng.choice(list(View)), self.rng.choice(["", "Hello"])
            asked = Asked(now=self.now, view=view, words=words)
            rows = inbox_page(viewer, inbox.slug, asked).rows
            assert {card.row.public_id for card in rows} <= self._public_ids(seen), str(self)
            assert counts_of(viewer, inbox)["open"] == self._open_in(inbox, seen), str(self)
            missed = catch_up(viewer, inbox, after=before.heads[inbox.pk], open_id="")
            named = {event["conversation"] for event in missed.events}
            assert named <= self._public_ids(seen), str(self)
            self._check_asked_again(viewer, inbox, before, after)
            in_sight, _ = seqs_in_sight(viewer, inbox, after=before.heads[inbox.pk])
            assert in_sight == [event["seq"] for event in missed.events], str(self)
            assert not self._public_ids(seen) & set(missed.left), str(self)

        self._search(viewer, seen)

    def _check_asked_again(
        self, viewer: Viewer, inbox: TeamInbox, before: Sight, after: Sight
    ) -> None:
        """Check that a page which was drawn for something else is drawn anew, and no other."""
        *_, was = before.standings[viewer.user_id, inbox.pk]
        *_, now = after.standings[viewer.user_id, inbox.pk]
        head = after.heads[inbox.pk]
        # The inbox as it is now, and not as it was when the day began.
        row = TeamInbox.objects.get(pk=inbox.pk)
        answer = catch_up(viewer, row, after=head, open_id="", standing=was)
        assert answer.is_reset == (was != now), str(self)

    def _search(self, viewer: Viewer, seen: frozenset[int]) -> None:
        """Look for what everybody wrote, and for all there is: nothing else comes to light."""
        for line in ("Hello", "+1415", "status:open", "from:customer"):
            found = find(viewer, parse(line), now=self.now)
            hits = {hit.conversation.pk for group in found.groups for hit in group.hits}
            assert hits <= seen, f"{line}: {self}"

    def _open_in(self, inbox: TeamInbox, seen: frozenset[int]) -> int:
        return Conversation.objects.filter(pk__in=seen, inbox=inbox, status="open").count()

    def _public_ids(self, pks: frozenset[int]) -> set[str]:
        return set(Conversation.objects.filter(pk__in=pks).values_list("public_id", flat=True))

    def __str__(self) -> str:
        return "\nAfter:\n  " + "\n  ".join(self.log[-25:])


def _tag(*, conversation: Conversation, by: Viewer, user: User, now: datetime, tag: str) -> None:
    tag_conversation(Writer(conversation, by, user, now), tag)


_chair = LiveConsumer.__dict__["_chair"].func


def _chair_of(user: User) -> Chair:
    """Return what this person is entitled to and which groups their socket joins."""
    socket = LiveConsumer()
    socket.user = user
    chair: Chair = _chair(socket)
    return chair


def _content_groups(conversation: Conversation) -> frozenset[str]:
    """Return the groups that content about a conversation goes to now."""
    event = MessageStatusChanged("", "", "", "")
    inbox_id = conversation.inbox_id
    announcement = Announcement(event, conversation, audience_of(conversation), inbox_id)
    frames = frames_of(Numbered(announcement, 0, BEGIN))
    return frozenset(group for group, frame in frames if "type" in frame)


def _stored_groups(event: InboxEvent) -> frozenset[str]:
    """Return the groups that a stored event went to."""
    uuid = event.inbox.public_id
    assert event.conversation is not None
    groups = {user_group(pk) for pk in event.audience["users"]}
    is_farewell = event.type == "conversation.moved" and event.data["source"] == str(uuid)
    if not is_farewell:
        is_team = event.audience.get("team")
        groups.add(inbox_group(uuid) if is_team else supervisors_group(uuid))
    assert guests_group(uuid) not in groups
    return frozenset(groups)


def spend_a_day(
    *,
    seed: int,
    steps: int,
    after_claim: str,
    closed_visibility: str,
    masks_numbers: bool = False,
    telling: Telling | None = None,
) -> None:
    """Let so many things happen, and check after each of them.

    With `telling` all words that reach anybody are looked through too.
    """
    with time_machine.travel(BEGIN, tick=False) as clock:
        rng = random.Random(seed)
        settings = (after_claim, closed_visibility, masks_numbers)
        day = Day(rng, clock, *settings, Marks(seed), telling)
        day.customer_writes("Good morning")
        sight = day.sight()
        done = 0
        while done < steps:
            if day.happen():
                sight = day.check(sight)
                done += 1
            else:
                day.check_nothing_happened(sight)
        day.check_in_the_end()


@pytest.fixture
def telling(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Telling]:
    settings.MEDIA_ROOT = str(tmp_path)
    settings.PUSH_CONTACT = "mailto:ops@example.com"
    nudges: list[tuple[Any, ...]] = []
    monkeypatch.setattr(pushing, "nudge", lambda *given: nudges.append(given))
    ear = PromptEar()
    with push_service() as service:
        yield Telling(ear, service, nudges)
    ear.pubsub.close()
    ear.client.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "after_claim", "closed_visibility", "masks_numbers"),
    [
        (SEED, "removed", "team", False),
        (SEED + 1, "removed", "audience", True),
        (SEED + 2, "read_only", "team", True),
        (SEED + 3, "read_only", "audience", False),
    ],
)
def test_sight_sockets_and_all_that_is_read_agree_after_every_step(
    db: None,
    telling: Telling,
    seed: int,
    after_claim: str,
    closed_visibility: str,
    masks_numbers: bool,
) -> None:
    spend_a_day(
        seed=seed,
        steps=STEPS,
        after_claim=after_claim,
        closed_visibility=closed_visibility,
        masks_numbers=masks_numbers,
        telling=telling,
    )
