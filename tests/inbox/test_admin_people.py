"""Are people and seats looked after with words, audit lines, and nothing left behind?"""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.models import (
    AuditEntry,
    Membership,
    User,
)
from inbox.models import Conversation, ConversationEvent, TeamInbox
from tests.admin_world import (
    Company,
    browser_of,
    enter_for_support,
    make_company,
    make_partner_user,
    make_staff,
)
from tests.factories import PASSWORD, make_inbox, make_user

USERS = "/admin/accounts/user/"
MEMBERSHIPS = "/admin/accounts/membership/"
LICENSES = "/admin/accounts/license/"
POOLS = "/admin/accounts/licensepool/"
GRANTS = "/admin/accounts/featuregrant/"
INBOXES = "/admin/inbox/teaminbox/"


@pytest.fixture(autouse=True)
def _no_rate_limits(settings: Any) -> None:
    """Other tests log in from the same address."""
    settings.ACCOUNT_RATE_LIMITS = False


@pytest.fixture
def acme(db: None) -> Company:
    return make_company("Acme", "Northwind", n=1)


@pytest.fixture
def umbrella(db: None) -> Company:
    return make_company("Umbrella", "Southridge", n=2)


@pytest.fixture
def pat(acme: Company) -> Client:
    return browser_of(make_partner_user(acme.partner))


@pytest.fixture
def root(db: None) -> Client:
    return browser_of(make_staff())


def when(prefix: str, at: Any) -> dict[str, str]:
    """Fill in the two boxes of a moment."""
    return {f"{prefix}_0": at.strftime("%Y-%m-%d"), f"{prefix}_1": at.strftime("%H:%M:%S")}


def last_line() -> AuditEntry:
    line = AuditEntry.objects.order_by("-pk").first()
    assert line is not None
    return line


# --- Giving back conversations -------------------------------------------------------------------


def owned_by(user: User) -> list[Conversation]:
    return list(Conversation.objects.filter(owner=user))


@pytest.fixture
def after_commit(django_capture_on_commit_callbacks: Any) -> Any:
    return lambda: django_capture_on_commit_callbacks(execute=True)


def released(company: Company, reason: str) -> None:
    """Hold that Sue's conversation went back to the team, with a line that says why."""
    assert owned_by(company.sue) == []
    event = ConversationEvent.objects.filter(verb="released").get()
    assert event.data["reason"] == reason


@pytest.mark.parametrize("how", ["page", "list"])
def test_removing_a_member_gives_back_conversations(
    acme: Company, pat: Client, after_commit: Any, how: str
) -> None:
    part = Membership.objects.get(user=acme.sue)
    data: dict[str, Any] = {"action": "delete_selected", "_selected_action": [part.pk]}
    url = f"{MEMBERSHIPS}{part.pk}/delete/"

    looked = (pat.get(url) if how == "page" else pat.post(MEMBERSHIPS, data)).text
    assert "Sue of Acme is no longer in Acme Support." in looked
    assert "has 1 open conversation" in looked
    assert owned_by(acme.sue)
    with after_commit():
        if how == "page":
            pat.post(url, {"post": "yes"})
        else:
            pat.post(MEMBERSHIPS, {**data, "post": "yes"})

    released(acme, "left a team")
    line = AuditEntry.objects.get(action="member_removed")
    assert (line.subject, line.actor_label) == ("Acme Support", "Pat Partner")
    assert line.data == {
        "person": "Sue of Acme",
        "changes": {"role": {"before": "supervisor", "after": None}},
    }


def test_becoming_an_observer_gives_back_conversations_and_another_role_does_not(
    acme: Company, pat: Client, after_commit: Any
) -> None:
    part = Membership.objects.get(user=acme.sue)

    with after_commit():
        pat.post(f"{MEMBERSHIPS}{part.pk}/change/", {"role": "agent"})
    assert owned_by(acme.sue)
    assert last_line().action == "member_changed"
    assert last_line().data["changes"] == {"role": {"before": "supervisor", "after": "agent"}}

    no = pat.post(f"{MEMBERSHIPS}{part.pk}/change/", {"role": "observer"}).text
    assert "They have open conversations here. “Make an observer” says what happens then." in no
    assert owned_by(acme.sue)
    looked = pat.get(f"{MEMBERSHIPS}make-observer/?ids={part.pk}").text
    assert "Sue of Acme only reads in Acme Support." in looked
    assert "has 1 open conversation" in looked
    pat.post(f"{MEMBERSHIPS}make-observer/?ids={part.pk}")
    released(acme, "left a team")


