"""Do the pages of people and teams work: found, paged, refused in words, and never too dear?"""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, BrowserSession, Invitation, Membership, Team, User
from inbox.models import Conversation
from tests.conftest import NOW, House
from tests.factories import make_account, make_inbox, make_user
from tests.twilio import text_in

Login = Callable[[User], Client]
PEOPLE, TEAMS = "/settings/people/", "/settings/teams/"
MOST_QUERIES = 12


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def browser(ada: User, login: Login) -> Client:
    return login(ada)


def crowd(house: House, count: int) -> None:
    """Make many people of the account, who share names."""
    password = make_password(None)
    users = User.objects.bulk_create(
        User(
            email=f"p{n}@crowd.example",
            name=f"Person {n % 977:04}",
            account=house.account,
            password=password,
        )
        for n in range(count)
    )
    Membership.objects.bulk_create(
        Membership(team=house.inbox.team, user=user) for user in users[: count // 2]
    )


def names(answer: Any) -> list[str]:
    return [one.email for one in answer.context["people"]]


# --- Finding people ------------------------------------------------------------------------------


def test_every_person_is_on_exactly_one_page(house: House, browser: Client) -> None:
    crowd(house, 230)
    seen: list[str] = []
    after = ""
    while True:
        answer = browser.get(PEOPLE, {"after": after})
        seen += names(answer)
        after = answer.context["next_after"]
        if after is None:
            break

    assert len(seen) == len(set(seen)) == User.objects.filter(account=house.account).count()


def test_pages_stay_cheap_at_ten_thousand_people(house: House, browser: Client) -> None:
    crowd(house, 10_000)
    last = User.objects.filter(account=house.account).order_by("-name", "-pk")[60]

    for path, asked in (
        (PEOPLE, {}),
        (PEOPLE, {"after": str(last.pk)}),
        (PEOPLE, {"q": "Person 0976", "state": "all"}),
        (f"{PEOPLE}{last.pk}/", {}),
        (TEAMS, {}),
        (f"{TEAMS}{house.inbox.team_id}/", {}),
        (f"{TEAMS}{house.inbox.team_id}/", {"q": "p9@"}),
    ):
        with CaptureQueriesContext(connection) as asked_for:
            assert browser.get(path, asked).status_code == 200
        assert len(asked_for) <= MOST_QUERIES, (path, [q["sql"] for q in asked_for])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "ali"}, ["alice"]),
        ({"q": "ALICE."}, ["alice"]),
        ({"q": "nobody"}, []),
        ({"q": "%"}, []),
        ({"state": "deactivated"}, ["gone"]),
        ({"state": "nonsense", "q": "gone"}, []),
        ({"state": "all", "q": "gone"}, ["gone"]),
        ({"after": "x"}, ["ada", "alice", "bob", "sue"]),
        ({"after": "9" * 30}, ["ada", "alice", "bob", "sue"]),
        ({"after": "²"}, ["ada", "alice", "bob", "sue"]),
    ],
    ids=str,
)
def test_people_are_found(
    house: House, browser: Client, asked: dict[str, str], found: list[str]
) -> None:
    make_user(house.account, "Gone", is_active=False)

    answer = browser.get(PEOPLE, asked)

    assert [email.split(".")[0].split("@")[0] for email in names(answer)] == found


def test_the_list_says_what_is_known_of_each(house: House, browser: Client, login: Login) -> None:
    login(house.bob)
    make_user(house.account, "Nora", is_licensed=False)

    page = browser.get(PEOPLE).content.decode()

    assert "Support" in page
    assert "no licence" in page
    assert "no second factor" in page
    assert "never here" in page
    assert "seen 0" in page


def test_people_of_another_account_are_nowhere(
    house: House, browser: Client, charlie: User
) -> None:
    for asked in ({"q": "Charlie", "state": "all"}, {"after": str(charlie.pk)}):
        assert charlie.email not in browser.get(PEOPLE, asked).content.decode()
    assert browser.get(f"{PEOPLE}{charlie.pk}/").status_code == 404
    assert browser.get(f"{PEOPLE}{'9' * 30}/").status_code == 404


# --- Roles and log-ins ---------------------------------------------------------------------------


def test_another_role_is_given_on_the_page(house: House, browser: Client) -> None:
    url = f"{PEOPLE}{house.bob.pk}/"

    looked = browser.post(url, {"role": "auditor"}).text
    assert "Bob reads as an auditor, and answers nobody." in looked
    assert "loses their licence" in looked
    house.bob.refresh_from_db()
    assert house.bob.role == "member"
    answer = browser.post(url, {"role": "auditor", "looked": "1"}, follow=True)

    assert "Bob has the role “Auditor” now." in answer.content.decode()
    house.bob.refresh_from_db()
    assert house.bob.role == "auditor"


