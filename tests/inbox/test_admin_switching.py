"""Does the admin say what would close, for whom, and who waits, before an inbox or number goes?"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry
from inbox.models import Conversation, Message, TeamInbox
from tests.admin_world import (
    Company,
    browser_of,
    enter_for_support,
    make_company,
    make_partner_user,
)
from tests.carrier import Twilio

INBOXES, SENDERS = "/admin/inbox/teaminbox/", "/admin/inbox/sender/"


@pytest.fixture
def acme(db: None, twilio: Twilio) -> Company:
    """Sue owns a conversation whose customer waits, and an answer is on its way."""
    acme = make_company("Acme", "Northwind", n=1)
    conversation = Conversation.objects.get(account=acme.account)
    Conversation.objects.filter(pk=conversation.pk).update(waiting_since=conversation.opened_at)
    message = Message.objects.filter(account=acme.account).order_by("-pk")[0]
    Message.objects.filter(pk=message.pk).update(
        direction="out", status="queued", author=acme.sue, conversation=conversation
    )
    return acme


@pytest.fixture
def pat(acme: Company) -> Client:
    """A partner who is in the account for support."""
    user = make_partner_user(acme.partner)
    enter_for_support(acme, user)
    return browser_of(user)


def foretold(page: Any) -> tuple[str, int, int, int, list[str]]:
    """Return what a page says that would happen."""
    [preview] = page.context["previews"]
    assert preview.headline in page.text
    losers = [loss.name for loss in preview.losses]
    assert all(name in page.text for name in losers)
    return (
        preview.headline,
        preview.conversations,
        preview.waiting,
        preview.queued,
        losers,
    )


def test_an_inbox_is_switched_off_after_a_look_and_on_again(acme: Company, pat: Client) -> None:
    url = f"{INBOXES}switch-off/?ids={acme.inbox.pk}"

    looked = pat.get(url)
    assert foretold(looked) == ("Acme Support is off.", 1, 1, 1, ["Sue of Acme", "Alice of Acme"])
    assert TeamInbox.objects.get(pk=acme.inbox.pk).is_on
    pat.post(url)

    assert not TeamInbox.objects.get(pk=acme.inbox.pk).is_on
    line = AuditEntry.objects.get(action="inbox_turned_off")
    assert line.data["changes"]["is_on"] == {"before": True, "after": False}
    pat.post(f"{INBOXES}switch-on/?ids={acme.inbox.pk}")
    assert TeamInbox.objects.get(pk=acme.inbox.pk).is_on
    line = AuditEntry.objects.get(action="inbox_turned_on")
    assert line.data["changes"]["is_on"] == {"before": False, "after": True}
    assert pat.post(f"{INBOXES}switch-on/?ids={acme.inbox.pk}").status_code == 302
    assert AuditEntry.objects.filter(action="inbox_turned_on").count() == 1, "it is on"


def test_from_outside_nothing_is_switched_off(acme: Company) -> None:
    peer = browser_of(make_partner_user(acme.partner, "peer@partner.example"))

    for url in (
        f"{INBOXES}switch-off/?ids={acme.inbox.pk}",
        f"{SENDERS}remove/?ids={acme.sender.pk}",
    ):
        assert "Enter the account for support first" in peer.post(url, follow=True).text

    acme.sender.refresh_from_db()
    assert not acme.sender.is_removed
    assert TeamInbox.objects.get(pk=acme.inbox.pk).is_on


def test_no_form_switches_an_inbox_off_in_passing(acme: Company, pat: Client) -> None:
    url = f"{INBOXES}{acme.inbox.pk}/change/"
    form = pat.get(url).context["adminform"].form
    data = {name: form.get_initial_for_field(f, name) for name, f in form.fields.items()}
    data = {name: value for name, value in data.items() if value not in (None, False)}

    answer = pat.post(url, {**data, "name": "Renamed", "is_on": ""})

    assert answer.status_code == 302
    inbox = TeamInbox.objects.get(pk=acme.inbox.pk)
    assert (inbox.name, inbox.is_on) == ("Renamed", True)


def test_a_number_is_removed_after_a_look(acme: Company, pat: Client) -> None:
    url = f"{SENDERS}remove/?ids={acme.sender.pk}"

    headline, *said = foretold(pat.get(url))
    assert headline == "+15550100001 no longer belongs to Acme Support."
    assert said == [1, 1, 1, ["Sue of Acme"]]
    pat.post(url)

    acme.sender.refresh_from_db()
    assert acme.sender.is_removed
    assert Message.objects.filter(status="canceled", error_code="SENDER_REMOVED").count() == 1
    assert AuditEntry.objects.get(action="number_removed").data["cancelled"] == 1
    assert "None of these can be done now." in pat.post(url, follow=True).text


def test_what_twilio_does_not_do_holds_a_removal_not_up(
    acme: Company, pat: Client, twilio: Twilio
) -> None:
    page = pat.post(f"{SENDERS}remove/?ids={acme.sender.pk}", {"gives_back": "on"}, follow=True)

    assert "was not put back at Twilio" in page.text
    acme.sender.refresh_from_db()
    assert acme.sender.is_removed


def test_deleting_a_number_says_first_what_hangs_on_it(acme: Company, pat: Client) -> None:
    looked = pat.get(f"{SENDERS}{acme.sender.pk}/delete/")

    assert foretold(looked)[1:4] == (1, 1, 1)
    assert "Cannot delete sender" in looked.text, "it was used"
