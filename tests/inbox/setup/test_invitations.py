"""Does an invitation let in the right person, once, and tell nobody anything else?"""

import re
import smtplib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection, transaction
from django.test import Client

from accounts.access import is_licensed
from accounts.models import (
    AuditEntry,
    Invitation,
    LicensePool,
    Membership,
    User,
)
from inbox.setup import invitations
from inbox.setup.invitations import (
    Asked,
    InvitationError,
    Outcome,
    accept,
    invite,
    revoke,
    send_again,
    send_owed,
)
from tests.conftest import NOW, House
from tests.factories import PASSWORD, make_account, make_user
from tests.live import until, waiting

ADMIN = User.Role.ACCOUNT_ADMIN
LINK = re.compile(r"/join/([\w-]+)/")


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=ADMIN)


def ask(house: House, ada: User, lines: str, **asked: Any) -> list[Outcome]:
    results = invite(account=house.account, lines=lines, asked=Asked(**asked), by=ada, now=NOW)
    return [one.outcome for one in results]


def token_in(message: Any) -> str:
    found = LINK.search(str(message.body))
    assert found is not None
    return found[1]


def link_for(house: House, ada: User, lines: str = "Ivy <ivy@acme.com>", **asked: Any) -> str:
    """Invite, send, and return the token of the mail."""
    ask(house, ada, lines, **asked)
    assert send_owed(now=NOW) == 1
    return token_in(mail.outbox[-1])


# --- Inviting ------------------------------------------------------------------------------------


def test_an_invitation_becomes_a_person_with_role_teams_and_licence(
    house: House, ada: User
) -> None:
    teams = {house.inbox.team: Membership.Role.SUPERVISOR}

    token = link_for(house, ada, role="member", teams=teams, wants_license=True)
    user = accept(token=token, name=" Ivy   Lee ", password=PASSWORD, now=NOW)

    assert (user.email, user.name, user.account) == ("ivy@acme.com", "Ivy Lee", house.account)
    assert Membership.objects.get(user=user).role == "supervisor"
    assert is_licensed(user.pk, now=NOW)
    assert mail.outbox[0].to == ["ivy@acme.com"]
    assert "Ada invites you to Team Inbox of Acme" in str(mail.outbox[0].body)
    assert [line.action for line in AuditEntry.objects.order_by("pk")] == [
        "invited",
        "license_added",
        "invitation_accepted",
    ]


def test_only_the_hash_of_a_token_is_kept(house: House, ada: User) -> None:
    token = link_for(house, ada)

    row = Invitation.objects.values().get()
    assert token not in str(row)
    assert token not in str(list(AuditEntry.objects.values()))
    assert row["token_hash"] == invitations.hash_of(token)


def test_without_a_free_seat_they_come_without_a_licence(house: House, ada: User) -> None:
    LicensePool.objects.update(seats=4)

    token = link_for(house, ada, wants_license=True)
    user = accept(token=token, name="Ivy", password=PASSWORD, now=NOW)

    assert not is_licensed(user.pk, now=NOW)


def test_each_address_of_a_list_has_its_result(house: House, ada: User) -> None:
    make_user(house.account, "Gone", email="gone@acme.com", is_active=False)
    ask(house, ada, "first@acme.com")
    lines = """
        Ivy Lee <IVY@Acme.com>, zoe@acme.com; zoe@acme.com
        not-an-address
        first@acme.com

        gone@acme.com
        %s
        josé@acme.com
        jose@exämple.com
        x@y
    """

    outcomes = ask(house, ada, lines % house.bob.email.upper())

    assert outcomes == [
        Outcome.INVITED,
        Outcome.INVITED,
        Outcome.TWICE,
        Outcome.NOT_AN_ADDRESS,
        Outcome.RENEWED,
        Outcome.IS_DEACTIVATED,
        Outcome.IS_HERE,
        Outcome.NOT_AN_ADDRESS,
        Outcome.INVITED,
        Outcome.NOT_AN_ADDRESS,
    ]
    assert Invitation.objects.get(email="ivy@acme.com").name == "Ivy Lee"
    assert Invitation.objects.count() == 4


@pytest.mark.parametrize("lines", ["", " \n,;  ", "a@b.com\n" * 101])
def test_nobody_or_too_many_is_refused(house: House, ada: User, lines: str) -> None:
    with pytest.raises(InvitationError):
        ask(house, ada, lines)

    assert not Invitation.objects.exists()


def test_teams_and_roles_of_elsewhere_are_refused(house: House, ada: User, charlie: User) -> None:
    theirs = Membership.objects.get(user=charlie).team

    for asked in ({"teams": {theirs: "agent"}}, {"role": "staff"}, {"role": "partner"}):
        with pytest.raises(InvitationError):
            ask(house, ada, "ivy@acme.com", **asked)

    assert not Invitation.objects.exists()