@pytest.mark.parametrize("role", ["staff", "partner", "", "x" * 1000])
def test_a_role_that_is_none_is_refused_beside_the_field(
    house: House, browser: Client, role: str
) -> None:
    page = browser.post(f"{PEOPLE}{house.bob.pk}/", {"role": role}).content.decode()

    assert "Not saved" in page
    house.bob.refresh_from_db()
    assert house.bob.role == "member"


def test_nobody_does_it_to_themselves(house: House, ada: User, browser: Client) -> None:
    browser.post(f"{PEOPLE}{ada.pk}/", {"role": "member"})
    answer = browser.post(f"{PEOPLE}{ada.pk}/deactivate/", follow=True)

    assert "You cannot deactivate yourself" in answer.content.decode()
    ada.refresh_from_db()
    assert (ada.role, ada.is_active) == ("account_admin", True)


def test_deactivating_says_first_and_then_does(house: House, browser: Client) -> None:
    path = f"{PEOPLE}{house.bob.pk}/deactivate/"
    page = browser.get(path).content.decode()
    assert "Bob can no longer log in" in page
    house.bob.refresh_from_db()
    assert house.bob.is_active

    answer = browser.post(path, follow=True)

    assert "Bob can no longer log in" in answer.content.decode()
    assert "Reactivate" in answer.content.decode()


def test_an_admin_ends_the_sessions_of_others_and_keeps_their_own(
    house: House, ada: User, browser: Client, login: Login
) -> None:
    for user in (house.bob, ada):
        login(user)

    for user in (house.bob, ada):
        browser.post(f"{PEOPLE}{user.pk}/end-sessions/")

    assert browser.get(PEOPLE).status_code == 200
    assert BrowserSession.objects.filter(user=house.bob).count() == 0
    assert BrowserSession.objects.filter(user=ada).count() == 1


# --- Inviting ------------------------------------------------------------------------------------


def test_several_are_invited_and_each_has_an_answer(house: House, browser: Client) -> None:
    data = {
        "lines": f"Ivy <ivy@acme.com>\nnonsense\n{house.bob.email}",
        "role": "member",
        f"team_{house.inbox.team_id}": "observer",
        "wants_license": "on",
    }

    page = browser.post(f"{PEOPLE}invite/", data).content.decode()

    for words in ("The mail is on its way", "Is no e-mail address", "Is here already"):
        assert words in page
    row = Invitation.objects.get()
    assert (row.email, row.wants_license) == ("ivy@acme.com", True)
    assert row.teams.get().role == "observer"
    assert "ivy@acme.com" in browser.get(PEOPLE).content.decode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"lines": "", "role": "member"}, "Write at least one"),
        ({"lines": "a@b.com", "role": "staff"}, "Select a valid choice"),
        ({"lines": "a@b.com"}, "This field is required"),
        (
            {"lines": "a@b.com", "role": "auditor", "wants_license": "on"},
            "Auditors answer nobody and need no licence",
        ),
        ({"lines": "a@b.com\n" * 101, "role": "member"}, "At most 100"),
        ({"lines": "x" * 40_000, "role": "member"}, "at most 30000"),
    ],
)
def test_what_will_not_do_is_refused_and_nobody_is_invited(
    browser: Client, data: dict[str, str], words: str
) -> None:
    page = browser.post(f"{PEOPLE}invite/", data).content.decode()

    assert words in page
    assert not Invitation.objects.exists()


def test_a_team_of_another_account_cannot_be_named(house: House, browser: Client) -> None:
    theirs = make_inbox(make_account("Umbrella"), "Theirs").team
    data = {"lines": "a@b.com", "role": "member", f"team_{theirs.pk}": "agent"}

    browser.post(f"{PEOPLE}invite/", data)

    assert not Invitation.objects.get().teams.exists()


def test_an_invitation_is_sent_again_or_taken_back(house: House, browser: Client) -> None:
    browser.post(f"{PEOPLE}invite/", {"lines": "ivy@acme.com", "role": "member"})
    row = Invitation.objects.get()

    again = browser.post(f"{PEOPLE}invitations/{row.pk}/again/", follow=True)
    gone = browser.post(f"{PEOPLE}invitations/{row.pk}/revoke/", follow=True)
    late = browser.post(f"{PEOPLE}invitations/{row.pk}/again/", follow=True)

    assert "A new mail to ivy@acme.com" in again.content.decode()
    assert "is taken back" in gone.content.decode()
    assert "closed already" in late.content.decode()


