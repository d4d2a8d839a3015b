"""Are numbers and Twilio accounts set up safely, with addresses that can be copied?"""

from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, Feature, FeatureGrant, TwilioAccount
from inbox.models import Sender
from inbox.status_urls import fallback_url, sender_status_url, webhook_url
from tests.admin_world import (
    Company,
    browser_of,
    enter_for_support,
    make_company,
    make_partner_user,
)
from tests.carrier import Twilio
from tests.factories import make_inbox, make_sender
from tests.inbox.setup.twilio_world import KEY, KEY_SECRET, NEXT, SID, TOKEN, world

LIST = "/admin/inbox/sender/"


@pytest.fixture
def acme(db: None) -> Company:
    return make_company("Acme", "Northwind", n=1)


@pytest.fixture
def umbrella(db: None) -> Company:
    return make_company("Umbrella", "Southridge", n=2)


@pytest.fixture
def pat(acme: Company) -> Client:
    """Pat is in Acme for support: how it is set up is its own affair otherwise."""
    user = make_partner_user(acme.partner)
    enter_for_support(acme, user)
    return browser_of(user)


def form_for(company: Company, **fields: Any) -> dict[str, Any]:
    return {
        "inbox": company.inbox.pk,
        "twilio_account": company.sender.twilio_account_id,
        "kind": "number",
        "address": "+15550177777",
        "keyword_handler": "twilio_default",
        **fields,
    }


def test_a_number_is_added_to_the_account_of_its_inbox(acme: Company, pat: Client) -> None:
    answer = pat.post(f"{LIST}add/", form_for(acme))

    sender = Sender.objects.get(address="+15550177777")
    assert answer.status_code == 302
    assert sender.account == acme.account
    assert AuditEntry.objects.get(action="sender_added").account == acme.account


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"address": "0155 5017"}, "starts with + and its country"),
        ({"kind": "whatsapp", "address": "+15550177777"}, "looks like whatsapp:+"),
        ({"kind": "service", "address": "MG1"}, "MG and 32 characters"),
        ({"kind": "short_code", "address": "12"}, "three to eight digits"),
    ],
)
def test_an_address_of_the_wrong_shape_is_refused(
    acme: Company, pat: Client, fields: dict[str, str], words: str
) -> None:
    answer = pat.post(f"{LIST}add/", form_for(acme, **fields))

    assert words in answer.content.decode()


def test_a_number_in_use_elsewhere_is_refused(
    acme: Company, umbrella: Company, pat: Client
) -> None:
    answer = pat.post(f"{LIST}add/", form_for(acme, address=umbrella.sender.address))

    assert "in use in another Twilio account" in answer.content.decode()
    assert Sender.objects.filter(address=umbrella.sender.address).count() == 1


def test_inbox_and_twilio_account_must_be_of_one_account(acme: Company, pat: Client) -> None:
    second = make_company("Second", "Northwind", n=3)

    answer = pat.post(f"{LIST}add/", form_for(acme, twilio_account=second.sender.twilio_account_id))

    assert list(answer.context["adminform"].form.errors) == ["twilio_account"]
    assert not Sender.objects.filter(address="+15550177777").exists()


def test_the_page_shows_what_to_enter_at_twilio(acme: Company, pat: Client) -> None:
    urls = [f(acme.sender) for f in (webhook_url, fallback_url, sender_status_url)]

    for path in (
        f"{LIST}{acme.sender.pk}/change/",
        f"/admin/accounts/twilioaccount/{acme.sender.twilio_account_id}/change/",
    ):
        page = pat.get(path).content.decode()
        for url in urls:
            assert f"<code>{url}</code>" in page


def test_the_path_token_cannot_be_typed(acme: Company, pat: Client) -> None:
    unused = make_sender(make_inbox(acme.account, "New"), "+15550123456")
    before = unused.path_token

    pat.post(
        f"{LIST}{unused.pk}/change/",
        form_for(
            acme,
            inbox=unused.inbox_id,
            twilio_account=unused.twilio_account_id,
            address=unused.address,
            path_token="guessable",
            is_paused="on",
        ),
    )

    unused.refresh_from_db()
    assert unused.is_paused
    assert unused.path_token == before


