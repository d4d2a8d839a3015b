"""Can a stray message be given its sender, and a failed one be tried again, by the right people?"""

import pytest
from django.test import Client

from accounts.models import AuditEntry
from inbox.models import Message, Receipt
from tests.admin_world import (
    NOW,
    Company,
    browser_of,
    make_company,
    make_partner_user,
    make_staff,
    sings,
    take_in,
)
from tests.factories import make_sender

LIST = "/admin/inbox/receipt/"
ATTACH = f"{LIST}attach/"
RETRY = f"{LIST}retry/"
State = Receipt.State


@pytest.fixture
def acme(db: None) -> Company:
    return make_company("Acme", "Northwind", n=1)


@pytest.fixture
def umbrella(db: None) -> Company:
    return make_company("Umbrella", "Southridge", n=2)


@pytest.fixture
def pat(acme: Company) -> Client:
    return browser_of(make_partner_user(acme.partner))


def stray(company: Company) -> Receipt:
    return Receipt.objects.get(account=company.account, state=State.QUARANTINED)


def words_of(client: Client, path: str, data: dict[str, object]) -> list[str]:
    answer = client.post(path, data, follow=True)
    return [str(message) for message in answer.context["messages"]]


def test_the_list_filters_quarantine_and_its_action_opens_the_page(
    acme: Company, pat: Client
) -> None:
    receipt = stray(acme)

    listed = pat.get(LIST, {"state__exact": "quarantined"})
    chosen = pat.post(LIST, {"action": "attach", "_selected_action": [receipt.pk], "index": "0"})

    assert [row.pk for row in listed.context["cl"].result_list] == [receipt.pk]
    assert chosen.headers["Location"] == f"{ATTACH}?ids={receipt.pk}"


def test_a_stray_message_says_where_it_went_but_not_who_wrote_what(
    acme: Company, pat: Client
) -> None:
    page = pat.get(f"{LIST}{stray(acme).pk}/change/").content.decode()

    assert "+15550999999" in page
    assert "…01" in page
    assert f"{ATTACH}?ids=" in page
    assert RETRY not in page
    assert sings(page) == []


def test_attaching_tells_the_story_of_the_message(acme: Company, pat: Client) -> None:
    receipt = stray(acme)
    url = f"{ATTACH}?ids={receipt.pk}"
    page = pat.get(url)
    assert sings(page.content) == []
    assert acme.sender.address in page.content.decode()

    said = words_of(pat, url, {"sender": acme.sender.pk})

    receipt.refresh_from_db()
    assert (receipt.state, receipt.sender) == (State.DONE, acme.sender)
    assert said == ["Processed: 1."]
    message = Message.objects.get(provider_sid=receipt.message_sid)
    assert (message.body, message.thread.sender) == ("canary stray", acme.sender)
    line = AuditEntry.objects.get(action="receipt_attached")
    assert (line.actor_label, line.account) == ("Pat Partner", acme.account)
    assert line.data["changes"] == {"sender": {"before": None, "after": acme.sender.address}}


def test_the_sender_with_the_address_is_proposed(acme: Company, pat: Client) -> None:
    new = make_sender(acme.inbox, "+15550999999", twilio_account=acme.sender.twilio_account)

    page = pat.get(f"{ATTACH}?ids={stray(acme).pk}")

    assert page.context["form"].initial["sender"] == new


def test_a_sender_of_another_twilio_account_is_refused(
    acme: Company, umbrella: Company, pat: Client
) -> None:
    other = make_sender(acme.inbox, "+15550108888")  # Same account, another Twilio account.
    url = f"{ATTACH}?ids={stray(acme).pk}"

    for sender in (other, umbrella.sender):
        answer = pat.post(url, {"sender": sender.pk})
        assert "not one of the available choices" in answer.content.decode()

    assert stray(acme).sender is None


