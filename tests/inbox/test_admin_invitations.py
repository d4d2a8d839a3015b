"""Do partners invite account admins of their accounts, and see and end what is theirs?"""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, BrowserSession, Invitation, SignOn, User
from tests.admin_world import Company, browser_of, make_company, make_partner_user, make_staff

INVITATIONS = "/admin/accounts/invitation/"
SESSIONS = "/admin/accounts/browsersession/"
SIGN_ONS = "/admin/accounts/signon/"


@pytest.fixture
def acme(db: None) -> Company:
    return make_company("Acme", "Northwind", n=1)


@pytest.fixture
def umbrella(db: None) -> Company:
    return make_company("Umbrella", "Southridge", n=2)


@pytest.fixture
def pat(acme: Company) -> Client:
    return browser_of(make_partner_user(acme.partner))


def test_a_partner_invites_an_account_admin(acme: Company, pat: Client) -> None:
    data = {"account": acme.account.pk, "email": "Ada@Acme.com", "name": "Ada", "role": "auditor"}

    answer = pat.post(f"{INVITATIONS}add/", data)

    row = Invitation.objects.get(email="ada@acme.com")
    assert answer.status_code == 302
    assert (row.role, row.account, row.name) == ("account_admin", acme.account, "Ada")
    assert row.send_after is not None
    line = AuditEntry.objects.get(action="invited")
    assert (line.subject, line.actor_label) == ("ada@acme.com", "Pat Partner")


def test_asking_twice_renews_and_who_is_here_is_said(acme: Company, pat: Client) -> None:
    data = {"account": acme.account.pk, "email": "ada@acme.com", "name": ""}
    pat.post(f"{INVITATIONS}add/", data)

    again = pat.post(f"{INVITATIONS}add/", data, follow=True)
    here = pat.post(f"{INVITATIONS}add/", {**data, "email": acme.alice.email.upper()})

    assert "They were invited before" in again.content.decode()
    assert Invitation.objects.filter(email="ada@acme.com").count() == 1
    assert "a person of this account already" in here.content.decode()


def test_a_partner_invites_to_no_other_account(
    acme: Company, umbrella: Company, pat: Client
) -> None:
    data = {"account": umbrella.account.pk, "email": "ada@acme.com", "name": ""}

    answer = pat.post(f"{INVITATIONS}add/", data)

    assert answer.status_code == 200
    assert not Invitation.objects.filter(email="ada@acme.com").exists()


@pytest.mark.parametrize("email", ["", "x", "a@b", "a" * 300 + "@acme.com"])
def test_no_address_is_refused_in_words(acme: Company, pat: Client, email: str) -> None:
    data = {"account": acme.account.pk, "email": email, "name": "x" * 1000}

    assert pat.post(f"{INVITATIONS}add/", data).status_code == 200
    assert Invitation.objects.count() == 1


def test_an_invitation_is_sent_again_and_taken_back(acme: Company, pat: Client) -> None:
    row = Invitation.objects.get()

    pat.post(f"{INVITATIONS}again/?ids={row.pk}")
    row.refresh_from_db()
    assert (row.token_hash, row.send_after is None) == ("", False)
    pat.post(f"{INVITATIONS}revoke/?ids={row.pk}")
    row.refresh_from_db()
    assert row.revoked_at is not None
    assert row.send_after is None


def test_nobody_acts_on_invitations_of_others(
    acme: Company, umbrella: Company, pat: Client
) -> None:
    row = Invitation.objects.get(account=umbrella.account)

    pat.post(f"{INVITATIONS}revoke/?ids={row.pk}")

    row.refresh_from_db()
    assert row.revoked_at is None


def test_staff_end_a_session_and_its_key_is_nowhere(acme: Company, pat: Client) -> None:
    root = browser_of(make_staff())
    row = BrowserSession.objects.get(user=acme.alice)

    page = root.get(f"{SESSIONS}{row.pk}/change/").content.decode()
    root.post(f"{SESSIONS}end/?ids={row.pk}")

    assert row.key_hash not in page
    assert not BrowserSession.objects.filter(user=acme.alice).exists()
    assert AuditEntry.objects.get(action="session_ended").subject == "Alice of Acme"
    assert pat.get(SESSIONS).status_code == 403


def test_a_partner_opens_other_ways_in_when_an_issuer_is_down(
    acme: Company, umbrella: Company, pat: Client
) -> None:
    SignOn.objects.update(is_only_way=True, proved_at=timezone.now())
    mine, theirs = (SignOn.objects.get(account=one.account) for one in (acme, umbrella))

    page = pat.get(f"{SIGN_ONS}{mine.pk}/change/").content.decode()
    pat.post(f"{SIGN_ONS}allow-others/?ids={mine.pk}&ids={theirs.pk}")

    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.is_only_way, theirs.is_only_way) == (False, True)
    assert "5ec2e7" not in page
    assert AuditEntry.objects.get(action="sign_on_changed").account == acme.account


def test_staff_deactivate_no_last_admin(acme: Company) -> None:
    User.objects.filter(pk=acme.alice.pk).update(role="account_admin")
    root = browser_of(make_staff())
    users = "/admin/accounts/user/"
    data = {"email": acme.alice.email, "name": "Alice", "role": "member"}

    gone = root.post(f"{users}deactivate/?ids={acme.alice.pk}", follow=True).content.decode()
    demoted = root.post(f"{users}{acme.alice.pk}/change/", data).content.decode()

    assert "is the last account admin" in gone
    assert "This is the last account admin" in demoted
    alice = User.objects.get(pk=acme.alice.pk)
    assert (alice.role, alice.is_active) == ("account_admin", True)
