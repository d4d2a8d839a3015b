"""Does the first page of the admin say what waits, to those who look after it and nobody else?"""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, FeatureGrant, User
from inbox.admin import conversations
from inbox.models import Conversation, Message, Sender, TeamInbox
from tests.admin_world import (
    Company,
    browser_of,
    enter_for_support,
    make_company,
    make_partner_user,
    make_staff,
    sings,
    take_in,
)
from tests.twilio import text_in


@pytest.fixture
def acme(db: None) -> Company:
    return make_company("Acme", "Northwind", n=1)


@pytest.fixture
def umbrella(db: None) -> Company:
    return make_company("Umbrella", "Southridge", n=2)


@pytest.fixture
def pat(acme: Company, umbrella: Company) -> Client:
    """Pat works for the partner of Acme, not for that of Umbrella."""
    return browser_of(make_partner_user(acme.partner))


@pytest.fixture
def quinn(umbrella: Company) -> Client:
    """Quinn works for the partner of Umbrella."""
    return browser_of(make_partner_user(umbrella.partner, "quinn@partner.example"))


def lines(browser: Client) -> list[str]:
    page = browser.get("/admin/")
    assert page.status_code == 200
    assert sings(page.content) == []
    return [line.words for line in page.context["to_do"]]


def line_about(browser: Client, words: str) -> str:
    found = [line for line in lines(browser) if words in line]
    return found[0] if found else ""


def test_quarantine_is_counted_for_the_account_s_partner(
    acme: Company, pat: Client, quinn: Client
) -> None:
    take_in(acme.sender, "+14155550001", "canary stray", to="+15550999998", is_stray=True)

    assert line_about(pat, "In quarantine").endswith(": 2.")
    assert line_about(quinn, "In quarantine").endswith(": 1.")
    assert line_about(browser_of(make_staff()), "In quarantine").endswith(": 3.")


def test_the_line_about_quarantine_leads_to_what_is_in_it(pat: Client) -> None:
    (line,) = [one for one in pat.get("/admin/").context["to_do"] if "quarantine" in one.words]

    listed = pat.get(line.url).context["cl"].queryset

    assert {receipt.state for receipt in listed} == {"quarantined"}


def test_a_paused_sender_is_a_line_with_its_reason_and_a_way_to_resume(
    acme: Company, pat: Client, quinn: Client
) -> None:
    Sender.objects.filter(pk=acme.sender.pk).update(
        is_paused=True, paused_at=timezone.now(), paused_reason="Our token is wrong."
    )
    waiting = Message.objects.filter(thread__sender=acme.sender, status="queued")
    waiting.update(nudge_at=None)

    (line,) = [one for one in pat.get("/admin/").context["to_do"] if "Paused" in one.words]
    assert "Our token is wrong." in line.words
    assert line_about(quinn, "Paused") == ""
    assert "Our token is wrong." in pat.get(line.task_url).content.decode()
    pat.post(line.task_url)

    sender = Sender.objects.get(pk=acme.sender.pk)
    assert (sender.is_paused, sender.paused_at, sender.paused_reason) == (False, None, "")
    resumed = AuditEntry.objects.get(action="sender_resumed")
    assert (resumed.account, resumed.actor_label) == (acme.account, "Pat Partner")
    assert resumed.data["changes"]["is_paused"] == {"before": True, "after": False}
    assert line_about(pat, "Paused") == ""
    assert not waiting.filter(nudge_at=None).exists()


def test_a_partner_cannot_resume_somebody_else_s_sender(umbrella: Company, pat: Client) -> None:
    Sender.objects.filter(pk=umbrella.sender.pk).update(is_paused=True)

    pat.post(f"/admin/inbox/sender/resume/?ids={umbrella.sender.pk}")

    assert Sender.objects.get(pk=umbrella.sender.pk).is_paused


def test_pausing_by_hand_notes_since_when(acme: Company, pat: Client) -> None:
    enter_for_support(acme, User.objects.get(email="pat@partner.example"))
    form = {
        "inbox": acme.inbox.pk,
        "twilio_account": acme.sender.twilio_account_id,
        "kind": "number",
        "address": acme.sender.address,
        "keyword_handler": "twilio_default",
    }
    url = f"/admin/inbox/sender/{acme.sender.pk}/change/"

    pat.post(url, {**form, "is_paused": "on", "paused_reason": "Moving house"})
    assert Sender.objects.get(pk=acme.sender.pk).paused_at is not None
    pat.post(url, {**form, "paused_reason": "Moving house"})

    sender = Sender.objects.get(pk=acme.sender.pk)
    assert (sender.is_paused, sender.paused_at, sender.paused_reason) == (False, None, "")


def test_customers_who_write_while_team_inbox_is_off_are_counted(
    acme: Company, pat: Client, quinn: Client, client: Client
) -> None:
    FeatureGrant.objects.filter(account=acme.account).delete()

    text_in(client, acme.sender, "+14155550123", "Anybody there?")
    text_in(client, acme.sender, "+14155550123", "Hello?")
    text_in(client, acme.sender, "+14155550124", "And me")

    # And the one who waited when it was switched off.
    words = "Team Inbox is off for Acme, but customers wrote and wait: 3."
    assert words in lines(pat)
    assert line_about(quinn, "Acme") == ""


def test_customers_who_write_to_an_inbox_that_is_off_are_counted(
    acme: Company, pat: Client, quinn: Client, client: Client
) -> None:
    TeamInbox.objects.filter(pk=acme.inbox.pk).update(is_on=False)

    text_in(client, acme.sender, "+14155550123", "Anybody there?")

    assert "Acme Support of Acme is off, but customers wrote and wait: 2." in lines(pat)
    assert line_about(quinn, "is off") == ""


def test_the_first_optouttype_is_told_to_the_partner(
    acme: Company, pat: Client, quinn: Client, client: Client
) -> None:
    for words in ("baja", "baja"):
        text_in(client, acme.sender, "+14155550123", words, OptOutType="STOP")

    entry = AuditEntry.objects.get(action="sender_keyword_handler")
    assert (entry.account, entry.actor_label) == (acme.account, "system")
    assert line_about(pat, "Advanced Opt-Out").startswith(f"Acme, {acme.sender.address}:")
    assert line_about(quinn, "Advanced Opt-Out") == ""
    assert "Advanced Opt-Out" in pat.get("/admin/accounts/auditentry/").content.decode()
    assert "Advanced Opt-Out" not in quinn.get("/admin/accounts/auditentry/").content.decode()


def test_where_nothing_waits_there_is_no_list(db: None) -> None:
    page = browser_of(make_staff()).get("/admin/")

    assert page.context["to_do"] == []
    assert 'id="to-do"' not in page.content.decode()


def test_many_accounts_that_are_off_are_a_few_lines(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first page stays one, however many accounts there are."""
    monkeypatch.setattr(conversations, "MOST_LINES", 2)
    for n in range(1, 5):
        make_company(f"Company {n}", "Northwind", n=n)
    FeatureGrant.objects.all().delete()
    Conversation.objects.update(waiting_since=timezone.now())

    told = lines(browser_of(make_staff()))

    assert len([words for words in told if "Team Inbox is off" in words]) == 2
    assert len([words for words in told if "wait at more accounts" in words]) == 1