def test_where_a_used_number_belongs_is_fixed(acme: Company, pat: Client) -> None:
    other = make_inbox(acme.account, "Other")

    pat.post(
        f"{LIST}{acme.sender.pk}/change/",
        form_for(acme, inbox=other.pk, address="+15550111111", is_paused="on"),
    )

    sender = Sender.objects.get(pk=acme.sender.pk)
    assert sender.is_paused
    assert (sender.inbox, sender.address) == (acme.inbox, acme.sender.address)


def test_new_addresses_are_made_after_a_confirmation(acme: Company, pat: Client) -> None:
    old = acme.sender.path_token
    url = f"{LIST}renew-addresses/?ids={acme.sender.pk}"
    assert "the old ones are refused" in pat.get(url).content.decode()
    assert Sender.objects.get(pk=acme.sender.pk).path_token == old

    answer = pat.post(url, follow=True)

    new = Sender.objects.get(pk=acme.sender.pk).path_token
    assert new != old
    assert new in answer.content.decode()
    line = AuditEntry.objects.get(action="sender_addresses_renewed")
    assert (line.actor_label, line.subject) == ("Pat Partner", acme.sender.address)
    assert line.data["changes"] == {"path_token": {"before": "set", "after": "another one"}}
    assert new not in str(line.data)
    assert old not in str(line.data)


def test_addresses_of_others_are_not_renewed(umbrella: Company, pat: Client) -> None:
    old = umbrella.sender.path_token

    pat.post(f"{LIST}renew-addresses/?ids={umbrella.sender.pk}")

    assert Sender.objects.get(pk=umbrella.sender.pk).path_token == old


def test_a_used_twilio_account_cannot_be_deleted(acme: Company, pat: Client) -> None:
    pk = acme.sender.twilio_account_id

    pat.post(f"/admin/accounts/twilioaccount/{pk}/delete/", {"post": "yes"})

    assert TwilioAccount.objects.filter(pk=pk).exists()


# --- What Twilio says ----------------------------------------------------------------------------


def connect(acme: Company, pat: Client, **fields: str) -> str:
    """Add a Twilio account in the admin; return what the page says."""
    data = {"account": acme.account.pk, "account_sid": SID, "new_auth_token": TOKEN, **fields}
    return pat.post("/admin/accounts/twilioaccount/add/", data, follow=True).content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"new_auth_token": "0" * 32}, "Twilio does not accept this SID together with this token"),
        ({"account_sid": "AC" + "9" * 32}, "Twilio does not accept this SID together"),
        ({"new_auth_token": NEXT}, "This is the secondary token"),
        ({"new_auth_token_next": "0" * 32}, "Twilio does not accept this SID together"),
        ({"new_auth_token": "🔑" * 8}, "Copy it again"),
        ({"api_key_sid": KEY, "new_api_key_secret": "no"}, "does not accept this API key"),
        ({"new_api_key_secret": KEY_SECRET}, "An API key is a SID and a secret"),
    ],
)
def test_what_twilio_refuses_is_not_saved(
    acme: Company, pat: Client, twilio: Twilio, fields: dict[str, str], words: str
) -> None:
    world(twilio, next_auth_token=NEXT)

    page = connect(acme, pat, **fields)

    assert words in page
    assert not TwilioAccount.objects.filter(account_sid__in=[SID, "AC" + "9" * 32]).exists()


def test_what_twilio_accepts_is_saved(acme: Company, pat: Client, twilio: Twilio) -> None:
    world(twilio, next_auth_token=NEXT)

    connect(acme, pat, new_auth_token_next=NEXT, api_key_sid=KEY, new_api_key_secret=KEY_SECRET)

    row = TwilioAccount.objects.get(account_sid=SID)
    assert (row.auth_token, row.auth_token_next, row.api_key_secret) == (TOKEN, NEXT, KEY_SECRET)
    assert row.checked_at is not None


