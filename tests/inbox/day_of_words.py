"""Is anybody given words, numbers or figures that are not theirs to read, on a random day?"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from accounts.access import viewer_of
from accounts.models import User
from accounts.programs import make_key
from inbox import counting
from inbox.consumers import Chair
from inbox.models import Conversation, InboxEvent, TeamInbox
from inbox.reporting.asking import Asked
from inbox.reporting.boards import hang_board
from inbox.reporting.scope import scope_of
from tests.inbox.day_of_sight import (
    PART,
    Asking,
    Known,
    Marks,
    Question,
    Topic,
    programs,
    questions_about,
    share_views,
)
from tests.inbox.day_of_telling import Telling

ASKED_AFTER_A_STEP = 6
# Where somebody reads something of somebody's on any day: if not, the test asks in vain.
TELLS = {
    *("inbox", "conversation", "thread", "panel", "panel_folds", "messages", "print"),
    *("transcript_csv", "search", "contacts", "contact", "report_export", "report_table"),
    *("reports", "api_inbox_events", "api_search", "settings_contacts_export"),
}
TELLS_OF_ITSELF = {"frame", "notice", "push", "letter"}


class Words:
    """Looks through all that people of a day are told, and what they get when they ask."""

    def __init__(
        self,
        marks: Marks,
        telling: Telling,
        inboxes: Sequence[TeamInbox],
        people: Sequence[User],
        rng: random.Random,
    ) -> None:
        self.marks, self.telling, self.rng = marks, telling, rng
        self.inboxes, self.people = inboxes, people
        self.account = inboxes[0].account
        self.asking = Asking(marks)

    def begin(self, *, now: datetime) -> None:
        """Hang boards, give a program a key, share views, and let people be told."""
        people = {user.name: user for user in self.people}
        self.boards = [
            hang_board(by=viewer_of(user, now=now), user=user, slug="", now=now)[1]
            for user in (people["Sue"], people["Sid"], people["Ada"])
        ]
        made = make_key(
            account=self.account, by=people["Ada"], name="ERP", may_change=True, days=30, now=now
        )
        self.key = made.secret
        for inbox in self.inboxes:
            share_views(inbox, now=now)
        self.telling.begin(self.people, now=now)

    # --- After a step -----------------------------------------------------------------------------

    def after_a_step(
        self,
        events: Iterable[InboxEvent],
        chairs: Mapping[int, Chair],
        lost: Sequence[User],
        *,
        now: datetime,
    ) -> list[str]:
        """Return what was given to somebody and is not theirs: by itself, and at some addresses.

        Those who `lost` sight in this step are asked first.
        """
        self.marks.learn(self.account)
        known = {pk: self.marks.known_to(chair.viewer) for pk, chair in chairs.items()}
        groups = {pk: chair.groups for pk, chair in chairs.items()}
        wrong = self.telling.leaks(events, groups, known, now=now)
        for user in (self.rng.choice(self.people), *lost[:1]):
            topic = Topic.of(self.account, self.inboxes, self.rng)
            questions = questions_about(topic, known[user.pk])
            some = self.rng.sample(questions, ASKED_AFTER_A_STEP)
            wrong += self.asking.ask(user, known[user.pk], some)
            wrong += self._figures(user, known[user.pk], now=now)
        return wrong

    def _figures(self, user: User, known: Known, *, now: datetime) -> list[str]:
        """Look for figures by a tag that somebody may not read; admins have those of everything."""
        secret = sorted(self.marks.tags - known.marks)
        if not secret or user.role == User.Role.ACCOUNT_ADMIN:
            return []
        asked = Asked.of({"range": "30", "tag": self.rng.choice(secret)})
        scope = scope_of(viewer_of(user, now=now), user, asked)
        if scope is None:
            return []
        ever = (now - timedelta(days=60), now + timedelta(days=1))
        rows = (scope.cells(*ever), scope.times(*ever), scope.conversations(), scope.readable())
        found = [str(one.model) for one in rows if one.exists()]
        return [f"{user.name} has figures by {asked.tag}: {one}" for one in found]

    # --- In the end -------------------------------------------------------------------------------

    def in_the_end(self, *, now: datetime) -> list[str]:
        """Return what is given to anybody at any address and is not theirs."""
        while counting.count_next(now=now):
            pass
        self.marks.learn(self.account)
        wrong: list[str] = []
        for user in self.people:
            known = self.marks.known_to(viewer_of(user, now=now))
            wrong += self.asking.ask(user, known, self._all_questions(known))
        wrong += self._of_strangers()
        assert self.asking.told_at >= TELLS, TELLS - self.asking.told_at
        assert self.telling.told_by >= TELLS_OF_ITSELF, TELLS_OF_ITSELF - self.telling.told_by
        return wrong

    def _all_questions(self, known: Known) -> Iterator[Question]:
        """Ask about a conversation that somebody sees, and about one they do not, if there are."""
        asked: set[str] = set()
        for ids in (known.seen, known.unseen):
            rows = list(Conversation.objects.filter(public_id__in=ids).order_by("pk"))
            if rows:
                topic = Topic.about(self.rng.choice(rows), self.inboxes, self.rng)
                for one in questions_about(topic, known):
                    if f"{one.words} {one.way}" not in asked:
                        asked.add(f"{one.words} {one.way}")
                        yield one

    def _of_strangers(self) -> list[str]:
        """Look at boards, which show figures alone, and ask with the key of a program."""
        places = [f"/wall/{one}/" for one in self.boards]
        boards = [Question(place, way=way) for place in places for way in ({}, PART)]
        wrong = self.asking.ask_with("a board", {}, boards)
        topic = Topic.of(self.account, self.inboxes, self.rng)
        key: dict[str, Any] = {"Authorization": f"Bearer {self.key}"}
        return wrong + self.asking.ask_with("a program", key, programs(topic))
