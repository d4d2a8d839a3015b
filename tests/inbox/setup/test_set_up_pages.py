"""Do the pages of set-up say what is wrong in words, keep what was typed and save nothing half?"""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, AuditEntry, FeatureGrant, License, Team, TwilioAccount, User
from inbox.models import DriftFinding, Message, Sender, TeamInbox
from inbox.sending import deliver
from inbox.setup.numbers import attach_number
from inbox.status_urls import webhook_url
from routing.models import BusinessHours
from tests.carrier import Twilio
from tests.factories import make_account, make_inbox, make_sender, make_twilio_account, make_user
from tests.inbox.setup.twilio_world import (
    KEY,
    KEY_SECRET,
    NEXT,
    NUMBER,
    OLD,
    OTHER,
    PLATFORM,
    PLATFORM_TOKEN,
    POOLED,
    SERVICE,
    SID,
    TOKEN,
    VOICE,
    Shop,
    world,
)

CONNECTION = "/settings/connection/"
NUMBERS = "/settings/inboxes/support/numbers/"


@pytest.fixture
def ada(shop: Shop, login: Any) -> Client:
    """The browser of the shop's admin."""
    client: Client = login(shop.admin)
    return client


@pytest.fixture
def sender(shop: Shop) -> Sender:
    """A number of the shop."""
    return attach_number(
        inbox=shop.inbox,
        connection=shop.connection,
        address=NUMBER,
        by=shop.admin,
        now=timezone.now(),
    )


def said(answer: Any) -> str:
    return str(answer.content.decode())


# --- Connection ----------------------------------------------------------------------------------


@pytest.fixture
def fresh(twilio: Twilio, login: Any, db: None) -> Client:
    """The browser of an admin whose account has no Twilio yet."""
    world(twilio, next_auth_token=NEXT)
    account = make_account("Acme", deployment="byo_twilio")
    client: Client = login(make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))
    return client


def connect(client: Client, **typed: str) -> Any:
    data = {"do": "connect", "account_sid": SID, "auth_token": TOKEN, **typed}
    return client.post(CONNECTION, data, follow=True)


def test_twilio_is_connected_and_its_secrets_are_never_shown(fresh: Client) -> None:
    page = connect(fresh, auth_token_next=NEXT, api_key_sid=KEY, api_key_secret=KEY_SECRET)

    assert "Your Twilio is connected." in said(page)
    assert "set, ends in …1111" in said(page)
    for secret in (TOKEN, NEXT, KEY_SECRET):
        assert secret not in said(page)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"auth_token": "0" * 32}, "Twilio does not accept this SID together with this token"),
        ({"account_sid": "AC12"}, "A SID is AC and 32 characters"),
        ({"account_sid": ""}, "Copy it from the Twilio console"),
        ({"auth_token": ""}, "Copy it from the Twilio console"),
        ({"api_key_sid": "nonsense"}, "A key is SK and 32 characters"),
        ({"api_key_sid": KEY}, "An API key is a SID and a secret"),
    ],
)
def test_a_wrong_connection_is_said_at_the_field_and_nothing_is_saved(
    fresh: Client, typed: dict[str, str], words: str
) -> None:
    page = connect(fresh, **typed)

    assert page.status_code == 422
    assert words in said(page)
    assert "Not saved. Please look at:" in said(page)
    assert f'value="{typed.get("account_sid", SID)}"' in said(page) or not typed["account_sid"]
    assert TOKEN not in said(page)
    assert not TwilioAccount.objects.exists()


def test_when_twilio_is_away_what_was_typed_is_kept_but_the_secrets(
    fresh: Client, twilio: Twilio
) -> None:
    twilio.fault("server_error", on="accounts GET")

    page = connect(fresh)

    assert "Twilio does not answer right now" in said(page)
    assert "Nothing was saved" in said(page)
    assert f'value="{SID}"' in said(page)
    assert TOKEN not in said(page)
    assert not TwilioAccount.objects.exists()


def test_a_token_is_rotated_on_the_page(shop: Shop, ada: Client) -> None:
    world(shop.twilio, next_auth_token=NEXT)
    this = {"connection": shop.connection.pk}

    page = ada.post(CONNECTION, {"do": "change", "auth_token_next": NEXT, **this}, follow=True)
    assert "Saved: Twilio accepts" in said(page)
    page = ada.post(CONNECTION, {"do": "promote", **this}, follow=True)
    assert "Twilio still uses the old token" in said(page)
    shop.twilio.tell("rotate", account_sid=SID)
    page = ada.post(CONNECTION, {"do": "promote", **this}, follow=True)

    assert "Only the new token counts." in said(page)
    assert TwilioAccount.objects.get().auth_token == NEXT


