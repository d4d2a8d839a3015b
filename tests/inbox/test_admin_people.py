"""Are people and seats looked after with words, audit lines, and nothing left behind?"""

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from accounts.models import (
    AuditEntry,
    FeatureGrant,
    License,
    LicensePool,
    Membership,
    User,
)
from inbox.models import Conversation, ConversationEvent, TeamInbox
from tests.admin_world import Company, browser_of, make_company, make_partner_user, make_staff
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
def test_removing_a_licence_gives_back_conversations(
    acme: Company, pat: Client, after_commit: Any, how: str
) -> None:
    seat = License.objects.get(holder=acme.sue)
    assert owned_by(acme.sue)

    with after_commit():
        if how == "page":
            answer = pat.post(f"{LICENSES}{seat.pk}/delete/", {"post": "yes"}, follow=True)
        else:
            data = {"action": "delete_selected", "_selected_action": [seat.pk], "post": "yes"}
            answer = pat.post(LICENSES, data, follow=True)

    assert answer.status_code == 200
    released(acme, "the licence ended")
    assert last_line().action == "license_deleted"
    assert last_line().data["values"]["holder"] == "Sue of Acme"


def test_ending_a_licence_gives_back_conversations(
    acme: Company, pat: Client, after_commit: Any
) -> None:
    seat = License.objects.get(holder=acme.sue)

    with after_commit():
        pat.post(f"{LICENSES}{seat.pk}/change/", when("ends_at", timezone.now()))

    released(acme, "the licence ended")


def test_a_licence_that_goes_on_or_a_second_one_keeps_conversations(
    acme: Company, pat: Client, after_commit: Any
) -> None:
    seat = License.objects.get(holder=acme.sue)
    later = timezone.now() + timedelta(days=30)

    with after_commit():
        pat.post(f"{LICENSES}{seat.pk}/change/", when("ends_at", later))
    assert owned_by(acme.sue)

    License.objects.create(pool=seat.pool, holder=acme.sue, starts_at=seat.starts_at)
    with after_commit():
        pat.post(f"{LICENSES}{seat.pk}/delete/", {"post": "yes"})
    assert owned_by(acme.sue)


def test_ending_a_pool_gives_back_conversations(
    acme: Company, pat: Client, after_commit: Any
) -> None:
    pool = LicensePool.objects.get(account=acme.account)
    data = {"seats": 100, **when("starts_at", pool.starts_at)}

    with after_commit():
        pat.post(f"{POOLS}{pool.pk}/change/", {**data, **when("ends_at", timezone.now())})

    released(acme, "the licence ended")


def test_a_pool_with_licences_cannot_be_deleted(acme: Company, root: Client) -> None:
    pool = LicensePool.objects.get(account=acme.account)

    assert root.post(f"{POOLS}{pool.pk}/delete/", {"post": "yes"}).status_code == 403
    data = {"action": "delete_selected", "_selected_action": [pool.pk], "post": "yes"}
    root.post(POOLS, data)

    assert LicensePool.objects.filter(pk=pool.pk).exists()


@pytest.mark.parametrize("how", ["page", "list"])
def test_removing_a_member_gives_back_conversations(
    acme: Company, pat: Client, after_commit: Any, how: str
) -> None:
    part = Membership.objects.get(user=acme.sue)

    with after_commit():
        if how == "page":
            pat.post(f"{MEMBERSHIPS}{part.pk}/delete/", {"post": "yes"})
        else:
            data = {"action": "delete_selected", "_selected_action": [part.pk], "post": "yes"}
            pat.post(MEMBERSHIPS, data)

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

    with after_commit():
        pat.post(f"{MEMBERSHIPS}{part.pk}/change/", {"role": "observer"})
    released(acme, "left a team")


def test_deactivating_a_person_gives_back_conversations(
    acme: Company, pat: Client, after_commit: Any
) -> None:
    with after_commit():
        answer = pat.post(
            f"{USERS}{acme.sue.pk}/change/", {"name": "Sue", "role": "member"}, follow=True
        )

    assert not User.objects.get(pk=acme.sue.pk).is_active
    released(acme, "log-in switched off")
    said = [str(message) for message in answer.context["messages"]]
    assert last_line().action == "deactivated"
    assert said


@pytest.mark.django_db(transaction=True)
def test_conversations_go_back_with_real_commits() -> None:
    """The story opens its own durable transactions: it must run after ours."""
    company = make_company("Acme", "Northwind", n=1)
    seat = License.objects.get(holder=company.sue)

    answer = browser_of(make_staff()).post(
        f"{LICENSES}{seat.pk}/delete/", {"post": "yes"}, follow=True
    )

    released(company, "the licence ended")
    said = [str(message) for message in answer.context["messages"]]
    assert "Conversations of Sue of Acme that went back to their teams: 1." in said


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


def test_a_partner_cannot_take_over_a_login(acme: Company, pat: Client) -> None:
    before = User.objects.get(pk=acme.alice.pk)
    data = {"name": "Alice", "role": "auditor", "is_active": "on", "email": "mine@example.com"}

    assert pat.post(f"{USERS}{acme.alice.pk}/change/", data).status_code == 302
    password = {"password1": PASSWORD * 2, "password2": PASSWORD * 2}
    answer = pat.post(f"{USERS}{acme.alice.pk}/password/", password)

    user = User.objects.get(pk=acme.alice.pk)
    assert answer.status_code == 403
    assert (user.name, user.role) == ("Alice", "auditor")
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
    data = {"email": me.email, "name": "Rita", "role": "staff"}

    page = root.post(f"{USERS}{me.pk}/change/", data).content.decode()

    assert "You cannot deactivate yourself." in page
    assert User.objects.get(pk=me.pk).is_active


