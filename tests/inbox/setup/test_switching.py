"""Is an inbox switched on whole or not at all, and does the checklist say what is left?"""

import threading
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts.models import AuditEntry, FeatureGrant, License, Membership, Team
from compliance.gate import SendBlockedError
from inbox.models import Contact, Message, Sender, TeamInbox
from inbox.refusals import MissingInputError
from inbox.reply_settings import greeting
from inbox.sending import deliver, send_test
from inbox.setup.general import CARDS, ChangedMeanwhileError, change_inbox
from inbox.setup.numbers import attach_number
from inbox.setup.preflight import Preflight, preflight
from inbox.setup.refusals import SetUpError
from inbox.setup.switching import TurnedOn, Wanted, turn_off, turn_on
from inbox.status_urls import webhook_url
from inbox.twilio.errors import TwilioAwayError
from routing.hours_presets import HoursPreset
from routing.models import BusinessHours
from routing.replies import FirstWhen
from tests.carrier import Twilio
from tests.factories import (
    make_account,
    make_hours,
    make_inbox,
    make_sender,
    make_twilio_account,
    make_user,
)
from tests.inbox.setup.twilio_world import (
    FREE,
    NUMBER,
    OLD,
    OTHER,
    POOLED,
    SERVICE,
    VOICE,
    Shop,
)


@pytest.fixture
def sales(shop: Shop) -> Team:
    """A team without an inbox, with one licensed agent."""
    team = Team.objects.create(account=shop.account, name="Sales")
    make_user(shop.account, "Sam", team=team)
    return team


def on(shop: Shop, team: Team, now: datetime, *addresses: str, **more: Any) -> TurnedOn:
    wanted = Wanted(name="Sales", numbers=[(shop.connection, one) for one in addresses], **more)
    return turn_on(team=team, wanted=wanted, by=shop.admin, now=now)


def red(found: Preflight) -> set[tuple[str, str]]:
    return {(one.key.partition("-")[0], one.action) for one in found.checks if one.state == "bad"}


# --- On ------------------------------------------------------------------------------------------


def test_an_inbox_is_on_with_its_numbers_and_messages_come_here(
    shop: Shop, sales: Team, now: datetime
) -> None:
    done = on(
        shop,
        sales,
        now,
        NUMBER,
        OTHER,
        claim_rule="required",
        bot_name="Robo",
        greets=FirstWhen.EVER,
        greeting="Hi!",
    )

    inbox = TeamInbox.objects.get(team=sales)
    assert done == TurnedOn(inbox, replaced={NUMBER: OLD})
    assert (inbox.slug, inbox.is_on, inbox.claim_rule) == ("sales", True, "required")
    assert (inbox.bot_name, inbox.replies) == ("Robo", greeting("Hi!", FirstWhen.EVER))
    for sender in Sender.objects.filter(inbox=inbox):
        url = shop.at_twilio(sender.address).webhook_url
        assert url.partition("#")[0] == webhook_url(sender)
    assert preflight(team=sales, now=now).is_ready
    assert AuditEntry.objects.get(action="inbox_turned_on").data["numbers"] == [NUMBER, OTHER]


@pytest.mark.parametrize("bad", ["+14155550999", VOICE])
def test_one_bad_number_and_nothing_is_done(
    shop: Shop, sales: Team, now: datetime, bad: str
) -> None:
    with pytest.raises(SetUpError):
        on(shop, sales, now, NUMBER, bad)

    assert not TeamInbox.objects.filter(team=sales).exists()
    assert not Sender.objects.exists()
    assert shop.at_twilio(NUMBER).webhook_url == OLD


def test_a_number_that_was_taken_meanwhile_undoes_everything(
    shop: Shop, sales: Team, now: datetime
) -> None:
    umbrella = make_account("Umbrella")
    make_sender(make_inbox(umbrella), OTHER, twilio_account=make_twilio_account(umbrella))

    with pytest.raises(SetUpError) as caught:
        on(shop, sales, now, NUMBER, OTHER)

    assert "in use already" in caught.value.reason
    assert "Umbrella" not in caught.value.reason
    assert not TeamInbox.objects.filter(team=sales).exists()
    assert not Sender.objects.filter(account=shop.account).exists()