def test_nothing_can_be_done_to_somebody_elses_connection(shop: Shop, ada: Client) -> None:
    theirs = make_twilio_account(make_account("Umbrella"))

    for do in ("change", "promote", "forget", "check", "nonsense"):
        data = {"do": do, "connection": theirs.pk, "auth_token": "0" * 32}
        assert ada.post(CONNECTION, data).status_code == 404
    for wrong in ("", "x", "9" * 30):
        assert ada.post(CONNECTION, {"do": "check", "connection": wrong}).status_code == 404


def test_the_page_looks_into_twilio_when_asked(shop: Shop, ada: Client) -> None:
    page = said(ada.get(CONNECTION, {"look": "1"}))

    assert "Campaigns" in page
    assert "takes messages to https://pool.example/" in page
    assert "token=secret" not in page


# --- Cloud ---------------------------------------------------------------------------------------


@pytest.fixture
def cloud(twilio: Twilio, login: Any, settings: Any, db: None) -> tuple[Account, Client]:
    world(twilio)
    settings.TWILIO_PLATFORM_SID, settings.TWILIO_PLATFORM_TOKEN = PLATFORM, PLATFORM_TOKEN
    account = make_account("Cloudy")
    make_inbox(account, "Support")
    return account, login(make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))


def test_a_cloud_account_finds_and_buys_its_first_number(
    cloud: tuple[Account, Client], twilio: Twilio
) -> None:
    account, client = cloud
    asked = {"country": "US", "kind": "local", "area_code": "512", "contains": ""}

    found = client.get(f"{NUMBERS}buy/", asked)
    offer = found.context["offers"][0].address
    assert not TwilioAccount.objects.exists(), "looking opens nothing"
    page = client.post(f"{NUMBERS}buy/", {"address": offer}, follow=True)

    assert f"{offer} is yours." in said(page)
    sender = Sender.objects.get(account=account)
    assert sender.twilio_account.is_ours
    url = twilio.simulator.parts.store.senders[offer].webhook_url
    assert url.partition("#")[0] == webhook_url(sender)


def test_a_search_that_finds_nothing_or_makes_no_sense_says_so(
    cloud: tuple[Account, Client],
) -> None:
    _account, client = cloud

    nothing = client.get(f"{NUMBERS}buy/", {"country": "GB", "kind": "local"})
    wrong = client.get(f"{NUMBERS}buy/", {"country": "US", "kind": "local", "area_code": "5"})

    assert "Twilio has no such number right now" in said(nothing)
    assert "An area code has three digits" in said(wrong)


def test_a_subaccount_is_opened_by_a_button(cloud: tuple[Account, Client]) -> None:
    account, client = cloud

    page = client.post(CONNECTION, {"do": "open"}, follow=True)

    assert "Your Twilio account is open." in said(page)
    assert TwilioAccount.objects.get(account=account).is_ours
    assert client.post(CONNECTION, {"do": "connect"}).status_code == 404


def test_who_brings_twilio_buys_nothing_here(shop: Shop, ada: Client) -> None:
    assert ada.get(f"{NUMBERS}buy/").status_code == 404
    assert ada.post(CONNECTION, {"do": "open"}).status_code == 404


# --- Numbers -------------------------------------------------------------------------------------


def test_a_number_is_attached_and_its_messages_come_here(shop: Shop, ada: Client) -> None:
    page = ada.post(NUMBERS, {"do": "attach", "address": "(415) 555-0100"}, follow=True)

    assert f"{NUMBER} belongs to this inbox now." in said(page)
    assert "Healthy" in said(page)
    url = shop.at_twilio(NUMBER).webhook_url
    assert url.partition("#")[0] == webhook_url(Sender.objects.get())


def test_what_took_the_messages_before_is_said(shop: Shop, ada: Client, sales: Team) -> None:
    shop.at_twilio(NUMBER).webhook_url = "https://me:hush@crm.example/bot?token=hush"
    offered = said(ada.get(f"{NUMBERS}?choose=1"))
    turning_on = said(ada.get(f"/settings/teams/{sales.pk}/turn-on/"))
    done = said(ada.post(NUMBERS, {"do": "attach", "address": NUMBER}, follow=True))
    again = said(turn_on(ada, shop, sales, OTHER))

    for page in (offered, turning_on):
        assert "its messages go to https://crm.example/bot now" in page
    assert f"Messages to {NUMBER} went to https://crm.example/bot before." in done
    assert "before. We remember" not in again, "there was nothing"
    assert "hush" not in offered + turning_on + done


