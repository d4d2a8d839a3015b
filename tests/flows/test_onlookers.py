"""Do those who only look on read what is shared with them, and change nothing of it, anywhere?

The addresses are those of tests/flows/test_tenancy.py, which has every one there is. An observer of
the team reads where others go on reading, and so does an agent who was asked to watch.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Membership
from inbox.models import Conversation, MergeLog, Participant, TeamInbox, WallLink
from inbox.watching import add_watcher
from tests.factories import make_user
from tests.flows.test_tenancy import SECRETS, TABLE, WAYS, Scene, _ask, _text, scene

__all__ = ["scene"]
ONLOOKERS = ("olly", "bob")
# Who watches may stop; and cards are written by all who work in a team.
OF_WATCHERS = {"stop_watching", "contact", "contact_name", "contact_language"}


@pytest.fixture
def onlookers(scene: Scene) -> Scene:
    """Let Olly observe an inbox where all go on reading, and Bob watch."""
    house = scene.house
    TeamInbox.objects.filter(pk=house.inbox.pk).update(after_claim="read_only")
    role = Membership.Role.OBSERVER
    scene.people["olly"] = make_user(house.account, "Olly", team=house.inbox.team, role=role)
    scene.refresh()
    deed: dict[str, Any] = {"by": house.viewer(house.alice), "user": house.alice}
    add_watcher(conversation=scene.conversation, whom=house.bob.pk, now=timezone.now(), **deed)
    scene.refresh()
    return scene


def changed(scene: Scene) -> tuple[object, ...]:
    """Return what nobody who looks on may change: all but how far they have read."""
    *rows, _cursors, files = scene.rows()
    row = Conversation.objects.get(pk=scene.conversation.pk)
    card = row.contact
    parts = Participant.objects.filter(ended_at=None).count()
    return (
        *rows,
        files,
        parts,
        (row.owner_id, row.status, row.tags, row.priority, row.inbox_id),
        (card.language, card.notes, card.is_blocked),
        (MergeLog.objects.count(), WallLink.objects.count()),
    )


@pytest.mark.parametrize("who", ONLOOKERS)
def test_they_read_what_the_owner_reads(onlookers: Scene, who: str) -> None:
    wrong = []

    for name, rows in TABLE.items():
        row = rows.get("GET")
        if row is None or not row.reads:
            continue
        answer = _ask(onlookers, name, "GET", who, "page")
        said = _text(answer)
        if answer.status_code != 200 or not any(secret in said for secret in SECRETS):
            wrong.append(f"{name}: {answer.status_code}")

    assert wrong == []


@pytest.mark.parametrize("who", ONLOOKERS)
def test_they_change_nothing_at_any_address(onlookers: Scene, who: str) -> None:
    before, wrong = changed(onlookers), []

    for name, rows in TABLE.items():
        if "POST" not in rows or (who == "bob" and name in OF_WATCHERS):
            continue
        for way in WAYS:
            answer, after = _try(onlookers, name, who, way)
            if after != before:
                wrong.append(f"{name} as a {way}: {answer.status_code}")

    assert wrong == []


def _try(scene: Scene, name: str, who: str, way: str) -> tuple[Any, tuple[object, ...]]:
    """Post, look what that changed, and take it back."""
    bracket = transaction.Atomic(connection.alias, savepoint=True, durable=False)
    # As of the test case's own: the stories' durable transactions may open inside.
    bracket._from_testcase = True  # type: ignore[attr-defined]
    with bracket:
        answer = _ask(scene, name, "POST", who, way)
        after = changed(scene)
        transaction.set_rollback(True)
    return answer, after