def test_turning_on_twice_is_said(shop: Shop, sales: Team, now: datetime) -> None:
    on(shop, sales, now, NUMBER)

    with pytest.raises(SetUpError, match="is on already: somebody was quicker"):
        on(shop, sales, now, OTHER)

    assert Sender.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_at_once_one_turns_it_on(twilio: Twilio, now: datetime) -> None:
    shop = Shop(twilio)
    team = Team.objects.create(account=shop.account, name="Sales")
    start, outcomes = threading.Barrier(2), []

    def attempt(address: str) -> None:
        start.wait()
        try:
            outcomes.append(str(on(shop, team, now, address).inbox))
        except SetUpError as error:
            outcomes.append(error.reason)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=[one]) for one in (NUMBER, OTHER)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert "Sales" in outcomes
    assert any("somebody was quicker" in outcome for outcome in outcomes)
    assert Sender.objects.filter(inbox__team=team).count() == 1


def test_without_the_feature_nothing_is_turned_on(shop: Shop, sales: Team, now: datetime) -> None:
    FeatureGrant.objects.all().delete()

    with pytest.raises(SetUpError, match="Ask your partner"):
        on(shop, sales, now, NUMBER)


def test_when_twilio_is_away_before_nothing_is_done(shop: Shop, sales: Team, now: datetime) -> None:
    shop.twilio.fault("server_error", on="numbers GET")

    with pytest.raises(TwilioAwayError):
        on(shop, sales, now, NUMBER)

    assert not TeamInbox.objects.filter(team=sales).exists()


def test_when_twilio_is_away_after_that_is_told_and_can_be_done_again(
    shop: Shop, sales: Team, now: datetime
) -> None:
    shop.twilio.fault("server_error", on="numbers POST")

    done = on(shop, sales, now, NUMBER)

    assert done.inbox.is_on
    [problem] = done.problems
    assert problem.startswith(f"{NUMBER}: Twilio does not answer")
    assert ("webhook", "point") in red(preflight(team=sales, now=now))


@pytest.mark.django_db(transaction=True)
def test_teams_of_a_name_turned_on_at_once_get_an_address_each(
    twilio: Twilio, now: datetime
) -> None:
    shop = Shop(twilio)
    teams = [Team.objects.create(account=shop.account, name=f"Team {n}") for n in range(4)]
    start, failed = threading.Barrier(4), []

    def attempt(team: Team) -> None:
        start.wait()
        try:
            on(shop, team, now)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=(team,)) for team in teams]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert failed == []
    slugs = set(TeamInbox.objects.filter(team__in=teams).values_list("slug", flat=True))
    assert slugs == {"sales", "sales-2", "sales-3", "sales-4"}


def test_a_new_inbox_has_a_colour_of_its_own(shop: Shop, now: datetime) -> None:
    for name in ("Sales", "Returns"):
        on(shop, Team.objects.create(account=shop.account, name=name), now)

    colours = TeamInbox.objects.filter(account=shop.account).values_list("colour", flat=True)
    assert len(set(colours)) == 3


def test_what_turning_on_changed_is_written_down(shop: Shop, sales: Team, now: datetime) -> None:
    inbox = on(shop, sales, now, bot_name="Robo").inbox
    turn_off(inbox=inbox, gives_back=False, by=shop.admin, now=now)
    on(shop, sales, now, bot_name="Rita", claim_rule="required")

    first, second = AuditEntry.objects.filter(action="inbox_turned_on").order_by("pk")
    assert first.data["changes"]["bot_name"] == {"before": None, "after": "Robo"}
    assert second.data["changes"] == {
        "bot_name": {"before": "Robo", "after": "Rita"},
        "claim_rule": {"before": "optional", "after": "required"},
        "is_on": {"before": False, "after": True},
    }