def test_messages_of_two_twilio_accounts_are_refused(acme: Company, umbrella: Company) -> None:
    root = browser_of(make_staff())
    url = f"{ATTACH}?ids={stray(acme).pk}&ids={stray(umbrella).pk}"

    assert words_of(root, url, {"sender": acme.sender.pk}) == [
        "Choose messages of one Twilio account."
    ]
    assert stray(acme).sender is None


def test_only_what_is_in_quarantine_is_attached(acme: Company, pat: Client) -> None:
    done = Receipt.objects.filter(account=acme.account, state=State.DONE)[0]

    said = words_of(pat, f"{ATTACH}?ids={done.pk}", {"sender": acme.sender.pk})

    assert said == ["None of these can be done now."]


def test_what_cannot_be_read_stays_and_says_so(acme: Company, pat: Client) -> None:
    receipt = stray(acme)
    Receipt.objects.filter(pk=receipt.pk).update(form=b"Body=no+sender")
    page = pat.get(f"{LIST}{receipt.pk}/change/")
    assert page.status_code == 200

    said = words_of(pat, f"{ATTACH}?ids={receipt.pk}", {"sender": acme.sender.pk})

    assert said == ["Could not be read, still in quarantine: 1."]


def test_a_partner_cannot_touch_receipts_of_others(
    acme: Company, umbrella: Company, pat: Client
) -> None:
    receipt = stray(umbrella)

    for url in (f"{ATTACH}?ids={receipt.pk}", f"{RETRY}?ids={receipt.pk}"):
        assert words_of(pat, url, {"sender": acme.sender.pk}) == ["None of these can be done now."]
        assert pat.get(url, follow=True).redirect_chain == [(LIST, 302)]

    receipt.refresh_from_db()
    assert receipt.state == State.QUARANTINED


@pytest.mark.parametrize("url", [ATTACH, RETRY])
def test_agents_and_auditors_cannot_open_the_pages(acme: Company, url: str) -> None:
    address = f"{url}?ids={stray(acme).pk}"

    assert browser_of(acme.alice).get(address).status_code == 302
    acme.alice.role = "auditor"
    acme.alice.save()
    assert browser_of(acme.alice).get(address).status_code == 403


def test_a_failed_receipt_is_tried_again_at_once(acme: Company, pat: Client) -> None:
    receipt = take_in(acme.sender, "+14155550001", "canary again")
    Message.objects.filter(provider_sid=receipt.message_sid).update(provider_sid=None)
    Receipt.objects.filter(pk=receipt.pk).update(
        state=State.FAILED, attempts=3, problem="ValueError", done_at=None, next_attempt_at=NOW
    )
    page = pat.get(f"{LIST}{receipt.pk}/change/").content.decode()
    assert f"{RETRY}?ids={receipt.pk}" in page

    said = words_of(pat, f"{RETRY}?ids={receipt.pk}", {})

    receipt.refresh_from_db()
    assert (receipt.state, receipt.attempts) == (State.DONE, 4)
    assert said == ["Processed: 1."]
    assert AuditEntry.objects.filter(action="receipt_retried").count() == 1


def test_looking_at_the_page_changes_nothing(acme: Company, pat: Client) -> None:
    pat.get(f"{ATTACH}?ids={stray(acme).pk}")

    assert stray(acme).sender is None
    assert not AuditEntry.objects.filter(action="receipt_attached").exists()


def test_the_pages_take_only_posts_of_their_own_form(acme: Company) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_staff(), backend="accounts.backends.AuthenticationBackend")

    answer = strict.post(f"{ATTACH}?ids={stray(acme).pk}", {"sender": acme.sender.pk})

    assert answer.status_code == 403


@pytest.mark.django_db(transaction=True)
def test_attaching_commits_for_real() -> None:
    """The story opens its own durable transaction: no other may be open around it."""
    company = make_company("Acme", "Northwind", n=1)
    receipt = stray(company)
    root = browser_of(make_staff())

    said = words_of(root, f"{ATTACH}?ids={receipt.pk}", {"sender": company.sender.pk})

    assert said == ["Processed: 1."]