def test_a_number_whose_address_cannot_be_set_yet_is_attached_and_says_so(
    shop: Shop, ada: Client
) -> None:
    shop.twilio.fault("server_error", on="numbers POST")

    page = said(ada.post(NUMBERS, {"do": "attach", "address": NUMBER}, follow=True))

    assert f"{NUMBER} belongs to this inbox now." in page
    assert "Not set at Twilio yet: Twilio does not answer right now." in page
    assert Sender.objects.get().inbox == shop.inbox


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "Write the number."),
        ("ACME", "A name cannot receive messages"),
        ("+14155550999", "is not in this Twilio account"),
        (VOICE, "can call but not text"),
        ("12", "This is not a phone number"),
    ],
)
def test_a_number_that_cannot_be_attached_says_why(
    shop: Shop, ada: Client, address: str, words: str
) -> None:
    page = ada.post(NUMBERS, {"do": "attach", "address": address})

    assert page.status_code == 422
    assert words in said(page)
    assert not Sender.objects.exists()


def test_a_taken_number_is_refused_without_a_name(shop: Shop, ada: Client) -> None:
    umbrella = make_account("Umbrella")
    make_sender(make_inbox(umbrella), NUMBER, twilio_account=make_twilio_account(umbrella))

    page = said(ada.post(NUMBERS, {"do": "attach", "address": NUMBER}))

    assert "is in use already" in page
    assert "Umbrella" not in page


def test_drift_is_repaired_with_one_click(shop: Shop, ada: Client, sender: Sender) -> None:
    ada.post(NUMBERS, {"do": "point", "sender": sender.pk})
    shop.at_twilio(NUMBER).webhook_url = OLD
    page = said(ada.post(NUMBERS, {"do": "check"}, follow=True))
    assert "Messages go to another address" in page
    assert OLD in page

    finding = DriftFinding.objects.get(resolved_at=None)
    data = {"do": "repair", "sender": sender.pk, "finding": finding.pk}
    page = said(ada.post(NUMBERS, data, follow=True))

    assert "Repaired" in page
    assert "Healthy" in page


def test_nothing_can_be_done_to_a_number_of_somebody_else(
    shop: Shop, ada: Client, sender: Sender
) -> None:
    umbrella = make_account("Umbrella")
    inbox = make_inbox(umbrella, "Support")
    theirs = make_sender(inbox, twilio_account=make_twilio_account(umbrella))
    finding = DriftFinding.objects.create(
        account=umbrella,
        twilio_account=theirs.twilio_account,
        sender=theirs,
        kind="webhook",
        found_at=timezone.now(),
    )

    for do in ("point", "free", "resume", "repair", "move", "test", "nonsense"):
        data = {"do": do, "sender": theirs.pk, "finding": finding.pk, "phone": "+12025550142"}
        assert ada.post(NUMBERS, data).status_code == 404, do
    own = {"sender": sender.pk}
    assert ada.post(NUMBERS, {"do": "repair", "finding": finding.pk, **own}).status_code == 404
    assert ada.post(NUMBERS, {"do": "move", "to": inbox.pk, **own}).status_code == 404
    attach = {"do": "attach", "address": NUMBER, "connection": theirs.twilio_account_id}
    assert ada.post(NUMBERS, attach).status_code == 404
    assert ada.get(f"{NUMBERS}{theirs.pk}/remove/").status_code == 404
    assert ada.post(f"{NUMBERS}{theirs.pk}/remove/").status_code == 404


def test_the_page_before_a_removal_names_what_waits(
    shop: Shop, ada: Client, sender: Sender
) -> None:
    data = {"do": "test", "sender": sender.pk, "phone": "+12025550142"}
    ada.post(NUMBERS, data)

    page = said(ada.get(f"{NUMBERS}{sender.pk}/remove/"))
    assert "These messages wait and would be cancelled" in page
    assert shop.inbox.bot_name in page
    done = said(ada.post(f"{NUMBERS}{sender.pk}/remove/", {"gives_back": "on"}, follow=True))

    assert "1 message that waited was cancelled." in done
    assert Message.objects.get().status == "canceled"