def test_an_address_of_another_account_looks_like_any_other(
    house: House, ada: User, charlie: User
) -> None:
    assert ask(house, ada, charlie.email) == [Outcome.INVITED]
    assert ask(house, ada, "nobody@umbrella.com") == [Outcome.INVITED]
    send_owed(now=NOW)

    # Only the reader of that mail learns why it does not work.
    [theirs] = [sent for sent in mail.outbox if sent.to == [charlie.email]]
    with pytest.raises(InvitationError) as refused:
        accept(token=token_in(theirs), name="C", password=PASSWORD, now=NOW)
    assert refused.value.code == "has_login"
    charlie.refresh_from_db()
    assert charlie.account != house.account


@pytest.mark.django_db(transaction=True)
def test_two_admins_at_once_make_one_invitation() -> None:
    account = make_account("Acme")
    admins = [make_user(account, name, works_as=ADMIN) for name in ("Ada", "Ben", "Cleo", "Dan")]
    ready = Barrier(len(admins))

    def ask_at_once(by: User) -> Outcome:
        ready.wait()
        try:
            [result] = invite(account=account, lines="ivy@acme.com", asked=Asked(), by=by, now=NOW)
            return result.outcome
        finally:
            connection.close()

    with ThreadPoolExecutor(len(admins)) as threads:
        outcomes = list(threads.map(ask_at_once, admins))

    assert sorted(outcomes) == ["invited", *["renewed"] * 3]
    assert Invitation.objects.count() == 1


# --- The mail ------------------------------------------------------------------------------------


def test_a_mail_that_fails_is_owed_until_it_leaves(
    house: House, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(house, ada, "ivy@acme.com")
    # The outside is what fails: the mail server.
    with monkeypatch.context() as outage:
        outage.setattr(invitations, "send_mail", _refuse)
        assert send_owed(now=NOW) == 0
    row = Invitation.objects.get()
    assert (row.sent_at, row.attempts) == (None, 1)

    assert send_owed(now=NOW) == 0
    assert send_owed(now=NOW + timedelta(minutes=5)) == 1

    row.refresh_from_db()
    assert (row.send_after, row.attempts) == (None, 2)
    accept(token=token_in(mail.outbox[0]), name="Ivy", password=PASSWORD, now=NOW)


def _refuse(*args: object) -> None:
    raise smtplib.SMTPServerDisconnected


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_each_mail_once() -> None:
    account = make_account("Acme")
    ada = make_user(account, "Ada", works_as=ADMIN)
    lines = "\n".join(f"p{n}@acme.com" for n in range(12))
    invite(account=account, lines=lines, asked=Asked(), by=ada, now=NOW)
    ready = Barrier(4)

    def work(_: int) -> int:
        ready.wait()
        try:
            return send_owed(now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        sent = sum(threads.map(work, range(4)))

    assert (sent, len(mail.outbox)) == (12, 12)
    for message in mail.outbox:
        accept(token=token_in(message), name="P", password=PASSWORD, now=NOW)


# --- Coming in -----------------------------------------------------------------------------------


def refused_page(token: str, words: str) -> None:
    answer = Client().get(f"/join/{token}/")
    assert answer.status_code == 410
    assert words in answer.content.decode()
    posted = Client().post(f"/join/{token}/", {"name": "Eve", "password": PASSWORD})
    assert posted.status_code == 410


def test_a_link_works_once(house: House, ada: User) -> None:
    token = link_for(house, ada)
    browser = Client()

    with time_machine.travel(NOW, tick=False):
        page = browser.get(f"/join/{token}/")
        answer = browser.post(f"/join/{token}/", {"name": "Ivy", "password": PASSWORD})

        assert page.status_code == 200
        assert "ivy@acme.com" in page.content.decode()
        assert (answer.status_code, answer.headers["Location"]) == (302, "/")
        assert browser.get("/profile/").status_code == 200
        refused_page(token, "used already")
    assert User.objects.filter(email="ivy@acme.com").count() == 1
    assert AuditEntry.objects.get(action="logged_in").data["way"] == "invitation"


def test_an_old_a_revoked_and_a_forged_link_say_what_to_do(house: House, ada: User) -> None:
    old = link_for(house, ada)
    with time_machine.travel(NOW + timedelta(days=7, minutes=1), tick=False):
        refused_page(old, "has expired")
    with time_machine.travel(NOW, tick=False):
        refused_page("forged", "opens nothing")
        send_again(invitation=Invitation.objects.get(), by=ada, now=NOW)
        refused_page(old, "a newer mail has taken its place")
        send_owed(now=NOW)
        new = token_in(mail.outbox[-1])
        assert Client().get(f"/join/{new}/").status_code == 200
        revoke(invitation=Invitation.objects.get(), by=ada, now=NOW)
        refused_page(new, "opens nothing")
    assert not User.objects.filter(email="ivy@acme.com").exists()
    with pytest.raises(InvitationError, match="closed already"):
        send_again(invitation=Invitation.objects.get(), by=ada, now=NOW)


def test_who_is_logged_in_as_somebody_else_is_told(house: House, ada: User, login: Any) -> None:
    token = link_for(house, ada)

    with time_machine.travel(NOW, tick=False):
        answer = login(house.bob).post(f"/join/{token}/", {"name": "Ivy", "password": PASSWORD})

    assert answer.status_code == 409
    assert "Log out" in answer.content.decode()
    assert Invitation.objects.get().accepted_at is None


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("", PASSWORD, "Write your name"),
        ("   ", PASSWORD, "Write your name"),
        ("x" * 1000, PASSWORD, "at most 120"),
        ("Ivy", "", "too short"),
        ("Ivy", "password", "too common"),
        ("Ivy", "12345678901", "entirely numeric"),
        ("Ivy", "ivy@acme.com", "too similar"),
    ],
)
def test_a_name_or_password_that_will_not_do_is_refused_and_the_link_stays_good(
    house: House, ada: User, name: str, password: str, words: str
) -> None:
    token = link_for(house, ada)
    browser = Client()

    with time_machine.travel(NOW, tick=False):
        answer = browser.post(f"/join/{token}/", {"name": name, "password": password})
        assert answer.status_code == 200
        assert words in answer.content.decode()
        assert not User.objects.filter(email="ivy@acme.com").exists()
        good = browser.post(f"/join/{token}/", {"name": "Ivy", "password": PASSWORD})
    assert good.status_code == 302