def test_who_has_nothing_in_hand_becomes_an_observer_in_passing(
    acme: Company, pat: Client, after_commit: Any
) -> None:
    part = Membership.objects.get(user=acme.alice)

    with after_commit():
        pat.post(f"{MEMBERSHIPS}{part.pk}/change/", {"role": "observer"})

    part.refresh_from_db()
    assert part.role == "observer"


def test_deactivating_a_person_says_first_what_that_does(acme: Company, pat: Client) -> None:
    url = f"{USERS}deactivate/?ids={acme.sue.pk}"

    looked = pat.get(url).text
    assert "Sue of Acme can no longer log in." in looked
    assert "has 1 open conversation" in looked
    assert User.objects.get(pk=acme.sue.pk).is_active
    answer = pat.post(url, follow=True)

    assert not User.objects.get(pk=acme.sue.pk).is_active
    released(acme, "log-in switched off")
    assert AuditEntry.objects.filter(action="deactivated", actor_label="Pat Partner").exists()
    said = [str(message) for message in answer.context["messages"]]
    assert said == ["Conversations of Sue of Acme that went back to their teams: 1."]
    pat.post(f"{USERS}reactivate/?ids={acme.sue.pk}")
    assert User.objects.get(pk=acme.sue.pk).is_active
    assert AuditEntry.objects.filter(action="reactivated").count() == 1


def test_an_auditor_is_made_after_a_look_at_what_they_lose(acme: Company, pat: Client) -> None:
    url = f"{USERS}make-auditor/?ids={acme.sue.pk}"

    no = pat.post(f"{USERS}{acme.sue.pk}/change/", {"name": "Sue", "role": "auditor"}).text
    assert "They would lose their licence. “Make an auditor” says what happens then." in no
    looked = pat.get(url).text
    assert "Sue of Acme reads as an auditor, and answers nobody." in looked
    assert "loses their licence, has 1 open conversation" in looked
    assert owned_by(acme.sue)
    pat.post(url)

    released(acme, "became an auditor")
    assert User.objects.get(pk=acme.sue.pk).role == "auditor"


def test_a_form_sent_by_hand_takes_no_log_in(acme: Company, pat: Client) -> None:
    pat.post(f"{USERS}{acme.sue.pk}/change/", {"name": "Sue", "role": "member", "is_active": ""})

    assert User.objects.get(pk=acme.sue.pk).is_active
    assert User.objects.get(pk=acme.sue.pk).name == "Sue"


def test_the_last_admin_stays(acme: Company, pat: Client) -> None:
    ada = make_user(acme.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)

    page = pat.post(f"{USERS}deactivate/?ids={ada.pk}", follow=True).text

    assert "Ada is the last account admin." in page
    assert User.objects.get(pk=ada.pk).is_active


def test_so_many_at_once_that_nobody_can_read_it_are_refused(acme: Company, pat: Client) -> None:
    crowd = [make_user(acme.account, team=acme.inbox.team) for _ in range(4)]
    parts = [user.memberships.get().pk for user in crowd]

    ids = "&".join(f"ids={user.pk}" for user in crowd)
    page = pat.post(f"{USERS}deactivate/?{ids}", follow=True).text
    assert "Choose at most 3 at once: the page says for each what it sets off." in page
    data = {"action": "delete_selected", "_selected_action": parts, "post": "yes"}
    page = pat.post(MEMBERSHIPS, data, follow=True).text
    assert "Choose at most 3: the page says for each what it sets off." in page

    assert Membership.objects.filter(pk__in=parts).count() == 4
    assert all(User.objects.get(pk=user.pk).is_active for user in crowd)


# --- People --------------------------------------------------------------------------------------


def new_user(**fields: Any) -> dict[str, Any]:
    return {
        "email": "new@example.com",
        "name": "New Person",
        "role": "member",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
        **fields,
    }


def test_a_partner_adds_a_person_who_can_log_in(acme: Company, pat: Client) -> None:
    data = new_user(account=acme.account.pk, email="New@Example.com")

    answer = pat.post(f"{USERS}add/", data)

    user = User.objects.get(email="new@example.com")
    assert answer.status_code == 302
    assert (user.account, user.is_staff, user.is_superuser) == (acme.account, False, False)
    assert user.check_password(PASSWORD)
    assert last_line().action == "user_added"
    assert PASSWORD not in str(last_line().data)
    login = {"login": "new@example.com", "password": PASSWORD}
    assert Client().post("/accounts/login/", login).status_code == 302