def test_a_number_that_is_removed_twice_says_so(shop: Shop, ada: Client, sender: Sender) -> None:
    url = f"{NUMBERS}{sender.pk}/remove/"
    ada.post(url)

    page = ada.post(url, follow=True)

    assert page.status_code == 200
    assert "This number was removed meanwhile." in said(page)


def test_a_number_moves_to_another_inbox(shop: Shop, ada: Client, sender: Sender) -> None:
    sales = make_inbox(shop.account, "Sales")

    ada.post(NUMBERS, {"do": "move", "sender": sender.pk, "to": sales.pk})

    sender.refresh_from_db()
    assert sender.inbox == sales


def test_a_pooled_number_is_taken_from_its_service(shop: Shop, ada: Client) -> None:
    ada.post(NUMBERS, {"do": "attach", "address": POOLED})
    sender = Sender.objects.get()

    ada.post(NUMBERS, {"do": "free", "sender": sender.pk})

    assert shop.twilio.simulator.parts.store.services[SERVICE].use_inbound_webhook_on_number
    assert not DriftFinding.objects.filter(resolved_at=None).exists()


# --- Turning on ----------------------------------------------------------------------------------


@pytest.fixture
def sales(shop: Shop) -> Team:
    team = Team.objects.create(account=shop.account, name="Sales")
    make_user(shop.account, "Sam", team=team)
    return team


def turn_on(client: Client, shop: Shop, team: Team, *addresses: str, **more: Any) -> Any:
    data = {
        "name": "Sales",
        "numbers": [f"{shop.connection.pk}:{one}" for one in addresses],
        "is_pointed": "on",
        "claim_rule": "optional",
        "hours": "work_week",
        "bot_name": "Robo",
        "first_reply": "off",
        **more,
    }
    return client.post(f"/settings/teams/{team.pk}/turn-on/", data, follow=True)


