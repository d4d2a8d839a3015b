"""Do messages come here, do we notice when they do not, and can it be put right and back?"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import AuditEntry, TwilioAccount
from inbox.models import DriftFinding, Sender
from inbox.setup.assessing import our_pointing
from inbox.setup.drift import AGAIN, EVERY, look_at, repair, watch_next
from inbox.setup.numbers import attach_number
from inbox.setup.pointing import free_from_service, point_here, put_back
from inbox.setup.refusals import SetUpError
from inbox.status_urls import fallback_url, webhook_url
from inbox.twilio.errors import TwilioAwayError
from tests.factories import make_account, make_inbox, make_sender
from tests.inbox.setup.twilio_world import (
    CODE,
    FREE,
    NUMBER,
    OLD,
    OTHER,
    POOLED,
    SERVICE,
    TOKEN,
    Shop,
    world,
)


def attached(shop: Shop, now: datetime, address: str = NUMBER) -> Sender:
    return attach_number(
        inbox=shop.inbox, connection=shop.connection, address=address, by=shop.admin, now=now
    )


def here(shop: Shop, now: datetime, address: str = NUMBER) -> Sender:
    sender = attached(shop, now, address)
    point_here(sender=sender, by=shop.admin, now=now)
    sender.refresh_from_db()
    return sender


def open_kinds() -> set[tuple[str, str]]:
    rows = DriftFinding.objects.filter(resolved_at=None).select_related("sender")
    return {(str(row.sender or "account"), row.kind) for row in rows}


# --- Pointing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [NUMBER, CODE])
def test_messages_are_sent_here_and_back_where_they_went(
    shop: Shop, now: datetime, address: str
) -> None:
    before = shop.at_twilio(address).webhook_url
    sender = here(shop, now, address)

    remote = shop.at_twilio(address)
    assert remote.webhook_url.partition("#")[0] == webhook_url(sender)
    assert remote.fallback_url == fallback_url(sender)

    point_here(sender=sender, by=shop.admin, now=now)
    sender.refresh_from_db()
    assert put_back(sender=sender, by=shop.admin, now=now)
    assert shop.at_twilio(address).webhook_url == before
    sender.refresh_from_db()
    assert (sender.pointed_at, sender.pointed_before) == (None, None)


def test_what_somebody_else_set_meanwhile_is_left_alone(shop: Shop, now: datetime) -> None:
    sender = here(shop, now)
    shop.at_twilio(NUMBER).webhook_url = "https://theirs.example/"

    assert put_back(sender=sender, by=shop.admin, now=now) is False

    assert shop.at_twilio(NUMBER).webhook_url == "https://theirs.example/"


def test_an_application_gives_way_and_comes_back(shop: Shop, now: datetime) -> None:
    shop.at_twilio(OTHER).application_sid = "AP" + "e" * 32
    sender = here(shop, now, OTHER)

    assert shop.at_twilio(OTHER).application_sid == ""
    put_back(sender=sender, by=shop.admin, now=now)
    assert shop.at_twilio(OTHER).application_sid == "AP" + "e" * 32


def test_a_service_itself_is_pointed_here_and_back(shop: Shop, now: datetime) -> None:
    sender = here(shop, now, SERVICE)
    service = shop.twilio.simulator.parts.store.services[SERVICE]

    assert str(service.inbound_request_url).partition("#")[0] == webhook_url(sender)
    look_at(shop.connection, now=now)
    assert open_kinds() == set()
    put_back(sender=sender, by=shop.admin, now=now)
    assert service.inbound_request_url == "https://pool.example/?token=secret"


def test_a_lost_answer_is_no_harm(shop: Shop, now: datetime) -> None:
    sender = attached(shop, now)
    shop.twilio.fault("server_error_after", on="numbers POST")

    with pytest.raises(TwilioAwayError):
        point_here(sender=sender, by=shop.admin, now=now)
    sender.refresh_from_db()
    assert sender.pointed_before
    assert sender.pointed_before["pointing"]["inbound_url"] == OLD
    point_here(sender=sender, by=shop.admin, now=now)

    sender.refresh_from_db()
    assert sender.pointed_before
    assert sender.pointed_before["pointing"]["inbound_url"] == OLD


def test_what_is_written_down_holds_no_secret_of_an_address(shop: Shop, now: datetime) -> None:
    shop.at_twilio(NUMBER).webhook_url = "https://theirs.example/in?token=hush"
    here(shop, now)

    assert "hush" not in str(list(AuditEntry.objects.values_list("data", flat=True)))


# --- Watching ------------------------------------------------------------------------------------


def test_an_inbox_that_is_right_has_no_finding(shop: Shop, now: datetime) -> None:
    here(shop, now)

    assert look_at(shop.connection, now=now)

    assert not DriftFinding.objects.exists()
    assert not AuditEntry.objects.filter(is_alarm=True).exists()
    assert Sender.objects.get().checked_at == now


CHANGES: list[tuple[str, Any, str]] = [
    ("webhook", lambda shop: setattr(shop.at_twilio(NUMBER), "webhook_url", OLD), OLD),
    ("fallback", lambda shop: setattr(shop.at_twilio(NUMBER), "fallback_url", ""), ""),
    ("application", lambda s: setattr(s.at_twilio(NUMBER), "application_sid", "AP1"), "AP1"),
    ("service", lambda s: setattr(s.at_twilio(NUMBER), "service_sid", SERVICE), "Campaigns"),
]


@pytest.mark.parametrize(("kind", "change", "found"), CHANGES)
def test_a_change_is_found_once_alarmed_and_repaired_with_one_click(
    shop: Shop, now: datetime, kind: str, change: Any, found: str
) -> None:
    here(shop, now)
    change(shop)

    for _ in range(2):
        look_at(shop.connection, now=now)

    finding = DriftFinding.objects.get()
    assert (finding.kind, finding.found) == (kind, found)
    assert AuditEntry.objects.filter(action="twilio_drifted", is_alarm=True).count() == 1

    repair(finding=finding, by=shop.admin, now=now)
    finding.refresh_from_db()
    assert finding.resolved_at == now
    assert open_kinds() == set()
    assert AuditEntry.objects.filter(action="twilio_drift_resolved").count() == 1


def test_what_is_right_again_is_closed_by_itself(shop: Shop, now: datetime) -> None:
    sender = here(shop, now)
    shop.at_twilio(NUMBER).webhook_url = OLD
    look_at(shop.connection, now=now)
    shop.at_twilio(NUMBER).webhook_url = our_pointing(sender).inbound_url

    look_at(shop.connection, now=now + timedelta(days=1))

    assert DriftFinding.objects.get().resolved_at == now + timedelta(days=1)


def test_a_number_that_was_never_set_up_alarms_nobody(shop: Shop, now: datetime) -> None:
    attached(shop, now)

    look_at(shop.connection, now=now)

    assert open_kinds() == {(NUMBER, "webhook"), (NUMBER, "fallback")}
    assert not AuditEntry.objects.filter(is_alarm=True).exists()


def test_a_number_that_went_cannot_be_repaired_from_here(shop: Shop, now: datetime) -> None:
    here(shop, now)
    del shop.twilio.simulator.parts.store.senders[NUMBER]

    look_at(shop.connection, now=now)

    finding = DriftFinding.objects.get()
    assert finding.kind == "gone"
    with pytest.raises(SetUpError, match="at Twilio"):
        repair(finding=finding, by=shop.admin, now=now)


def test_a_number_that_lost_sms_is_found(shop: Shop, now: datetime) -> None:
    here(shop, now)
    shop.at_twilio(NUMBER).capabilities = ("voice",)

    look_at(shop.connection, now=now)

    assert open_kinds() == {(NUMBER, "cannot_text")}
    assert Sender.objects.get().capabilities == ["voice"]


def test_a_dead_token_is_found_and_says_nothing_of_the_numbers(shop: Shop, now: datetime) -> None:
    here(shop, now)
    shop.at_twilio(NUMBER).webhook_url = OLD
    look_at(shop.connection, now=now)
    TwilioAccount.objects.update(auth_token="9" * 32)
    shop.connection.refresh_from_db()

    look_at(shop.connection, now=now)
    assert open_kinds() == {("account", "credentials"), (NUMBER, "webhook")}

    TwilioAccount.objects.update(auth_token=TOKEN)
    shop.connection.refresh_from_db()
    look_at(shop.connection, now=now)
    assert open_kinds() == {(NUMBER, "webhook")}


def test_a_suspended_account_is_found(shop: Shop, now: datetime) -> None:
    here(shop, now)
    world(shop.twilio, status="suspended")

    look_at(shop.connection, now=now)

    assert {kind for _who, kind in open_kinds()} == {"inactive"}


@pytest.mark.parametrize("on", ["accounts GET", "numbers GET", "services GET", "short_codes GET"])
def test_while_twilio_is_away_nothing_is_concluded(shop: Shop, now: datetime, on: str) -> None:
    here(shop, now)
    shop.twilio.fault("server_error", on=on)

    assert look_at(shop.connection, now=now) is False

    assert not DriftFinding.objects.exists()


def test_a_pooled_number_is_freed_from_its_service(shop: Shop, now: datetime) -> None:
    sender = here(shop, now, POOLED)
    look_at(shop.connection, now=now)
    assert open_kinds() == {(POOLED, "service")}

    free_from_service(sender=sender, by=shop.admin, now=now)

    look_at(shop.connection, now=now)
    assert open_kinds() == set()
    assert shop.twilio.simulator.parts.store.services[SERVICE].use_inbound_webhook_on_number


def test_the_watch_looks_at_each_account_once_a_day(shop: Shop, now: datetime) -> None:
    here(shop, now)
    TwilioAccount.objects.update(checked_at=now - EVERY)

    assert watch_next(now=now)
    assert not watch_next(now=now)
    assert watch_next(now=now + EVERY)


def test_the_watch_asks_again_soon_when_there_was_no_answer(shop: Shop, now: datetime) -> None:
    here(shop, now)
    TwilioAccount.objects.update(checked_at=None)
    shop.twilio.fault("server_error", on="accounts GET")

    assert watch_next(now=now)

    assert not watch_next(now=now)
    assert watch_next(now=now + AGAIN)


def test_the_watch_leaves_alone_what_nobody_uses(shop: Shop, now: datetime) -> None:
    TwilioAccount.objects.update(checked_at=None)

    assert not watch_next(now=now)


def test_registrations_are_remembered(shop: Shop, now: datetime) -> None:
    shop.at_twilio(FREE).verification_status = "TWILIO_REJECTED"
    store = shop.twilio.simulator.parts.store
    store.services[SERVICE].campaign_status = "VERIFIED"
    for address in (NUMBER, FREE, POOLED, "+447700900123", CODE):
        attached(shop, now, address)

    look_at(shop.connection, now=now)

    found = dict(Sender.objects.values_list("address", "registration"))
    assert found == {
        NUMBER: "missing",
        FREE: "refused",
        POOLED: "done",
        "+447700900123": "not_needed",
        CODE: "not_needed",
    }


def test_findings_of_one_account_are_nothing_to_another(shop: Shop, now: datetime) -> None:
    make_sender(make_inbox(make_account("Umbrella")), "+15550109999")
    here(shop, now)
    shop.at_twilio(NUMBER).webhook_url = OLD

    look_at(shop.connection, now=now)

    assert DriftFinding.objects.get().account == shop.account