def test_hours_that_somebody_deleted_meanwhile_are_said(
    shop: Shop, sales: Team, now: datetime
) -> None:
    hours = make_hours(shop.account)
    BusinessHours.objects.filter(pk=hours.pk).delete()

    with pytest.raises(SetUpError, match="deleted these hours") as caught:
        on(shop, sales, now, hours=hours)

    assert caught.value.field == "hours"
    assert not TeamInbox.objects.filter(team=sales).exists()


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "UTC"])
def test_the_hours_that_were_chosen_are_those_of_the_place(
    shop: Shop, sales: Team, zone: str
) -> None:
    shop.account.time_zone = zone
    shop.account.save()
    noon = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo(zone))  # a Monday
    inbox = on(shop, sales, noon, hours=HoursPreset.WORK_WEEK).inbox

    assert inbox.hours is not None
    assert inbox.hours.time_zone == zone
    calendar = inbox.hours.calendar()
    assert calendar.is_open(noon)
    assert not calendar.is_open(noon.replace(hour=17))
    assert not calendar.is_open(noon.replace(day=22))


def test_two_inboxes_of_a_name_get_two_addresses(shop: Shop, now: datetime) -> None:
    team = Team.objects.create(account=shop.account, name="Second")

    done = turn_on(team=team, wanted=Wanted(name="Support"), by=shop.admin, now=now)

    assert done.inbox.slug == "support-2"


# --- The checklist -------------------------------------------------------------------------------


def test_every_red_line_has_one_action(shop: Shop, now: datetime) -> None:
    for address in (NUMBER, POOLED, OTHER):
        attach_number(
            inbox=shop.inbox, connection=shop.connection, address=address, by=shop.admin, now=now
        )
    shop.at_twilio(OTHER).application_sid = "AP1"
    Sender.objects.filter(address=OTHER).update(is_paused=True, paused_reason="Wrong number.")
    FeatureGrant.objects.all().delete()

    found = preflight(team=shop.inbox.team, now=now)

    assert red(found) == {
        ("feature", "request_feature"),
        ("agent", "license"),
        ("webhook", "point"),
        ("fallback", "point"),
        ("service", "free"),
        ("application", "point"),
        ("paused", "resume"),
    }
    assert found.left == 7
    assert all(one.words and one.action for one in found.checks if one.state == "bad")


def test_before_anything_is_there(shop: Shop, now: datetime) -> None:
    account = make_account("Fresh")
    team = Team.objects.create(account=account, name="Sales")

    assert red(preflight(team=team, now=now)) == {
        ("connection", "connect"),
        ("agent", "license"),
        ("number", "add_number"),
    }


def test_wrong_credentials_are_red_and_silence_is_not(
    shop: Shop, sales: Team, now: datetime
) -> None:
    on(shop, sales, now, NUMBER)
    shop.twilio.fault("server_error", on="accounts GET")
    away = preflight(team=sales, now=now)
    assert red(away) == set()
    assert any("does not answer" in one.words for one in away.checks)

    shop.connection.auth_token = "9" * 32
    shop.connection.save()
    assert red(preflight(team=sales, now=now)) == {("connection", "connect")}


@pytest.mark.parametrize(
    ("status", "state", "words"),
    [
        ("", "later", "is not registered"),
        ("IN_REVIEW", "later", "is in review"),
        ("TWILIO_REJECTED", "later", "was refused"),
        ("TWILIO_APPROVED", "good", "is registered"),
    ],
)
def test_a_toll_free_number_says_how_far_it_is(
    shop: Shop, sales: Team, now: datetime, status: str, state: str, words: str
) -> None:
    shop.at_twilio(FREE).verification_status = status
    on(shop, sales, now, FREE)

    [check] = [
        one for one in preflight(team=sales, now=now).checks if one.key.startswith("registration")
    ]

    assert check.state == state
    assert words in check.words


def test_observers_and_people_without_a_licence_do_not_count(
    shop: Shop, sales: Team, now: datetime
) -> None:
    Membership.objects.filter(team=sales).update(role="observer")
    assert ("agent", "license") in red(preflight(team=sales, now=now))
    Membership.objects.filter(team=sales).update(role="agent")
    assert ("agent", "license") not in red(preflight(team=sales, now=now))
    License.objects.all().delete()
    assert ("agent", "license") in red(preflight(team=sales, now=now))