@pytest.mark.django_db(transaction=True)
def test_a_link_opened_twice_at_once_makes_one_person() -> None:
    account = make_account("Acme")
    ada = make_user(account, "Ada", works_as=ADMIN)
    invite(account=account, lines="ivy@acme.com", asked=Asked(), by=ada, now=NOW)
    send_owed(now=NOW)
    token, ready = token_in(mail.outbox[0]), Barrier(3)

    def come(_: int) -> str:
        ready.wait()
        try:
            accept(token=token, name="Ivy", password=PASSWORD, now=NOW)
        except InvitationError as error:
            return error.code
        finally:
            connection.close()
        return "in"

    with ThreadPoolExecutor(3) as threads:
        done = sorted(threads.map(come, range(3)))

    assert done == ["in", "used", "used"]
    assert User.objects.filter(email="ivy@acme.com").count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_is_asked_again_while_they_come_in_is_here_and_asked_no_more() -> None:
    account = make_account("Acme")
    ada = make_user(account, "Ada", works_as=ADMIN)
    invite(
        account=account,
        lines="ivy@acme.com",
        asked=Asked(wants_license=True),
        by=ada,
        now=NOW,
    )
    send_owed(now=NOW)
    token = token_in(mail.outbox[0])

    def come() -> User:
        try:
            return accept(token=token, name="Ivy", password=PASSWORD, now=NOW)
        finally:
            connection.close()

    def ask_again() -> Outcome:
        try:
            [one] = invite(account=account, lines="ivy@acme.com", asked=Asked(), by=ada, now=NOW)
            return one.outcome
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        with transaction.atomic():
            # Whoever comes in waits here, with the invitation half accepted.
            LicensePool.objects.select_for_update().get(account=account)
            coming = threads.submit(come)
            until(lambda: waiting() == 1, within=10, what="they come in")
            asking = threads.submit(ask_again)
            until(lambda: waiting() == 2, within=10, what="they are asked again")
        user, outcome = coming.result(), asking.result()

    row = Invitation.objects.get()
    assert outcome == Outcome.IS_HERE
    assert (row.accepted_by, row.send_after) == (user, None)
    assert row.accepted_at is not None


def test_the_role_is_the_one_that_was_given_and_nothing_in_the_form_changes_it(
    house: House, ada: User, now: datetime
) -> None:
    token = link_for(house, ada)

    with time_machine.travel(NOW, tick=False):
        Client().post(
            f"/join/{token}/",
            {
                "name": "Ivy",
                "password": PASSWORD,
                "role": "staff",
                "email": "eve@evil.com",
                "account": "1",
                "is_staff": "on",
            },
        )

    user = User.objects.get(email="ivy@acme.com")
    assert (user.role, user.is_staff, user.account) == ("member", False, house.account)