def test_nobody_is_deleted(acme: Company, root: Client) -> None:
    assert root.post(f"{USERS}{acme.alice.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=acme.alice.pk).exists()


# --- Seats, teams and features -------------------------------------------------------------------


def test_a_seat_goes_to_people_of_the_account_while_there_are_seats(
    acme: Company, pat: Client
) -> None:
    pool = LicensePool.objects.get(account=acme.account)
    nora = make_user(acme.account, "Nora", is_licensed=False)
    stranger = make_user(make_company("Second", "Northwind", n=3).account, is_licensed=False)
    start = when("starts_at", timezone.now())

    def give(user: User) -> str:
        data = {"pool": pool.pk, "holder": user.pk, **start}
        return str(pat.post(f"{LICENSES}add/", data, follow=True).content.decode())

    assert "but these seats to Acme" in give(stranger)
    assert "has a licence at that time already" in give(acme.alice)
    LicensePool.objects.filter(pk=pool.pk).update(seats=2)
    assert "All 2 seats are taken" in give(nora)
    LicensePool.objects.filter(pk=pool.pk).update(seats=3)
    give(nora)
    assert License.objects.filter(holder=nora).count() == 1
    assert last_line().action == "license_added"
    assert last_line().account == acme.account


def test_fewer_seats_than_taken_are_refused(acme: Company, pat: Client) -> None:
    pool = LicensePool.objects.get(account=acme.account)
    data = {"seats": 1, **when("starts_at", pool.starts_at)}

    page = pat.post(f"{POOLS}{pool.pk}/change/", data).content.decode()

    assert "2 seats are taken" in page


def test_a_team_takes_people_of_its_account(acme: Company, pat: Client) -> None:
    second = make_company("Second", "Northwind", n=3)
    data = {"team": acme.inbox.team_id, "role": "agent"}

    page = pat.post(f"{MEMBERSHIPS}add/", {**data, "user": second.alice.pk}).content.decode()
    assert "but this team to Acme" in page

    nora = make_user(acme.account, "Nora")
    pat.post(f"{MEMBERSHIPS}add/", {**data, "user": nora.pk})
    assert last_line().action == "membership_added"
    assert (last_line().actor_label, last_line().account) == ("Pat Partner", acme.account)


def test_a_feature_is_switched_on_and_off_with_a_line_each(acme: Company, pat: Client) -> None:
    data = {"account": acme.account.pk, "feature": "custom_routing", "reason": "Order 7"}
    data |= when("starts_at", timezone.now() - timedelta(hours=1))

    pat.post(f"{GRANTS}add/", data)
    grant = FeatureGrant.objects.get(feature="custom_routing")
    assert grant.granted_by is not None
    assert grant.granted_by.name == "Pat Partner"
    assert last_line().action == "featuregrant_added"
    assert last_line().data["values"]["reason"] == "Order 7"

    twice = pat.post(f"{GRANTS}add/", data).content.decode()
    assert "on at that time already" in twice

    pat.post(f"{GRANTS}end/?ids={grant.pk}")
    grant.refresh_from_db()
    assert grant.ends_at is not None
    assert grant.ends_at <= timezone.now()
    assert last_line().action == "featuregrant_ended"
    assert pat.post(f"{GRANTS}{grant.pk}/delete/", {"post": "yes"}).status_code == 403


def test_an_end_before_the_beginning_is_refused_in_words(acme: Company, pat: Client) -> None:
    data = {"account": acme.account.pk, "feature": "custom_routing"}
    data |= when("starts_at", timezone.now())
    data |= when("ends_at", timezone.now() - timedelta(days=1))

    page = pat.post(f"{GRANTS}add/", data).content.decode()

    assert "It must end after it starts." in page
    assert "Constraint" not in page


def test_a_team_gets_its_inbox(acme: Company, pat: Client) -> None:
    page = pat.get(f"{INBOXES}add/")
    blank = page.context["adminform"].form
    data = {name: field.initial for name, field in blank.fields.items() if field.initial}
    team = make_inbox(acme.account, "Sales").team
    TeamInbox.objects.all().filter(team=team).delete()
    data |= {"team": team.pk, "name": "Sales", "slug": "acme-support", "is_on": "on"}

    assert "has this address" in pat.post(f"{INBOXES}add/", data).content.decode()
    data |= {"slug": "sales", "first_reply": "ever", "first_reply_text": " "}
    assert "Write what the first reply says" in pat.post(f"{INBOXES}add/", data).content.decode()
    data |= {"first_reply": "off", "auto_close_hours": 24}
    assert pat.post(f"{INBOXES}add/", data).status_code == 302

    inbox = TeamInbox.objects.get(team=team)
    assert inbox.account == acme.account
    assert inbox.auto_close_since is not None
    assert last_line().action == "teaminbox_added"


def test_an_inbox_keeps_its_team(acme: Company, pat: Client) -> None:
    other = make_inbox(acme.account, "Other").team
    page = pat.get(f"{INBOXES}{acme.inbox.pk}/change/")
    form = page.context["adminform"].form
    data = {name: form.get_initial_for_field(f, name) for name, f in form.fields.items()}
    data = {name: value for name, value in data.items() if value not in (None, False)}

    answer = pat.post(f"{INBOXES}{acme.inbox.pk}/change/", {**data, "team": other.pk, "name": "X"})

    assert answer.status_code == 302
    assert TeamInbox.objects.get(team=acme.inbox.team_id).name == "X"
    assert TeamInbox.objects.count() == 2