def test_a_person_may_start_without_a_password(acme: Company, pat: Client) -> None:
    data = new_user(account=acme.account.pk, usable_password="false")

    pat.post(f"{USERS}add/", {**data, "password1": "", "password2": ""})

    assert not User.objects.get(email="new@example.com").has_usable_password()


@pytest.mark.parametrize(
    "fields",
    [
        {"role": "staff"},
        {"role": "staff", "account": ""},
        {"role": "partner"},
        {"role": "partner", "account": ""},
        {"is_staff": "on", "is_superuser": "on"},
        {"account": "THEIRS"},
    ],
    ids=str,
)
def test_a_partner_makes_no_staff_and_nobody_elsewhere(
    acme: Company, umbrella: Company, pat: Client, fields: dict[str, str]
) -> None:
    keys = {"THEIRS": umbrella.account.pk}
    data = new_user(account=acme.account.pk, partner=acme.partner.pk)
    data |= {name: keys.get(value, value) for name, value in fields.items()}

    pat.post(f"{USERS}add/", data)

    made = User.objects.filter(email="new@example.com")
    assert not made.filter(is_staff=True).exists()
    assert not made.filter(is_superuser=True).exists()
    assert not made.exclude(account=acme.account).exists()
    assert not made.exclude(role="member").exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Choose the account that this person works for"),
        ({"role": "partner"}, "Choose the partner that this person works for"),
        ({"role": "partner", "partner": "P", "account": "A"}, "belongs to no account"),
        ({"role": "staff", "account": "A"}, "belongs to no account"),
        ({"account": "A", "partner": "P"}, "belongs to no partner"),
        ({"account": "A", "email": "TAKEN"}, "Somebody has this e-mail address already."),
        ({"account": "A", "password2": "other"}, "didn’t match"),
    ],
    ids=str,
)
def test_a_person_who_does_not_fit_is_refused_in_words(
    acme: Company, root: Client, fields: dict[str, str], words: str
) -> None:
    keys = {"A": acme.account.pk, "P": acme.partner.pk, "TAKEN": acme.alice.email.upper()}
    data = new_user() | {name: keys.get(value, value) for name, value in fields.items()}

    page = root.post(f"{USERS}add/", data).content.decode()

    assert words in page
    assert "Constraint" not in page
    assert not User.objects.filter(email="new@example.com").exists()


@pytest.mark.parametrize(
    ("role", "is_staff", "is_superuser"),
    [("partner", True, False), ("staff", True, True), ("member", False, False)],
)
def test_who_opens_the_admin_follows_from_the_role(
    acme: Company, root: Client, role: str, is_staff: bool, is_superuser: bool
) -> None:
    where = {"partner": {"partner": acme.partner.pk}, "member": {"account": acme.account.pk}}

    root.post(f"{USERS}add/", new_user(role=role, **where.get(role, {})))

    user = User.objects.get(email="new@example.com")
    assert (user.is_staff, user.is_superuser) == (is_staff, is_superuser)


def test_a_person_keeps_their_kind(acme: Company, root: Client) -> None:
    data = {"email": acme.alice.email, "name": "Alice", "role": "staff", "is_active": "on"}

    page = root.post(f"{USERS}{acme.alice.pk}/change/", data).content.decode()

    assert "Make a new user for that" in page
    assert not User.objects.get(pk=acme.alice.pk).is_staff


def test_a_partner_cannot_take_over_a_login(acme: Company, pat: Client, after_commit: Any) -> None:
    before = User.objects.get(pk=acme.alice.pk)
    data = {"name": "Alice", "role": "account_admin", "email": "mine@example.com"}

    with after_commit():
        assert pat.post(f"{USERS}{acme.alice.pk}/change/", data).status_code == 302
    password = {"password1": PASSWORD * 2, "password2": PASSWORD * 2}
    answer = pat.post(f"{USERS}{acme.alice.pk}/password/", password)

    user = User.objects.get(pk=acme.alice.pk)
    assert answer.status_code == 403
    assert (user.name, user.role) == ("Alice", "account_admin")
    assert (user.email, user.password) == (before.email, before.password)
    page = pat.get(f"{USERS}{acme.alice.pk}/change/").content.decode()
    assert "../password/" not in page
    assert before.password not in page