def test_an_inbox_is_turned_on_and_a_test_arrives(shop: Shop, ada: Client, sales: Team) -> None:
    page = said(turn_on(ada, shop, sales, NUMBER, OTHER))
    assert "Sales is on." in page
    checks = said(ada.get(f"/settings/teams/{sales.pk}/checks/"))
    assert "Everything is ready." in checks

    inbox = TeamInbox.objects.get(team=sales)
    assert inbox.hours == BusinessHours.objects.get()
    sender = Sender.objects.get(address=NUMBER)
    data = {"do": "test", "from": "turn-on", "sender": sender.pk, "phone": "+12025550142"}
    sent = ada.post("/settings/inboxes/sales/numbers/", data, follow=True)
    assert "The test message is on its way." in said(sent)
    message = Message.objects.get()
    deliver(message.pk, now=timezone.now())
    Message.objects.filter(pk=message.pk).update(status="delivered")
    progress = said(ada.get(f"/settings/inboxes/sales/tests/{message.public_id}/"))
    assert "It arrived." in progress
    assert "notice-error" not in progress

    Message.objects.filter(pk=message.pk).update(status="failed", error_words="It is a landline.")
    progress = said(ada.get(f"/settings/inboxes/sales/tests/{message.public_id}/"))
    assert "It is a landline." in progress
    assert "notice-error" in progress
    Message.objects.filter(pk=message.pk).update(status="queued")
    Sender.objects.filter(pk=sender.pk).update(is_paused=True, paused_reason="Wrong number.")
    progress = said(ada.get(f"/settings/inboxes/sales/tests/{message.public_id}/"))
    assert "It waits, because the number is paused. Wrong number." in progress


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"name": ""}, "Give the inbox a name."),
        ({"bot_name": ""}, "Give it a name"),
        ({"first_reply": "ever"}, "Write what customers are to be told."),
        ({"claim_rule": "nobody"}, "Select a valid choice"),
        ({"hours": "999"}, "Select a valid choice"),
        ({"first_reply": "ever", "first_reply_text": "x" * 1601}, "At most 1,600 characters"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_turned_on(
    shop: Shop, ada: Client, sales: Team, more: dict[str, str], words: str
) -> None:
    page = turn_on(ada, shop, sales, NUMBER, **more)

    assert page.status_code == 422
    assert words in said(page)
    assert not TeamInbox.objects.filter(team=sales).exists()
    assert not Sender.objects.exists()


@pytest.mark.parametrize("address", [VOICE, "+14155550999", "nonsense"])
def test_a_number_that_is_not_offered_cannot_be_chosen(
    shop: Shop, ada: Client, sales: Team, address: str
) -> None:
    page = turn_on(ada, shop, sales, address)

    assert "A number was taken meanwhile" in said(page)
    assert not TeamInbox.objects.filter(team=sales).exists()


def test_a_number_of_a_foreign_connection_cannot_be_chosen(
    shop: Shop, ada: Client, sales: Team
) -> None:
    theirs = make_twilio_account(make_account("Umbrella"))

    page = turn_on(ada, shop, sales, numbers=f"{theirs.pk}:{NUMBER}")

    assert page.status_code == 422
    assert not TeamInbox.objects.filter(team=sales).exists()


def test_turning_on_twice_says_who_was_quicker(shop: Shop, ada: Client, sales: Team) -> None:
    turn_on(ada, shop, sales, NUMBER)

    page = turn_on(ada, shop, sales, OTHER)

    assert page.status_code == 422
    assert "somebody was quicker" in said(page)


def test_while_twilio_is_away_the_page_says_so(shop: Shop, ada: Client, sales: Team) -> None:
    shop.twilio.fault("server_error", on="accounts GET")

    page = ada.get(f"/settings/teams/{sales.pk}/turn-on/")

    assert page.status_code == 200
    assert "Twilio does not answer right now" in said(page)


def test_when_twilio_goes_away_what_was_chosen_stays(shop: Shop, ada: Client, sales: Team) -> None:
    shop.twilio.fault("server_error", on="accounts GET", times=-1)
    shop.twilio.fault("server_error", on="numbers GET", times=-1)

    page = turn_on(ada, shop, sales, NUMBER, name="Sales & more")

    assert page.status_code == 422
    assert "Twilio does not answer right now" in said(page)
    assert "A number was taken meanwhile" not in said(page)
    assert f'value="{shop.connection.pk}:{NUMBER}"' in said(page)
    assert 'value="Sales &amp; more"' in said(page)
    assert not TeamInbox.objects.filter(team=sales).exists()


def test_a_chosen_number_is_looked_for_again_when_the_list_did_not_come(
    shop: Shop, ada: Client, sales: Team
) -> None:
    shop.twilio.fault("server_error", on="services GET")
    strange = f"{make_twilio_account(make_account('Umbrella')).pk}:{OTHER}"

    page = turn_on(ada, shop, sales, numbers=[f"{shop.connection.pk}:{NUMBER}", strange])
    assert page.status_code == 422
    shop.twilio.fault("server_error", on="services GET")
    done = said(turn_on(ada, shop, sales, NUMBER))

    assert "Sales is on." in done
    assert Sender.objects.get().address == NUMBER


def test_an_empty_text_is_sent_in_no_segments(shop: Shop, ada: Client, sales: Team) -> None:
    page = said(ada.get(f"/settings/teams/{sales.pk}/turn-on/"))

    assert "Segments that the text is sent as: <span data-number>0</span>." in page


def test_a_form_for_a_test_has_a_key_of_its_own(shop: Shop, ada: Client, sender: Sender) -> None:
    first, second = (
        re.findall(r'name="key" value="(\w{32})"', said(ada.get(NUMBERS))) for _ in "12"
    )
    assert first != second

    data = {"do": "test", "sender": sender.pk, "phone": "+12025550142", "key": first[0]}
    for _ in range(2):
        page = said(ada.post(NUMBERS, data, follow=True))
        assert "The test message is on its way." in page
    assert Message.objects.count() == 1


def test_an_inbox_is_turned_off_with_a_preview_and_messages_go_back(
    shop: Shop, ada: Client, sales: Team
) -> None:
    turn_on(ada, shop, sales, NUMBER)

    page = said(ada.get("/settings/inboxes/sales/turn-off/"))
    assert "Conversations keep their owners" in page
    assert "For 1 number we know where they went." in page
    done = said(ada.post("/settings/inboxes/sales/turn-off/", {"gives_back": "on"}, follow=True))

    assert "Sales is off." in done
    assert shop.at_twilio(NUMBER).webhook_url == OLD
    again = said(ada.post("/settings/inboxes/sales/turn-off/", follow=True))
    assert "off already" in again


# --- General and home ----------------------------------------------------------------------------


def test_two_admins_at_one_card_the_second_is_told(shop: Shop, ada: Client) -> None:
    url = "/settings/inboxes/support/"
    seen = {"seen_name": "Support", "seen_colour": "teal", "seen_time_zone": "", "version": "1"}
    look = {"card": "look", "look-colour": "rose", "look-time_zone": "", **seen}

    ada.post(url, {**look, "look-name": "Help"})
    page = ada.post(url, {**look, "look-name": "Aid"})

    assert page.status_code == 409
    assert "somebody else changed this" in said(page)
    assert "Help" in said(page)
    assert 'value="Aid"' in said(page)
    again = {**look, "look-name": "Aid", "version": "2", "seen_name": "Help"}
    assert ada.post(url, {**again, "seen_colour": "rose"}).status_code == 302
    assert TeamInbox.objects.get(pk=shop.inbox.pk).name == "Aid"


def test_an_admin_asks_for_a_note_with_a_transfer_and_a_reason_for_a_close(
    shop: Shop, ada: Client
) -> None:
    url = "/settings/inboxes/support/"
    asked = {
        "claiming": {
            **{name: getattr(shop.inbox, name) for name in ("claim_rule", "after_claim")},
            "closed_visibility": shop.inbox.closed_visibility,
            "is_transfer_note_required": "on",
        },
        "ending": {"reopen_owner": shop.inbox.reopen_owner, "is_close_reason_required": "on"},
    }

    for version, (card, typed) in enumerate(asked.items(), 1):
        data = {f"{card}-{name}": value for name, value in typed.items()}
        assert ada.post(url, {"card": card, "version": version, **data}).status_code == 302

    row = TeamInbox.objects.get(pk=shop.inbox.pk)
    assert (row.is_transfer_note_required, row.is_close_reason_required) == (True, True)
    changes = AuditEntry.objects.filter(action="inbox_changed")
    assert "is_transfer_note_required" in str(changes.order_by("pk")[0].data)


@pytest.mark.parametrize(
    ("card", "typed", "words"),
    [
        ("look", {"name": "", "colour": "teal"}, "This field is required"),
        ("look", {"name": "X", "colour": "teal", "time_zone": "Mars/Base"}, "no time zone"),
        ("look", {"name": "X", "colour": "beige"}, "Select a valid choice"),
        ("greeting", {"bot_name": " "}, "This field is required"),
        ("ending", {"reopen_owner": "team", "reopen_hours": "-1"}, "greater than or equal to 0"),
        ("waiting", {"target_minutes": "0"}, "greater than or equal to 1"),
        ("waiting", {"target_minutes": ""}, "This field is required"),
        ("ending", {"reopen_owner": "team", "auto_close_hours": "0"}, "greater than or equal to 1"),
        ("ending", {"reopen_owner": "team", "reopen_hours": "9" * 20}, "less than or equal to"),
    ],
)
def test_wrong_settings_are_said_at_their_card(
    shop: Shop, ada: Client, card: str, typed: dict[str, str], words: str
) -> None:
    data = {f"{card}-{name}": value for name, value in typed.items()}

    page = ada.post("/settings/inboxes/support/", {"card": card, "version": "1", **data})

    assert page.status_code == 422
    assert words in said(page)
    assert not AuditEntry.objects.filter(action="inbox_changed").exists()


def test_the_home_page_names_the_next_step_of_each_team(
    shop: Shop, ada: Client, sales: Team
) -> None:
    page = said(ada.get("/settings/"))
    assert "Turn on" in page
    assert "Finish set-up: 2 things left" in page

    turn_on(ada, shop, sales, NUMBER)
    assert "On and healthy" in said(ada.get("/settings/"))
    License.objects.all().delete()
    assert "Finish set-up: 1 thing left" in said(ada.get("/settings/"))
    FeatureGrant.objects.update(ends_at=timezone.now() - timedelta(hours=1))
    assert "Team Inbox is off for your account" in said(ada.get("/settings/"))


def test_the_home_page_costs_the_same_for_many_teams(
    shop: Shop, ada: Client, django_assert_max_num_queries: Any
) -> None:
    for n in range(20):
        make_inbox(shop.account, f"Team {n}")

    with django_assert_max_num_queries(15):
        ada.get("/settings/")


def test_an_admin_without_a_licence_finds_the_settings(shop: Shop, ada: Client) -> None:
    assert "Settings of your account" in said(ada.get("/"))
    License.objects.all().delete()
    assert ada.get("/")["Location"] == "/settings/"