def test_a_public_address_that_twilio_cannot_call_is_red(
    shop: Shop, sales: Team, now: datetime, settings: Any
) -> None:
    settings.TWILIO_API_BASE, settings.PUBLIC_BASE_URL = "", "http://my_host"
    settings.TWILIO_TIMEOUT_SECONDS = 0.01

    found = preflight(team=Team.objects.create(account=make_account(), name="X"), now=now)

    assert "reports" in {one.key for one in found.checks if one.state == "bad"}


# --- Off -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("gives_back", [True, False])
def test_switched_off_messages_go_back_only_if_wished(
    shop: Shop, sales: Team, now: datetime, gives_back: bool
) -> None:
    inbox = on(shop, sales, now, NUMBER).inbox

    problems = turn_off(inbox=inbox, gives_back=gives_back, by=shop.admin, now=now)

    inbox.refresh_from_db()
    assert (inbox.is_on, problems) == (False, ())
    assert (shop.at_twilio(NUMBER).webhook_url == OLD) is gives_back
    with pytest.raises(SetUpError, match="off already"):
        turn_off(inbox=inbox, gives_back=True, by=shop.admin, now=now)


def test_off_and_on_again_is_the_same_inbox(shop: Shop, sales: Team, now: datetime) -> None:
    inbox = on(shop, sales, now, NUMBER).inbox
    turn_off(inbox=inbox, gives_back=True, by=shop.admin, now=now)

    again = on(shop, sales, now)

    assert again.inbox.pk == inbox.pk
    assert again.inbox.slug == "sales"
    assert shop.at_twilio(NUMBER).webhook_url.startswith("http://localhost")


# --- A test message ------------------------------------------------------------------------------


def test_a_test_goes_the_ordinary_way(shop: Shop, sales: Team, now: datetime) -> None:
    on(shop, sales, now, NUMBER)
    sender = Sender.objects.select_related("inbox").get()

    message = send_test(sender=sender, phone="+1 202 555 0142", by=shop.admin, now=now)
    deliver(message.pk, now=now)

    message.refresh_from_db()
    assert message.status == "sent"
    [request] = shop.twilio.requests_to_send()
    assert (request["to"], request["from"]) == ("+12025550142", NUMBER)
    assert "test of the Team Inbox “Sales”" in request["body"]
    assert AuditEntry.objects.get(action="test_sent").data["to"] == "…0142"


