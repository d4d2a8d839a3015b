"""Does a letter come to who has not read, once, and does it say no more than they chose?"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.access import viewer_of
from accounts.models import License, Membership, User
from inbox import attendance, digesting
from inbox.attention import attention_of, save_attention
from inbox.conversations import add_note, claim_conversation, mark_read
from inbox.models import Attention, Conversation, InboxAttention
from inbox.models.ids import client_id
from inbox.muting import mute
from tests.conftest import House
from tests.factories import make_user
from tests.flows.test_together import Stage, stage

__all__ = ["stage"]
AFTER = timedelta(minutes=16)


def as_html(letter: Any) -> str:
    """Return the part of a letter that most programs show."""
    return str(letter.alternatives[0][0])


@pytest.fixture(autouse=True)
def nobody_looks() -> None:
    cache = redis.Redis.from_url(django_settings.REDIS_URL)
    for key in cache.scan_iter(f"{django_settings.CHANNEL_PREFIX}:agents:*"):
        cache.delete(key)


def want_letters(stage: Stage, user: User, **fields: Any) -> None:
    """Have letters come after 15 minutes, from now on."""
    row = attention_of(user)
    row.digest_after, row.digested_at = 15, stage.now
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    stage.now += timedelta(seconds=1)


def written_to(stage: Stage, after: timedelta = AFTER) -> list[str]:
    """Let time pass and letters be written; return to whom."""
    mail.outbox.clear()
    stage.now += after
    for user_id in digesting.who_may_be_owed():
        digesting.write_to(user_id, now=stage.now)
    return [to for letter in mail.outbox for to in letter.to]


def test_who_does_not_read_gets_one_letter_that_says_nothing(stage: Stage) -> None:
    alice = stage.house.alice
    want_letters(stage, alice)
    stage.hear("My card is 4111")

    assert written_to(stage, timedelta(minutes=14)) == []
    assert written_to(stage, timedelta(minutes=2)) == [alice.email]
    [letter] = mail.outbox
    html = as_html(letter)
    assert letter.subject == "1 conversation waits for you"
    for words in (str(letter.body), html):
        assert "1 conversation waits for anybody of the team" in words
        assert stage.house.inbox.name in words
        assert "My card" not in words
        assert "5550100" not in words
        assert "555-0100" not in words
    assert written_to(stage) == []


def test_what_came_while_it_waited_is_in_the_same_letter(stage: Stage) -> None:
    want_letters(stage, stage.house.alice)
    stage.hear("One")
    stage.now += timedelta(minutes=10)
    stage.hear("Two")

    assert len(written_to(stage, timedelta(minutes=6))) == 1
    assert written_to(stage) == []
    stage.hear("Three")
    assert len(written_to(stage)) == 1


def test_who_wants_them_reads_names_and_first_words(stage: Stage) -> None:
    want_letters(stage, stage.house.alice, shows_words=True)
    stage.hear("<b>Kryptonite</b>")

    assert written_to(stage)
    [letter] = mail.outbox
    html = as_html(letter)
    assert "<b>Kryptonite</b>" in str(letter.body)
    assert "&lt;b&gt;Kryptonite&lt;/b&gt;" in html
    assert stage.row.public_id in html


def test_it_can_be_stopped_by_its_own_link(stage: Stage, client: Client) -> None:
    alice = stage.house.alice
    want_letters(stage, alice)
    stage.hear("Hello?")
    written_to(stage)
    [letter] = mail.outbox
    link = letter.extra_headers["List-Unsubscribe"].strip("<>")
    assert letter.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = link.removeprefix(django_settings.PUBLIC_BASE_URL)
    nobody = Client(enforce_csrf_checks=True)

    assert nobody.get(path).status_code == 200
    assert Attention.objects.get(user=alice).digest_after == 15
    assert nobody.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Attention.objects.get(user=alice).digest_after is None
    forged = reverse("stop_letters", kwargs={"token": "forged"})
    assert nobody.post(forged).status_code == 404


# --- Who gets none --------------------------------------------------------------------------------


def _lose_licence(stage: Stage) -> None:
    License.objects.filter(holder=stage.house.bob).update(ends_at=stage.now)


def _lose_team(stage: Stage) -> None:
    Membership.objects.filter(user=stage.house.bob).delete()


def _read(stage: Stage) -> None:
    mark_read(conversation=stage.row, by=stage.viewer(stage.house.bob), seq=99)


def _colleague_claims(stage: Stage) -> None:
    stage.do(claim_conversation, stage.house.alice)


def _inbox_is_off(stage: Stage) -> None:
    stage.house.inbox.is_on = False
    stage.house.inbox.save()


def _is_hidden(stage: Stage) -> None:
    Conversation.objects.filter(pk=stage.pk).update(is_hidden=True)


def _is_closed(stage: Stage) -> None:
    Conversation.objects.filter(pk=stage.pk).update(
        status=Conversation.Status.CLOSED, waiting_since=None
    )


def _is_away(stage: Stage) -> None:
    User.objects.filter(pk=stage.house.bob.pk).update(availability=User.Availability.AWAY)


def _wants_mine_only(stage: Stage) -> None:
    Attention.objects.filter(user=stage.house.bob).update(only_mine=True)


def _wants_none_of_this_inbox(stage: Stage) -> None:
    InboxAttention.objects.create(
        account=stage.house.account,
        user=stage.house.bob,
        inbox=stage.house.inbox,
        hears_new=False,
    )


def _mutes(stage: Stage) -> None:
    viewer = viewer_of(stage.house.bob, now=stage.now)
    mute(conversation=stage.row, by=viewer, is_on=True)


def _is_deactivated(stage: Stage) -> None:
    User.objects.filter(pk=stage.house.bob.pk).update(is_active=False)


@pytest.mark.parametrize(
    "happens",
    [
        _lose_licence,
        _lose_team,
        _read,
        _colleague_claims,
        _inbox_is_off,
        _is_hidden,
        _is_closed,
        _is_away,
        _wants_mine_only,
        _wants_none_of_this_inbox,
        _mutes,
        _is_deactivated,
    ],
)
def test_what_holds_when_it_is_written_counts(
    stage: Stage, happens: Callable[[Stage], None]
) -> None:
    want_letters(stage, stage.house.bob)
    stage.hear("Hello?")
    happens(stage)

    assert written_to(stage) == []


def test_nobody_of_elsewhere_gets_one(stage: Stage, charlie: User) -> None:
    want_letters(stage, charlie)
    stage.hear("Hello?")

    assert written_to(stage) == []


def test_an_observer_gets_none(house: House, stage: Stage) -> None:
    olly = make_user(house.account, "Olly", team=house.inbox.team, role=Membership.Role.OBSERVER)
    want_letters(stage, olly)
    stage.hear("Hello?")

    assert written_to(stage) == []


def test_quiet_hours_put_it_off(stage: Stage) -> None:
    # It is 15:00 UTC.
    begins = stage.now.time().replace(tzinfo=None)
    ends = begins.replace(hour=16)
    want_letters(stage, stage.house.alice, quiet_from=begins, quiet_until=ends, time_zone="UTC")
    stage.hear("Hello?")

    assert written_to(stage) == []
    assert len(written_to(stage, timedelta(hours=1))) == 1


def test_who_looks_at_the_inbox_is_written_to_later(stage: Stage) -> None:
    alice, inbox = stage.house.alice, stage.house.inbox
    want_letters(stage, alice)
    stage.hear("Hello?")
    cache = redis.Redis.from_url(django_settings.REDIS_URL)
    key = attendance._key(inbox.public_id)
    cache.hset(key, f"{alice.pk}:here", f'["online", {time.time()}]')

    assert written_to(stage) == []
    cache.delete(key)
    assert len(written_to(stage, timedelta(0))) == 1


# --- Mentions, races, trouble ---------------------------------------------------------------------


def test_a_mention_that_is_not_read_is_counted_as_one(stage: Stage) -> None:
    house = stage.house
    want_letters(stage, house.alice, only_mine=True)
    stage.do(add_note, house.bob, body="@Alice please", client_id=client_id())

    assert written_to(stage) == [house.alice.email]
    assert "1 conversation mentions you" in str(mail.outbox[0].body)
    assert written_to(stage) == []


def test_of_two_who_write_at_one_moment_one_does(stage: Stage) -> None:
    alice = stage.house.alice
    want_letters(stage, alice)
    stage.hear("Hello?")
    stage.now += AFTER
    row = Attention.objects.select_related("user", "account").get(user=alice)
    mail.outbox.clear()

    assert digesting._claim(row, stage.now)
    assert not digesting._claim(row, stage.now)
    assert not digesting.write_to(alice.pk, now=stage.now)
    assert mail.outbox == []


def test_what_the_mail_server_refuses_is_written_again(stage: Stage, settings: Any) -> None:
    want_letters(stage, stage.house.alice)
    stage.hear("Hello?")
    backend = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert written_to(stage) == []

    settings.EMAIL_BACKEND = backend
    assert len(written_to(stage, timedelta(seconds=30))) == 1


@pytest.mark.django_db(transaction=True)
def test_letters_begin_when_they_are_switched_on(stage: Stage) -> None:
    row = attention_of(stage.house.alice)
    row.digest_after = 15
    stage.now += timedelta(hours=1)
    save_attention(row, {}, now=stage.now)

    assert written_to(stage) == []
    row = attention_of(stage.house.alice)
    row.volume = 10
    save_attention(row, {}, now=stage.now + timedelta(hours=1))
    assert Attention.objects.get().digested_at == row.digested_at