def test_staff_set_a_password_and_that_is_noted(acme: Company, root: Client) -> None:
    new = PASSWORD[::-1]
    data = {"usable_password": "true", "password1": new, "password2": new, "set-password": "1"}

    answer = root.post(f"{USERS}{acme.alice.pk}/password/", data)

    assert answer.status_code == 302
    assert User.objects.get(pk=acme.alice.pk).check_password(new)
    assert new not in str(AuditEntry.objects.get(action="user_changed").data)
    # Whoever came with the old one is out.
    assert last_line().action == "session_ended"


def test_a_page_shows_no_password_hash(acme: Company, root: Client) -> None:
    page = root.get(f"{USERS}{acme.alice.pk}/change/").content.decode()

    assert acme.alice.password not in page
    assert acme.alice.password.split("$")[-1] not in page


def test_an_old_address_no_longer_logs_in(acme: Company, root: Client) -> None:
    EmailAddress.objects.create(
        user=acme.alice, email=acme.alice.email, primary=True, verified=True
    )
    data = {"email": "alice.new@example.com", "name": "A", "role": "member", "is_active": "on"}

    root.post(f"{USERS}{acme.alice.pk}/change/", data)

    for email, status in ((acme.alice.email, 200), ("alice.new@example.com", 302)):
        login = {"login": email, "password": PASSWORD}
        assert Client().post("/accounts/login/", login).status_code == status


def test_nobody_locks_themselves_out(root: Client) -> None:
    me = User.objects.get(email="root@platform.example")

    page = root.post(f"{USERS}deactivate/?ids={me.pk}", follow=True).text

    assert "You cannot deactivate yourself." in page
    assert User.objects.get(pk=me.pk).is_active


def test_nobody_is_deleted(acme: Company, root: Client) -> None:
    assert root.post(f"{USERS}{acme.alice.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=acme.alice.pk).exists()


# --- Teams ----------------------------------------------------------------------------------------


def test_a_team_takes_people_of_its_account(acme: Company, pat: Client) -> None:
    second = make_company("Second", "Northwind", n=3)
    data = {"team": acme.inbox.team_id, "role": "agent"}

    page = pat.post(f"{MEMBERSHIPS}add/", {**data, "user": second.alice.pk}).content.decode()
    assert "but this team to Acme" in page

    nora = make_user(acme.account, "Nora")
    pat.post(f"{MEMBERSHIPS}add/", {**data, "user": nora.pk})
    assert last_line().action == "membership_added"
    assert (last_line().actor_label, last_line().account) == ("Pat Partner", acme.account)


def test_a_team_gets_its_inbox(acme: Company, pat: Client) -> None:
    enter_for_support(acme, User.objects.get(name="Pat Partner"))
    page = pat.get(f"{INBOXES}add/")
    blank = page.context["adminform"].form
    data = {name: field.initial for name, field in blank.fields.items() if field.initial}
    team = make_inbox(acme.account, "Sales").team
    TeamInbox.objects.all().filter(team=team).delete()
    data |= {"team": team.pk, "name": "Sales", "slug": "acme-support", "is_on": "on"}

    assert "has this address" in pat.post(f"{INBOXES}add/", data).content.decode()
    data |= {"slug": "sales", "auto_close_hours": 24}
    assert pat.post(f"{INBOXES}add/", data).status_code == 302

    inbox = TeamInbox.objects.get(team=team)
    assert inbox.account == acme.account
    assert inbox.auto_close_since is not None
    assert last_line().action == "teaminbox_added"


def test_an_inbox_keeps_its_team(acme: Company, pat: Client) -> None:
    enter_for_support(acme, User.objects.get(name="Pat Partner"))
    other = make_inbox(acme.account, "Other").team
    page = pat.get(f"{INBOXES}{acme.inbox.pk}/change/")
    form = page.context["adminform"].form
    data = {name: form.get_initial_for_field(f, name) for name, f in form.fields.items()}
    data = {name: value for name, value in data.items() if value not in (None, False)}

    answer = pat.post(f"{INBOXES}{acme.inbox.pk}/change/", {**data, "team": other.pk, "name": "X"})

    assert answer.status_code == 302
    assert TeamInbox.objects.get(team=acme.inbox.team_id).name == "X"
    assert TeamInbox.objects.count() == 2