@pytest.mark.parametrize(
    ("phone", "words"),
    [("ACME", "with its country"), ("", "with its country"), (NUMBER, "cannot write to itself")],
)
def test_a_test_to_what_is_no_phone_is_refused(
    shop: Shop, sales: Team, now: datetime, phone: str, words: str
) -> None:
    on(shop, sales, now, NUMBER)

    with pytest.raises(MissingInputError, match=words):
        send_test(sender=Sender.objects.get(), phone=phone, by=shop.admin, now=now)

    assert not Contact.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_test_whose_button_is_pressed_twice_is_one_message(twilio: Twilio, now: datetime) -> None:
    shop = Shop(twilio)
    on(shop, Team.objects.create(account=shop.account, name="Sales"), now, NUMBER)
    sender = Sender.objects.select_related("inbox").get()
    start, sent = threading.Barrier(4), []

    def press() -> None:
        start.wait()
        try:
            to: Any = {"sender": sender, "phone": "+12025550142", "key": "a" * 32}
            sent.append(send_test(**to, by=shop.admin, now=now).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sent == [Message.objects.get().pk] * 4
    assert AuditEntry.objects.filter(action="test_sent").count() == 1


@pytest.mark.parametrize("key", ["", "x", "a b c d e f", "é" * 12, "k" * 10_000])
def test_a_key_that_is_none_is_no_key(shop: Shop, sales: Team, now: datetime, key: str) -> None:
    on(shop, sales, now, NUMBER)

    for _ in range(2):
        to: Any = {"sender": Sender.objects.get(), "phone": "+12025550142", "key": key}
        send_test(**to, by=shop.admin, now=now)

    assert Message.objects.count() == 2


def test_a_test_of_whatsapp_goes_over_whatsapp(shop: Shop, sales: Team, now: datetime) -> None:
    inbox = on(shop, sales, now).inbox
    ours = "whatsapp:+14155550190"
    sender = make_sender(inbox, ours, twilio_account=shop.connection)

    with pytest.raises(SendBlockedError) as caught:
        send_test(sender=sender, phone="+12025550142", by=shop.admin, now=now)
    assert "24 hours" in caught.value.reason, "WhatsApp wants to hear from them first"

    with pytest.raises(MissingInputError, match="cannot write to itself"):
        send_test(sender=sender, phone="+14155550190", by=shop.admin, now=now)


def test_a_test_asks_the_gate(shop: Shop, sales: Team, now: datetime) -> None:
    on(shop, sales, now, NUMBER)
    FeatureGrant.objects.all().delete()

    with pytest.raises(SendBlockedError):
        send_test(sender=Sender.objects.get(), phone="+12025550142", by=shop.admin, now=now)


def test_tests_are_no_way_to_write_to_many(shop: Shop, sales: Team, now: datetime) -> None:
    on(shop, sales, now, NUMBER)
    sender = Sender.objects.select_related("inbox").get()
    for n in range(10):
        send_test(sender=sender, phone=f"+1202555014{n}", by=shop.admin, now=now)

    with pytest.raises(MissingInputError, match="enough tests"):
        send_test(sender=sender, phone="+12025550199", by=shop.admin, now=now)

    assert Message.objects.count() == 10


# --- What an inbox is like -----------------------------------------------------------------------


def look(inbox: TeamInbox) -> dict[str, Any]:
    return {name: getattr(inbox, name) for name in ("name", "colour", "time_zone", "language")}


def test_settings_change_with_a_line_that_says_what(shop: Shop, now: datetime) -> None:
    seen = look(shop.inbox)

    row = change_inbox(
        inbox=shop.inbox,
        card="look",
        values={**seen, "name": "Help"},
        seen=seen,
        version=1,
        by=shop.admin,
        now=now,
    )

    assert (row.name, row.settings_version) == ("Help", 2)
    line = AuditEntry.objects.get(action="inbox_changed")
    assert line.data["changes"] == {"name": {"before": "Support", "after": "Help"}}


def test_who_comes_second_is_told_what_changed(shop: Shop, now: datetime) -> None:
    seen = look(shop.inbox)
    given: Any = {"inbox": shop.inbox, "card": "look", "seen": seen, "by": shop.admin, "now": now}
    change_inbox(**given, values={**seen, "name": "Help"}, version=1)

    with pytest.raises(ChangedMeanwhileError) as caught:
        change_inbox(**given, values={**seen, "name": "Aid"}, version=1)

    [difference] = caught.value.differences
    assert (difference.label, difference.value, caught.value.version) == ("name", "Help", 2)
    assert TeamInbox.objects.get(pk=shop.inbox.pk).name == "Help"


def test_two_admins_at_two_cards_are_in_nobodys_way(shop: Shop, now: datetime) -> None:
    seen = look(shop.inbox)
    given: Any = {"inbox": shop.inbox, "by": shop.admin, "now": now, "version": 1}
    change_inbox(**given, card="look", seen=seen, values={**seen, "name": "Help"})
    ending = {name: getattr(shop.inbox, name) for name in CARDS["ending"]}

    row = change_inbox(
        **given, card="ending", seen=ending, values={**ending, "auto_close_hours": 24}
    )

    assert (row.name, row.auto_close_hours, row.auto_close_since) == ("Help", 24, now)


def test_nothing_changed_is_no_line(shop: Shop, now: datetime) -> None:
    seen = look(shop.inbox)

    change_inbox(
        inbox=shop.inbox, card="look", values=seen, seen=seen, version=1, by=shop.admin, now=now
    )

    assert not AuditEntry.objects.exists()


def test_a_service_is_turned_on_as_a_number_is(shop: Shop, sales: Team, now: datetime) -> None:
    on(shop, sales, now, SERVICE)

    assert preflight(team=sales, now=now).is_ready
