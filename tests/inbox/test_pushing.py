"""Are browsers woken for what concerns their people, once, and never for anything else?"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.logins import password_was_set
from accounts.models import License, PushSubscription, User
from accounts.pushes import MOST_FAILURES, MOST_OF_ONE, forget_old_browsers
from config.settings import is_push_key
from inbox import attendance, pushing, webpush
from inbox.alerts import Happening, Kind
from inbox.attention import attention_of, save_attention
from inbox.conversations import add_note, claim_conversation, mark_read
from inbox.forgetting.removing import remove_message
from inbox.models import Attention, InboxAttention
from inbox.models.ids import client_id
from inbox.setup.people import deactivate_person
from inbox.webpush import BadBrowserError, Outcome, check_browser
from tests.conftest import NOW
from tests.flows.test_together import Stage, stage
from tests.push_service import PushService, push_service

__all__ = ["stage"]
News = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def service(settings: Any) -> Iterator[PushService]:
    settings.PUSH_CONTACT = "mailto:ops@example.com"
    with push_service() as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    """Forget what an earlier test was told, and what pages it had open."""
    cache = redis.Redis.from_url(django_settings.REDIS_URL)
    for kind in ("push", "agents"):
        for key in cache.scan_iter(f"{django_settings.CHANNEL_PREFIX}:{kind}:*"):
            cache.delete(key)


@pytest.fixture
def nudges(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(pushing, "nudge", lambda *given: asked.append(given))
    return asked


@pytest.fixture
def news(stage: Stage, service: PushService, nudges: list[tuple[Any, ...]]) -> News:
    """Return a function that lets the clock look and workers do what they are nudged to do.

    It returns what reached browsers since the last time.
    """

    def look() -> list[dict[str, Any]]:
        service.taken.clear()
        pushing.look_for_news(now=stage.now)
        while nudges:
            task, user_id, *rest = nudges.pop(0)
            if task == "send_push":
                kind, id_, conversation, inbox = rest
                happening = Happening(Kind(kind), id_, conversation, inbox)
                pushing.wake(user_id, happening, now=stage.now)
            else:
                pushing.end_notice(user_id, *rest, now=stage.now)
        return [one.content for one in service.taken]

    return look


def listen(stage: Stage, service: PushService, news: News, *users: User) -> None:
    """Have a browser of each woken from now on."""
    for user in users:
        service.subscribe(user, user.name)
    news()


def choose(user: User, **fields: Any) -> None:
    row = attention_of(user)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()


# --- What arrives ---------------------------------------------------------------------------------


def test_a_customers_words_wake_the_team_without_saying_them(
    stage: Stage, service: PushService, news: News
) -> None:
    listen(stage, service, news, stage.house.alice, stage.house.bob)

    stage.hear("My card is 4111")

    url = reverse("conversation", args=[stage.house.inbox.slug, stage.row.public_id])
    said = {
        "type": "notice",
        "title": "New message",
        "body": "",
        "tag": f"c-{stage.row.public_id}",
        "url": url,
    }
    assert news() == [said, said]
    assert sorted(one.path for one in service.taken) == ["/wake/Alice", "/wake/Bob"]


def test_what_is_sent_is_signed_and_sealed_as_the_standards_say(
    stage: Stage, service: PushService, news: News
) -> None:
    listen(stage, service, news, stage.house.alice)
    stage.hear("Hello?")
    news()

    [taken] = service.taken
    assert taken.headers["Content-Encoding"] == "aes128gcm"
    assert taken.headers["TTL"] == "3600"
    assert taken.key == webpush.public_key()
    assert taken.claims["sub"] == "mailto:ops@example.com"
    assert 0 < taken.claims["exp"] - time.time() <= 24 * 3600


def test_who_wants_it_reads_name_and_words(stage: Stage, service: PushService, news: News) -> None:
    choose(stage.house.alice, shows_words=True)
    listen(stage, service, news, stage.house.alice)
    stage.hear("Ŵ" * 1000)

    [said] = news()
    assert said["body"].startswith("ŴŴ")
    assert len(said["body"]) <= 300
    assert said["title"] != "New message"


def test_a_burst_wakes_once(stage: Stage, service: PushService, news: News) -> None:
    listen(stage, service, news, stage.house.alice)

    stage.hear("Are")
    assert len(news()) == 1
    stage.hear("you")
    stage.hear("there?")
    assert news() == []


def test_two_who_look_at_one_moment_wake_once(
    stage: Stage, service: PushService, news: News, nudges: list[tuple[Any, ...]]
) -> None:
    listen(stage, service, news, stage.house.alice)
    stage.hear("Hello?")

    assert [pushing.look_for_news(now=stage.now) for _ in range(3)] == [1, 0, 0]
    assert len(nudges) == 1


def test_what_is_old_is_no_news(stage: Stage, service: PushService, news: News) -> None:
    listen(stage, service, news, stage.house.alice)
    stage.hear("Hello?")
    stage.now += timedelta(minutes=6)

    assert news() == []


# --- Who is not woken -----------------------------------------------------------------------------


def test_after_a_claim_only_who_has_it_is_woken(
    stage: Stage, service: PushService, news: News
) -> None:
    stage.do(claim_conversation, stage.house.alice)
    listen(stage, service, news, stage.house.alice, stage.house.bob)
    stage.hear("Hm")

    news()
    assert [one.path for one in service.taken] == ["/wake/Alice"]


def test_nobody_of_elsewhere_is_woken(
    stage: Stage, service: PushService, news: News, charlie: User
) -> None:
    listen(stage, service, news, charlie)
    stage.hear("Hm")

    assert news() == []


@pytest.mark.parametrize("loss", ["licence", "claim", "reading", "deactivation", "quiet"])
def test_what_changed_before_it_is_sent_counts(
    stage: Stage, service: PushService, news: News, nudges: list[tuple[Any, ...]], loss: str
) -> None:
    house = stage.house
    listen(stage, service, news, house.bob)
    stage.hear("Hello?")
    pushing.look_for_news(now=stage.now)
    [(_task, user_id, kind, id_, conversation, inbox)] = nudges

    if loss == "licence":
        License.objects.filter(holder=house.bob).update(ends_at=stage.now)
    elif loss == "claim":
        stage.do(claim_conversation, house.alice)
    elif loss == "reading":
        mark_read(conversation=stage.row, by=stage.viewer(house.bob), seq=99)
    elif loss == "deactivation":
        User.objects.filter(pk=house.bob.pk).update(is_active=False)
    else:
        at = stage.now.time()
        choose(house.bob, quiet_from=at, quiet_until=at.replace(hour=(at.hour + 1) % 24))
    happening = Happening(Kind(kind), id_, conversation, inbox)

    assert pushing.wake(user_id, happening, now=stage.now) == 0
    assert service.taken == []


def sit_at_a_page(stage: Stage, user: User, *, state: attendance.State, process: str) -> None:
    cache = redis.Redis.from_url(django_settings.REDIS_URL)
    lease = json.dumps([state, time.time()])
    cache.hset(attendance._key(stage.house.inbox.public_id), f"{user.pk}:{process}", lease)


def test_who_looks_at_a_page_is_told_by_that_page(
    stage: Stage, service: PushService, news: News
) -> None:
    alice = stage.house.alice
    listen(stage, service, news, alice)
    sit_at_a_page(stage, alice, state=attendance.State.AWAY, process="office")
    sit_at_a_page(stage, alice, state=attendance.State.ONLINE, process="home")
    stage.hear("Hello?")

    assert news() == []


def test_a_page_left_open_on_a_desk_keeps_no_phone_silent(
    stage: Stage, service: PushService, news: News
) -> None:
    alice = stage.house.alice
    listen(stage, service, news, alice)
    sit_at_a_page(stage, alice, state=attendance.State.AWAY, process="office")
    stage.hear("Hello?")

    assert len(news()) == 1


def test_who_does_not_want_new_ones_hears_only_of_their_own(
    stage: Stage, service: PushService, news: News
) -> None:
    alice, inbox = stage.house.alice, stage.house.inbox
    InboxAttention.objects.create(
        account=stage.house.account, user=alice, inbox=inbox, hears_new=False
    )
    listen(stage, service, news, alice)
    stage.hear("Hello?")
    assert news() == []

    # What is hers she hears of.
    stage.do(claim_conversation, alice)
    stage.now += timedelta(minutes=1)
    stage.hear("Still there?")
    assert len(news()) == 1


def test_only_mine_leaves_mentions_and_what_is_mine(
    stage: Stage, service: PushService, news: News
) -> None:
    house = stage.house
    choose(house.alice, only_mine=True)
    listen(stage, service, news, house.alice)
    stage.hear("Hello?")
    assert news() == []

    stage.do(add_note, house.bob, body="@Alice please", client_id=client_id())
    assert [one["title"] for one in news()] == ["Somebody mentioned you"]


# --- Taking back ----------------------------------------------------------------------------------


def test_who_loses_sight_of_it_has_it_taken_back(
    stage: Stage, service: PushService, news: News
) -> None:
    house = stage.house
    listen(stage, service, news, house.alice, house.bob)
    stage.hear("Hello?")
    assert len(news()) == 2

    stage.do(claim_conversation, house.alice)

    assert news() == [{"type": "left", "tag": f"c-{stage.row.public_id}"}]
    assert [one.path for one in service.taken] == ["/wake/Bob"]


def test_where_nothing_was_shown_nothing_is_taken_back(
    stage: Stage, service: PushService, news: News
) -> None:
    listen(stage, service, news, stage.house.bob)
    stage.do(claim_conversation, stage.house.alice)

    assert news() == []


def test_the_words_of_a_removed_message_are_taken_off_every_screen(
    stage: Stage, service: PushService, news: News
) -> None:
    house = stage.house
    listen(stage, service, news, house.alice, house.bob)
    stage.hear("My card is 4111 1111 1111 1111")
    assert len(news()) == 2

    remove_message(
        message=stage.message,
        by=stage.viewer(house.sue),
        user=house.sue,
        reason="A card number",
        now=stage.now,
    )

    assert news() == [{"type": "left", "tag": f"c-{stage.row.public_id}"}] * 2
    assert news() == []


# --- Subscriptions that end -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "outcome", "stays"),
    [(404, Outcome.GONE, False), (410, Outcome.GONE, False), (403, Outcome.REFUSED, True)],
)
def test_what_the_service_says(
    stage: Stage, service: PushService, status: int, outcome: Outcome, stays: bool
) -> None:
    row = service.subscribe(stage.house.alice)
    service.status = status

    assert pushing.try_out(row, now=NOW).outcome is outcome
    assert PushSubscription.objects.filter(pk=row.pk).exists() is stays


def test_a_redirect_is_not_followed(stage: Stage, service: PushService) -> None:
    row = service.subscribe(stage.house.alice)
    service.status = 307

    assert pushing.try_out(row, now=NOW).status == 307
    assert service.taken == []


def test_after_many_failures_it_is_given_up(stage: Stage, service: PushService) -> None:
    row = service.subscribe(stage.house.alice)
    service.status = 500
    for _ in range(MOST_FAILURES):
        assert PushSubscription.objects.filter(pk=row.pk).exists()
        pushing.try_out(row, now=NOW)

    assert not PushSubscription.objects.exists()


def test_what_no_page_speaks_for_is_forgotten(stage: Stage, service: PushService) -> None:
    service.subscribe(stage.house.alice)

    assert forget_old_browsers(now=NOW + timedelta(days=29)) == 0
    assert forget_old_browsers(now=NOW + timedelta(days=31)) == 1


def test_nobody_has_browsers_without_number(stage: Stage, service: PushService) -> None:
    for n in range(MOST_OF_ONE + 3):
        service.subscribe(stage.house.alice, str(n))

    assert PushSubscription.objects.count() == MOST_OF_ONE


def _log_in(service: PushService, user: User) -> Client:
    client = Client()
    client.force_login(user)
    browser = service.browser(user.name)
    answer = client.post(
        reverse("push_browser"),
        {
            "act": "add",
            "endpoint": browser.endpoint,
            "p256dh": browser.public_key,
            "auth": browser.auth_key,
        },
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 204
    return client


def test_logging_out_ends_it(stage: Stage, service: PushService) -> None:
    client = _log_in(service, stage.house.alice)
    assert PushSubscription.objects.get().user == stage.house.alice

    client.post(reverse("account_logout"))

    assert not PushSubscription.objects.exists()


def test_another_browsers_log_out_ends_nothing_here(stage: Stage, service: PushService) -> None:
    _log_in(service, stage.house.alice)
    other = Client()
    other.force_login(stage.house.alice)

    other.post(reverse("account_logout"))

    assert PushSubscription.objects.count() == 1


def test_ending_sessions_from_elsewhere_ends_it(stage: Stage, service: PushService) -> None:
    _log_in(service, stage.house.alice)
    other = Client()
    other.force_login(stage.house.alice)

    other.post(reverse("end_other_sessions"))

    assert not PushSubscription.objects.exists()


def test_a_new_password_ends_it_everywhere_else(stage: Stage, service: PushService) -> None:
    client = _log_in(service, stage.house.alice)
    service.subscribe(stage.house.alice, "of a session that fell idle", session_key="gone")

    password_was_set(stage.house.alice, this_key=client.session.session_key, now=NOW)

    assert PushSubscription.objects.get().endpoint.endswith("/Alice")


@pytest.mark.django_db(transaction=True)
def test_deactivation_ends_it(stage: Stage, service: PushService) -> None:
    service.subscribe(stage.house.alice, session_key="gone")

    deactivate_person(user=stage.house.alice, by=stage.house.sue, now=NOW)

    assert not PushSubscription.objects.exists()


def test_who_logs_in_next_in_a_browser_is_not_told_what_the_last_one_was(
    stage: Stage, service: PushService
) -> None:
    _log_in(service, stage.house.alice)
    bob = Client()
    bob.force_login(stage.house.bob)

    endpoint = service.browser("Alice").endpoint
    answer = bob.post(reverse("push_browser"), {"act": "renew", "endpoint": endpoint})

    assert answer.status_code == 410
    assert not PushSubscription.objects.exists()


def test_nobody_ends_or_tests_the_browser_of_somebody_else(
    stage: Stage, service: PushService
) -> None:
    _log_in(service, stage.house.alice)
    bob = Client()
    bob.force_login(stage.house.bob)
    named = {"act": "remove", "endpoint": service.browser("Alice").endpoint}

    bob.post(reverse("push_browser"), named)
    assert PushSubscription.objects.count() == 1
    assert bob.post(reverse("push_test"), named).status_code == 404
    assert service.taken == []


def test_a_test_says_what_became_of_it(stage: Stage, service: PushService) -> None:
    alice = _log_in(service, stage.house.alice)
    named = {"endpoint": service.browser("Alice").endpoint}

    assert alice.post(reverse("push_test"), named).json()["code"] == "taken"
    assert service.taken[0].content["type"] == "test"
    service.status = 410
    assert alice.post(reverse("push_test"), named).json()["code"] == "gone"
    assert alice.post(reverse("push_test"), named).status_code == 404


# --- Addresses ------------------------------------------------------------------------------------

KEYS = ("B" + "A" * 86, "A" * 22)


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "nothing",
        "http://push.example.com/x",
        "https://me:secret@push.example.com/x",
        "https://push.example.com:8443/x",
        "https:///x",
        "https://push.example.com/a b",
        "https://push.example.com/\r\nX: y",
        "https://push.example.com:port/x",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "file:///etc/passwd",
        "https://push.example.com/" + "x" * 1000,
    ],
)
def test_what_is_no_address_of_a_service_is_refused(settings: Any, endpoint: str) -> None:
    settings.PUSH_ALLOW_LOCAL = False
    with pytest.raises(BadBrowserError):
        check_browser(endpoint, *KEYS)


@pytest.mark.parametrize("keys", [("", ""), (KEYS[0], "A"), ("A" * 22, KEYS[1]), ("ü", KEYS[1])])
def test_keys_that_are_none_are_refused(keys: tuple[str, str]) -> None:
    with pytest.raises(BadBrowserError):
        check_browser("https://push.example.com/x", *keys)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.8", "169.254.169.254", "2130706433", "0x7f.1"]
)
def test_our_own_network_is_never_asked(settings: Any, service: PushService, host: str) -> None:
    settings.PUSH_ALLOW_LOCAL = False
    browser = service.browser()
    endpoint = f"https://{host}/wake"

    pushed = webpush.push(endpoint, browser.public_key, browser.auth_key, {"type": "test"})

    assert pushed.outcome is Outcome.UNREACHABLE


def test_without_a_key_nobody_is_woken(
    stage: Stage, settings: Any, service: PushService, news: News
) -> None:
    settings.VAPID_PRIVATE_KEY = ""
    listen(stage, service, news, stage.house.alice)
    stage.hear("Hello?")

    assert news() == []
    assert webpush.public_key() == ""


def test_addresses_and_keys_are_not_kept_in_the_clear(stage: Stage, service: PushService) -> None:
    service.subscribe(stage.house.alice)
    with connection.cursor() as cursor:
        cursor.execute("SELECT endpoint, public_key, auth_key FROM accounts_pushsubscription")
        [row] = cursor.fetchall()

    assert not any("127.0.0.1" in value or len(value) < 60 for value in row)


# --- Choosing -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_first_choices_at_one_moment_make_one_row(stage: Stage) -> None:
    first, second = attention_of(stage.house.alice), attention_of(stage.house.alice)
    first.volume, second.volume = 10, 20
    save_attention(first, {}, now=NOW)
    save_attention(second, {}, now=NOW)

    assert Attention.objects.get().volume == 20


# --- The key --------------------------------------------------------------------------------------


def test_a_new_key_is_one_that_signs(settings: Any, service: PushService) -> None:
    out = io.StringIO()
    call_command("new_push_key", stdout=out)
    settings.VAPID_PRIVATE_KEY = out.getvalue().strip()
    browser = service.browser()

    pushed = webpush.push(browser.endpoint, browser.public_key, browser.auth_key, {"type": "test"})

    assert pushed.outcome is Outcome.TAKEN
    assert service.taken[0].key == webpush.public_key()
    assert is_push_key(settings.VAPID_PRIVATE_KEY)
    assert not any(map(is_push_key, ("", "short", "ü" * 43, "A" * 44)))