@pytest.mark.parametrize("fault", ["server_error", "rate_limit", "html_after"])
def test_while_twilio_is_away_nothing_is_saved(
    acme: Company, pat: Client, twilio: Twilio, fault: str
) -> None:
    world(twilio)
    twilio.fault(fault, on="accounts GET")

    assert "Nothing was saved." in connect(acme, pat)
    assert not TwilioAccount.objects.filter(account_sid=SID).exists()


def test_a_token_is_not_promoted_before_twilio_signs_with_it(
    acme: Company, pat: Client, twilio: Twilio
) -> None:
    world(twilio, next_auth_token=NEXT)
    connect(acme, pat, new_auth_token_next=NEXT)
    row = TwilioAccount.objects.get(account_sid=SID)
    url = f"/admin/accounts/twilioaccount/promote-token/?ids={row.pk}"

    early = pat.post(url, follow=True).content.decode()
    assert "Twilio still uses the old token" in early
    row.refresh_from_db()
    assert (row.auth_token, row.auth_token_next) == (TOKEN, NEXT)

    twilio.tell("rotate", account_sid=SID)
    pat.post(url)
    row.refresh_from_db()
    assert (row.auth_token, row.auth_token_next) == (NEXT, "")
    assert AuditEntry.objects.get(action="token_promoted").account == acme.account


def test_nobody_asks_twilio_about_somebody_elses_account(
    umbrella: Company, pat: Client, twilio: Twilio
) -> None:
    row = umbrella.sender.twilio_account

    answer = pat.post(
        f"/admin/accounts/twilioaccount/{row.pk}/change/", {"new_auth_token": "0" * 32}
    )

    assert answer.status_code in (302, 403, 404)
    assert twilio.ask("requests")["requests"] == []


# --- Which senders -------------------------------------------------------------------------------


def test_without_the_grant_there_is_no_whatsapp_sender(acme: Company, pat: Client) -> None:
    FeatureGrant.objects.filter(account=acme.account, feature=Feature.WHATSAPP).delete()
    form = form_for(acme, kind="whatsapp", address="whatsapp:+15550177777")

    page = pat.post(f"{LIST}add/", form).content.decode()

    assert "WhatsApp is off for this account. Switch it on first, under Feature grants." in page
    assert not Sender.objects.filter(kind="whatsapp").exists()


def test_with_the_grant_there_is_one(acme: Company, pat: Client) -> None:
    pat.post(f"{LIST}add/", form_for(acme, kind="whatsapp", address="whatsapp:+15550177777"))

    assert Sender.objects.get(kind="whatsapp").account == acme.account


def test_a_number_that_another_account_gave_back_can_be_added(
    acme: Company, umbrella: Company, pat: Client
) -> None:
    Sender.objects.filter(pk=umbrella.sender.pk).update(removed_at=umbrella.sender.created_at)

    pat.post(f"{LIST}add/", form_for(acme, address=umbrella.sender.address))

    assert Sender.objects.in_use().get(address=umbrella.sender.address).account == acme.account


def test_a_short_code_may_be_another_ones_in_another_country(
    acme: Company, umbrella: Company, pat: Client
) -> None:
    make_sender(
        umbrella.inbox, "38438", twilio_account=umbrella.sender.twilio_account, kind="short_code"
    )

    pat.post(f"{LIST}add/", form_for(acme, kind="short_code", address="38438"))

    assert Sender.objects.filter(address="38438").count() == 2


def test_a_service_is_known_by_its_own_sid(acme: Company, pat: Client) -> None:
    sid = "MG" + "c" * 32

    pat.post(f"{LIST}add/", form_for(acme, kind="service", address=sid))

    assert Sender.objects.get(kind="service").messaging_service_sid == sid
