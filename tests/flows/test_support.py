"""May somebody from outside look into an account for support, and is that seen, noted and ended?"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.access import entitlement_marks, viewer_of
from accounts.models import AuditEntry, FeatureGrant, Partner, SupportAccess, User
from accounts.support import SupportRefusedError, ask_for_support, end_support
from inbox.cards import Editor, as_it_is, edit_contact, seen_mark
from inbox.conversations import mark_read, mark_unread
from inbox.models import Conversation, ReadCursor
from inbox.refusals import NotAllowedError
from tests.conftest import House
from tests.factories import make_account, make_user
from tests.flows.test_tenancy import TABLE, Scene
from tests.flows.test_tenancy import scene as scene

Login = Callable[[User], Client]


def make_partner_person(house: House, email: str = "pat@example.com", **fields: Any) -> User:
    fields = {"name": "Pat Partner", "partner": house.account.partner, **fields}
    return User.objects.create(email=email, role="partner", is_staff=True, **fields)


def enter(house: House, user: User, hours: float = 1) -> SupportAccess:
    now = timezone.now()
    return ask_for_support(
        account=house.account,
        user=user,
        reason="Ticket 77",
        ends_at=now + timedelta(hours=hours),
        now=now,
    )


@pytest.fixture
def pat(house: House) -> User:
    return make_partner_person(house)


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, is_licensed=False)


# --- Getting in ----------------------------------------------------------------------------------


def test_a_partner_enters_from_the_account_s_page_and_lands_in_its_settings(
    house: House, pat: User, login: Login
) -> None:
    browser = login(pat)
    page = browser.get(f"/admin/accounts/account/{house.account.pk}/change/").content.decode()
    assert "Enter for support" in page

    answer = browser.post(
        f"/admin/accounts/account/enter-for-support/?ids={house.account.pk}",
        {"reason": "Ticket 77", "minutes": "60"},
    )

    assert (answer.status_code, answer.headers["Location"]) == (302, "/settings/")
    settings = browser.get("/settings/").content.decode()
    assert "You are in" in settings
    assert "Leave" in settings
    entry = AuditEntry.objects.get(action="support_started")
    assert (entry.account, entry.actor) == (house.account, pat)
    assert entry.data["reason"] == "Ticket 77"


@pytest.mark.parametrize(
    ("reason", "hours", "words"),
    [
        ("  ", 1, "Write why"),
        ("Ticket", 8.01, "eight hours"),
        ("Ticket", 0, "eight hours"),
        ("Ticket", -1, "eight hours"),
    ],
)
def test_no_reason_or_no_near_end_is_refused_in_words(
    house: House, pat: User, reason: str, hours: float, words: str
) -> None:
    now = timezone.now()

    with pytest.raises(SupportRefusedError) as refusal:
        ask_for_support(
            account=house.account,
            user=pat,
            reason=reason,
            ends_at=now + timedelta(hours=hours),
            now=now,
        )

    assert words in refusal.value.reason
    assert not SupportAccess.objects.exists()


def test_the_database_itself_refuses_them_too(house: House, pat: User) -> None:
    now = timezone.now()
    good: dict[str, Any] = {
        "account": house.account,
        "user": pat,
        "reason": "x",
        "starts_at": now,
        "ends_at": now + timedelta(hours=8),
    }

    for bad in (
        {"reason": " "},
        {"ends_at": now + timedelta(hours=8, seconds=1)},
        {"ends_at": now},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            SupportAccess.objects.create(**{**good, **bad})
    SupportAccess.objects.create(**good)
    with pytest.raises(IntegrityError), transaction.atomic():
        SupportAccess.objects.create(**good)


def test_nobody_enters_what_is_not_theirs_to_look_after(house: House, ada: User) -> None:
    stranger = make_partner_person(
        house, "quinn@example.com", partner=Partner.objects.create(name="Southridge")
    )
    former = make_partner_person(house, "fred@example.com", is_active=False)

    for user in (stranger, former, ada, house.alice, house.sue):
        with pytest.raises(SupportRefusedError):
            enter(house, user)


def test_one_is_in_one_account_at_a_time_and_what_ran_out_does_not_count(
    house: House, pat: User
) -> None:
    other = make_account("Second")
    first = enter(house, pat)
    now = timezone.now()
    ask: dict[str, Any] = {"account": other, "user": pat, "reason": "x"}
    with pytest.raises(SupportRefusedError, match="already"):
        ask_for_support(**ask, ends_at=now + timedelta(hours=1), now=now)

    later = first.ends_at + timedelta(minutes=1)
    ask_for_support(**ask, ends_at=later + timedelta(hours=1), now=later)

    first.refresh_from_db()
    assert first.ended_at == first.ends_at


@pytest.mark.django_db(transaction=True)
def test_of_ten_doors_opened_at_once_one_opens(house: House) -> None:
    pat = make_partner_person(house)

    def try_it(_: int) -> bool:
        try:
            enter(house, pat)
        except SupportRefusedError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(10) as pool:
        got_in = list(pool.map(try_it, range(10)))

    assert got_in.count(True) == 1
    assert SupportAccess.objects.count() == 1


# --- Being in ------------------------------------------------------------------------------------

# What is the same wherever one is, and what nobody logs in for.
OWN = {
    "help",
    "profile",
    "theme",
    "availability",
    "awake",
    "end_session",
    "end_other_sessions",
    "support_banner",
    "api_schema",
    "notifications",
    "push_browser",
    "push_test",
}
OPEN = {
    "livez",
    "readyz",
    "join",
    "outbound_media",
    "opt_out",
    "stop_letters",
    "service_worker",
    "manifest",
    "offline",
    "board",
    "twilio_inbound",
    "twilio_fallback",
    "twilio_status",
}


@pytest.mark.parametrize("who", ["partner", "staff"])
@pytest.mark.parametrize("name", sorted(TABLE.keys() - OWN - OPEN))
def test_support_reads_conversations_and_changes_nothing_in_them(
    scene: Scene, login: Login, name: str, who: str
) -> None:
    house = scene.house
    user = (
        make_partner_person(house)
        if who == "partner"
        else User.objects.create_superuser("stan@example.com", name="Stan")
    )
    browser = login(user)
    before = scene.rows()
    paths = {method: reverse(name, kwargs=row.kwargs(scene)) for method, row in TABLE[name].items()}
    shut = {method: getattr(browser, method.lower())(path) for method, path in paths.items()}
    enter(house, user)

    for method, row in TABLE[name].items():
        answer = getattr(browser, method.lower())(paths[method], row.data(scene))
        expected = row.alice.status if method == "GET" else 403
        if name == "home":
            expected = 200  # Alice has one inbox; from outside there are two to choose from.
        if name in {"mentions", "canned", "begin"}:
            expected = 403  # They write nothing: there is nothing for them to put into it.
        if name == "transcript_csv":
            expected = 403  # They read here, and take nothing home.
        assert shut[method].status_code in {302, 403, 404}
        assert "Kryptonite" not in _text(shut[method])
        assert answer.status_code == expected, f"{method} {_text(answer)[:200]}"
        noted = AuditEntry.objects.filter(action="support_viewed", actor=user)
        assert noted.latest("pk").subject == f"{method} {paths[method]}"[:200]
        assert noted.latest("pk").account == house.account
    assert scene.rows() == before
    assert not ReadCursor.objects.filter(user=user).exists()


def _text(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode(errors="replace")


def test_support_sees_all_of_the_account_and_nothing_of_another(
    scene: Scene, pat: User, login: Login, charlie: User
) -> None:
    enter(scene.house, pat)
    browser = login(pat)

    listed = browser.get("/inbox/support/", {"view": "open"}).content.decode()
    thread = browser.get(f"/c/{scene.conversation.public_id}/thread/").content.decode()

    assert scene.conversation.public_id in listed
    assert "hush-hush" in thread
    assert 'id="composer"' not in thread
    assert "Reading for support" in thread
    viewer = viewer_of(pat, now=timezone.now())
    assert set(Conversation.objects.visible_to(viewer)) == set(
        Conversation.objects.filter(account=scene.house.account)
    )


def test_the_stories_themselves_refuse_who_is_here_for_support(scene: Scene, pat: User) -> None:
    enter(scene.house, pat)
    viewer = viewer_of(pat, now=timezone.now())
    conversation = scene.conversation

    with pytest.raises(NotAllowedError):
        mark_read(conversation=conversation, by=viewer, seq=1)
    with pytest.raises(NotAllowedError):
        mark_unread(conversation=conversation, by=viewer)
    contact = conversation.contact
    wanted = replace(as_it_is(contact, seen=seen_mark(contact)), name="x")
    with pytest.raises(NotAllowedError):
        edit_contact(contact, wanted, Editor(viewer, pat, timezone.now()))
    assert not ReadCursor.objects.filter(user=pat).exists()


def test_the_query_of_an_address_is_not_written_down(house: House, pat: User, login: Login) -> None:
    enter(house, pat)

    login(pat).get("/inbox/support/", {"q": "a-secret"})

    entry = AuditEntry.objects.filter(action="support_viewed").latest("pk")
    assert entry.subject == "GET /inbox/support/"
    assert "a-secret" not in str(entry.data)


def test_while_team_inbox_is_off_support_reads_no_conversation_either(
    scene: Scene, pat: User, login: Login
) -> None:
    enter(scene.house, pat)
    FeatureGrant.objects.filter(account=scene.house.account).delete()

    answer = login(pat).get(f"/c/{scene.conversation.public_id}/thread/")

    assert answer.status_code == 403
    assert "Kryptonite" not in _text(answer)


# --- Being seen ----------------------------------------------------------------------------------


def test_everybody_of_the_account_sees_who_is_there_and_only_its_admins_end_it(
    house: House, pat: User, ada: User, charlie: User, login: Login
) -> None:
    clean = login(house.alice).get("/inbox/support/").content.decode()
    access = enter(house, pat)

    agent = login(house.alice).get("/inbox/support/").content.decode()
    admin = login(ada).get("/settings/").content.decode()
    elsewhere = login(charlie).get("/inbox/support/").content.decode()

    end = reverse("settings_support_end", args=[access.pk])
    for page in (agent, admin):
        assert "Pat Partner" in page
        assert "Ticket 77" in page
    assert end in admin
    assert end not in agent
    assert login(house.alice).post(end).status_code == 404
    for page in (clean, elsewhere):
        assert "Pat Partner" not in page
        assert "support-banner" not in page


def test_an_agent_s_pages_ask_nothing_more_while_nobody_is_there(
    house: House, login: Login, django_assert_num_queries: Any
) -> None:
    browser = login(house.alice)
    browser.get("/inbox/support/")

    with django_assert_num_queries(3):  # as without support: session, inboxes, rows
        browser.get("/inbox/support/")


# --- Getting out ---------------------------------------------------------------------------------


def test_the_account_ends_it_at_once(house: House, pat: User, ada: User, login: Login) -> None:
    access = enter(house, pat)
    browser = login(pat)
    assert browser.get("/settings/").status_code == 200
    mark = entitlement_marks([pat.pk], now=timezone.now())[pat.pk]

    login(ada).post(reverse("settings_support_end", args=[access.pk]))

    assert browser.get("/settings/").status_code == 404
    assert browser.get("/inbox/support/").status_code == 403
    # What the watch over open sockets asks every five seconds.
    assert entitlement_marks([pat.pk], now=timezone.now())[pat.pk] != mark
    access.refresh_from_db()
    assert access.ended_by == ada
    ended = AuditEntry.objects.get(action="support_ended")
    assert (ended.actor, ended.account) == (ada, house.account)
    assert not end_support(access=access, by=pat, now=timezone.now())


def test_it_ends_by_itself_and_when_the_person_no_longer_looks_after_the_account(
    house: House, pat: User, login: Login, time_machine: Any
) -> None:
    access = enter(house, pat)
    browser = login(pat)

    User.objects.filter(pk=pat.pk).update(partner=Partner.objects.create(name="Elsewhere"))
    assert browser.get("/settings/").status_code == 404
    User.objects.filter(pk=pat.pk).update(partner=house.account.partner)
    assert browser.get("/settings/").status_code == 200
    time_machine.move_to(access.ends_at)
    assert browser.get("/settings/").status_code == 404


# --- Open pages ----------------------------------------------------------------------------------

BANNER = "/profile/support/"


def test_an_open_page_is_told_who_is_here_and_when_they_are_not(
    house: House, pat: User, ada: User, charlie: User, login: Login
) -> None:
    agent, admin, stranger = login(house.alice), login(ada), login(charlie)
    assert agent.get(BANNER).content.strip() == b""
    assert login(pat).get(BANNER).status_code == 404

    access = enter(house, pat)

    for browser in (agent, admin):
        told = browser.get(BANNER).content.decode()
        assert f'data-support="{access.pk}"' in told
        assert "Ticket 77" in told
    assert reverse("settings_support_end", args=[access.pk]) in admin.get(BANNER).content.decode()
    assert "You are in" in login(pat).get(BANNER).content.decode()
    assert stranger.get(BANNER).content.strip() == b""
    end_support(access=access, by=ada, now=timezone.now())
    assert agent.get(BANNER).content.strip() == b""
    assert login(pat).get(BANNER).status_code == 404
    # What an open page asks for by itself is no view of the account.
    assert not AuditEntry.objects.filter(action="support_viewed").exists()


def test_what_the_watch_asks_of_agents_changes_with_who_is_here(house: House, pat: User) -> None:
    def mark() -> str:
        return entitlement_marks([house.alice.pk], now=timezone.now())[house.alice.pk]

    quiet = mark()
    access = enter(house, pat)
    one = mark()
    enter(house, make_partner_person(house, "quinn@example.com"))
    two = mark()
    end_support(access=access, by=pat, now=timezone.now())

    assert len({quiet, one, two, mark()}) == 4