def test_of_many_invitations_the_newest_are_shown_and_all_are_found(
    house: House, browser: Client
) -> None:
    lines = "\n".join(f"p{n:03}@acme.com" for n in range(80))
    browser.post(f"{PEOPLE}invite/", {"lines": lines, "role": "member"})

    page = browser.get(PEOPLE).content.decode()
    found = browser.get(PEOPLE, {"q": "p000"}).content.decode()

    assert page.count("Take back") == 50
    assert "There are more" in page
    assert "p000@acme.com" in found


# --- Teams ---------------------------------------------------------------------------------------


def test_a_team_is_made_filled_and_renamed(house: House, ada: User, browser: Client) -> None:
    made = browser.post(TEAMS, {"name": "Returns"}, follow=True)
    team = Team.objects.get(name="Returns")
    path = f"{TEAMS}{team.pk}/"
    people = [str(house.bob.pk), str(house.alice.pk)]

    added = browser.post(f"{path}members/", {"people": people, "role": "agent"}, follow=True)
    renamed = browser.post(path, {"name": "Refunds"}, follow=True)

    assert "Now add people" in made.content.decode()
    assert "2 people added." in added.content.decode()
    assert "The team is called “Refunds” now." in renamed.content.decode()
    assert AuditEntry.objects.filter(actor=ada).count() == 4


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Give the team a name"),
        ("  ", "Give the team a name"),
        ("support", "There is a team called"),
        ("x" * 1000, "at most 80"),
    ],
)
def test_a_name_that_will_not_do_is_refused_in_words(
    house: House, browser: Client, name: str, words: str
) -> None:
    sales = Team.objects.create(account=house.account, name="Sales")

    for path in (TEAMS, f"{TEAMS}{sales.pk}/"):
        page = browser.post(path, {"name": name}).content.decode()
        assert words in page
    assert sorted(Team.objects.values_list("name", flat=True)) == ["Sales", "Support"]


@pytest.mark.parametrize("people", [[], ["x"], ["²"], ["9" * 30]])
def test_nobody_chosen_is_said_and_nobody_added(
    house: House, browser: Client, people: list[str]
) -> None:
    path = f"{TEAMS}{house.inbox.team_id}/members/"

    answer = browser.post(path, {"people": people, "role": "agent"}, follow=True)

    assert answer.status_code in (200, 404)
    assert Membership.objects.count() == 3


def test_a_guessed_person_of_another_account_is_not_there(
    house: House, ada: User, browser: Client, charlie: User
) -> None:
    path = f"{TEAMS}{house.inbox.team_id}/members/"
    people = [str(ada.pk), str(charlie.pk)]

    assert browser.post(path, {"people": people, "role": "agent"}).status_code == 404

    assert not Membership.objects.filter(team=house.inbox.team, user=ada).exists()
    theirs = Membership.objects.get(user=charlie)
    mixed = f"{TEAMS}{house.inbox.team_id}/members/{theirs.pk}/remove/"
    assert browser.post(mixed).status_code == 404
    assert Membership.objects.filter(pk=theirs.pk).exists()


def test_who_would_give_back_work_becomes_an_observer_after_a_look(
    house: House, browser: Client
) -> None:
    part = Membership.objects.get(user=house.bob)
    url = f"{TEAMS}{part.team_id}/members/{part.pk}/role/"
    text_in(Client(), house.sender, "+14155550123")
    Conversation.objects.update(owner=house.bob, owned_since=NOW, is_team_wide=False)

    looked = browser.post(url, {"role": "observer"})
    assert "Bob only reads in Support." in looked.text
    assert "has 1 open conversation" in looked.text
    assert Conversation.objects.get().owner == house.bob
    done = browser.post(url, {"role": "observer", "looked": "1"}, follow=True)

    part.refresh_from_db()
    assert part.role == "observer"
    assert Conversation.objects.get().owner is None
    assert "1 conversation went back to its team." in done.text
    alice = Membership.objects.get(user=house.alice)
    at_once = browser.post(f"{TEAMS}{alice.team_id}/members/{alice.pk}/role/", {"role": "observer"})
    assert at_once.status_code == 302, "she has nothing to give back"


def test_a_role_that_is_none_is_refused(house: House, browser: Client) -> None:
    part = Membership.objects.get(user=house.bob)

    answer = browser.post(f"{TEAMS}{part.team_id}/members/{part.pk}/role/", {"role": "x"})

    assert answer.status_code == 302
    part.refresh_from_db()
    assert part.role == "agent"
