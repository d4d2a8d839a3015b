"""What are people told without asking: by frames, notices, pushes and letters?

What is told late counts by what its reader may read when it leaves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import redis
from django.conf import settings
from django.core import mail

from accounts.models import User
from inbox import digesting, pushing
from inbox.alerts import TELLING, Happening, Kind, Notice, happening_of, notices_of
from inbox.attention import attention_of
from inbox.models import InboxEvent
from tests.inbox.day_of_sight import MARK, Known
from tests.inbox.test_protocol import Ear, Heard
from tests.push_service import PushService

DIGEST_AFTER = 15  # minutes


class PromptEar(Ear):
    """An ear that knows when it has heard all, and waits for nothing more."""

    def heard(self) -> Heard:
        """Return (group, frame) of everything since the last time."""
        self.pubsub.ping()
        frames: Heard = []
        while (message := self.pubsub.get_message(timeout=5)) is None or message["type"] != "pong":
            if message is not None:
                frames.append(self.read(message))
        return frames


class Telling:
    """Everything that reaches people of itself; keeps what has not left yet."""

    def __init__(self, ear: Ear, service: PushService, nudges: list[tuple[Any, ...]]) -> None:
        self.ear, self.service, self.nudges = ear, service, nudges
        self.people: dict[int, User] = {}
        # By which ways anybody was told anything: else the test would listen in vain.
        self.told_by: set[str] = set()
        self._without_words: set[int] = set()
        self._late: list[Happening] = []

    def begin(self, people: Sequence[User], *, now: datetime) -> None:
        """Have everybody's browser woken and letters written; every other wants words in them."""
        self.people = {user.pk: user for user in people}
        for n, user in enumerate(people):
            row = attention_of(user)
            row.shows_words = n % 2 == 0
            if not row.shows_words:
                self._without_words.add(user.pk)
            row.digest_after, row.digested_at = DIGEST_AFTER, now - timedelta(days=1)
            row.save()
            self.service.subscribe(user, str(user.pk))
        _forget_who_was_told()
        self.ear.listen()
        pushing.look_for_news(now=now)

    def leaks(
        self,
        events: Iterable[InboxEvent],
        groups: Mapping[int, frozenset[str]],
        known: Mapping[int, Known],
        *,
        now: datetime,
    ) -> list[str]:
        """Return what reaches somebody and is not theirs, after a step that wrote these events.

        Pushes, and the notices of the step before, leave now: their readers may have lost sight
        meanwhile.
        """
        told = [
            *(("frame", pk, words) for pk, words in self._frames(groups)),
            *(("notice", pk, words) for pk, words in self._notices(events, now=now)),
            *(("push", pk, words) for pk, words in self._pushes(now=now)),
            *(("letter", pk, words) for pk, words in self._letters(now=now)),
        ]
        wrong = []
        for way, pk, words in told:
            if MARK.search(words):
                self.told_by.add(way)
            # To who sees it no more it is named, to be taken off their screen.
            may_name = way == "frame" or '"type": "left"' in words
            leaks = known[pk].leaks(words, may_name=may_name)
            wrong += [f"{way} for {self.people[pk].name}: {leak} in {words}" for leak in leaks]
            if way in {"push", "letter"} and pk in self._without_words:
                wrong += [
                    f"{way} for {self.people[pk].name}: {mark}" for mark in MARK.findall(words)
                ]
        return wrong

    def _frames(self, groups: Mapping[int, frozenset[str]]) -> Iterator[tuple[int, str]]:
        for group, frame in self.ear.heard():
            words = json.dumps(frame, ensure_ascii=False)
            yield from ((pk, words) for pk, theirs in groups.items() if group in theirs)

    def _notices(self, events: Iterable[InboxEvent], *, now: datetime) -> Iterator[tuple[int, str]]:
        new = [one for one in map(_happening, events) if one]
        for happenings in (self._late, new):
            for notice in notices_of(happenings, list(self.people), now=now):
                yield notice.user_id, _as_told(notice)
        self._late = new

    def _pushes(self, *, now: datetime) -> list[tuple[int, str]]:
        self.service.taken.clear()
        asked, self.nudges[:] = list(self.nudges), []
        for task, user_id, *rest in asked:
            if task == "send_push":
                kind, *about = rest
                pushing.wake(user_id, Happening(Kind(kind), *about), now=now)
            else:
                pushing.end_notice(user_id, *rest, now=now)
        pushing.look_for_news(now=now)
        sent = self.service.taken
        return [(int(one.path.rpartition("/")[2]), json.dumps(one.content)) for one in sent]

    def _letters(self, *, now: datetime) -> list[tuple[int, str]]:
        mail.outbox.clear()
        for pk in self.people:
            digesting.write_to(pk, now=now)
        pk_of = {user.email: pk for pk, user in self.people.items()}
        return [(pk_of[letter.to[0]], _all_of(letter)) for letter in mail.outbox]


def _happening(event: InboxEvent) -> Happening | None:
    if event.type not in TELLING or event.conversation is None:
        return None
    inbox = str(event.inbox.public_id)
    return happening_of(event.type, event.data, event.conversation.public_id, inbox)


def _as_told(notice: Notice) -> str:
    return f"{notice.as_frame()} {notice.as_words()}"


def _all_of(letter: Any) -> str:
    return f"{letter.subject} {letter.body} {letter.alternatives[0][0]}"


def _forget_who_was_told() -> None:
    """Forget what an earlier test's people were told, and what pages they had open."""
    cache = redis.Redis.from_url(settings.REDIS_URL)
    for kind in ("push", "agents"):
        for key in cache.scan_iter(f"{settings.CHANNEL_PREFIX}:{kind}:*"):
            cache.delete(key)
