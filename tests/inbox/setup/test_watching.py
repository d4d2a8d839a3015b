"""Do messages come here, do we notice when they do not, and can it be put right and back?"""

import threading
from dataclasses import asdict
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.db import connection

from accounts.models import AuditEntry, TwilioAccount
from inbox.models import DriftFinding, Sender
from inbox.setup.assessing import our_pointing
from inbox.setup.drift import AGAIN, EVERY, look_at, repair, watch_next
from inbox.setup.numbers import attach_number
from inbox.setup.pointing import free_from_service, point_here, put_back
from inbox.setup.refusals import SetUpError
from inbox.status_urls import fallback_url, webhook_url
from inbox.twilio.errors import TwilioAwayError
from inbox.twilio.provisioning import Pointing
from tests.carrier import Twilio
from tests.factories import make_account, make_inbox, make_sender
from tests.inbox.setup.twilio_world import (
    CODE,
    FREE,
    NUMBER,
    OLD,
    OTHER,
    POOLED,
    SERVICE,
    SID,
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


def test_an_application_on_top_is_theirs_and_stays(shop: Shop, now: datetime) -> None:
    """Our address below it is no proof that messages still come here."""
    sender = here(shop, now)
    shop.at_twilio(NUMBER).application_sid = "AP" + "e" * 32

    assert put_back(sender=sender, by=shop.admin, now=now) is False

    assert shop.at_twilio(NUMBER).application_sid == "AP" + "e" * 32


def test_an_application_that_came_on_top_is_remembered(shop: Shop, now: datetime) -> None:
    sender = here(shop, now)
    shop.at_twilio(NUMBER).application_sid = "AP" + "e" * 32

    assert point_here(sender=sender, by=shop.admin, now=now) == "AP" + "e" * 32
    sender.refresh_from_db()
    put_back(sender=sender, by=shop.admin, now=now)

    assert shop.at_twilio(NUMBER).application_sid == "AP" + "e" * 32


def test_an_old_address_of_ours_is_neither_remembered_nor_shown(shop: Shop, now: datetime) -> None:
    sender = here(shop, now)
    old = sender.path_token
    Sender.objects.filter(pk=sender.pk).update(path_token="renewed" * 4)
    sender = Sender.objects.get(pk=sender.pk)
    look_at(shop.connection, now=now)
    [found] = DriftFinding.objects.filter(kind="webhook").values_list("found", flat=True)

    before = point_here(sender=sender, by=shop.admin, now=now)
    sender.refresh_from_db()
    put_back(sender=sender, by=shop.admin, now=now)

    assert before == ""
    assert shop.at_twilio(NUMBER).webhook_url == OLD, "not the address that leads nowhere"
    told = [found, before, *AuditEntry.objects.values_list("data", flat=True)]
    assert old not in str(told)


def test_what_came_here_from_the_start_is_not_made_deaf(shop: Shop, now: datetime) -> None:
    sender = attached(shop, now)
    url = shop.at_twilio(NUMBER).webhook_url = our_pointing(sender).inbound_url

    assert put_back(sender=sender, by=shop.admin, now=now) is False

    assert shop.at_twilio(NUMBER).webhook_url == url


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
    shop.at_twilio(NUMBER).webhook_url = "https://me:hush@theirs.example/in?token=hush#hush"
    sender = attached(shop, now)
    look_at(shop.connection, now=now)
    before = point_here(sender=sender, by=shop.admin, now=now)

    assert before == "https://theirs.example/in"
    told = [*AuditEntry.objects.values_list("data", "subject"), *DriftFinding.objects.values()]
    assert "theirs.example" in str(told)
    sender.refresh_from_db()
    assert "hush" not in str(told) + str(sender.pointed_before)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM inbox_sender")
        assert "hush" not in str(cursor.fetchall())
    put_back(sender=sender, by=shop.admin, now=now)
    assert shop.at_twilio(NUMBER).webhook_url.startswith("https://me:hush@theirs.example/in?token")


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


def test_a_number_and_its_service_may_both_be_here(shop: Shop, now: datetime) -> None:
    here(shop, now, SERVICE)
    attached(shop, now, POOLED)

    look_at(shop.connection, now=now)

    assert open_kinds() == set()


def test_what_was_found_of_a_removed_number_is_over(shop: Shop, now: datetime) -> None:
    sender = here(shop, now)
    shop.at_twilio(NUMBER).webhook_url = OLD
    look_at(shop.connection, now=now)
    Sender.objects.filter(pk=sender.pk).update(removed_at=now)
    attached(shop, now, OTHER)

    look_at(shop.connection, now=now)

    assert {who for who, _kind in open_kinds()} == {OTHER}


def test_an_account_with_thousands_of_numbers_loses_none(shop: Shop, now: datetime) -> None:
    shop.twilio.tell(
        "config",
        senders=[{"account_sid": SID, "address": f"+1415556{n:04d}"} for n in range(1200)],
    )
    last = f"+1415556{1199:04d}"
    here(shop, now, last)
    here(shop, now, "+14155560000")

    look_at(shop.connection, now=now)

    assert open_kinds() == set()


def test_an_account_whose_secret_no_key_opens_keeps_nobody_waiting(
    shop: Shop, now: datetime, settings: Any
) -> None:
    here(shop, now)
    TwilioAccount.objects.update(checked_at=None)
    settings.SECRET_FIELD_KEYS = [Fernet.generate_key().decode()]

    assert watch_next(now=now)

    assert not DriftFinding.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_looks(twilio: Twilio, now: datetime) -> None:
    shop = Shop(twilio)
    here(shop, now)
    TwilioAccount.objects.update(checked_at=None)
    before = _asked_about(shop)
    start = threading.Barrier(6)

    def work() -> None:
        start.wait()
        try:
            while watch_next(now=now):
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert _asked_about(shop) == before + 1
    assert TwilioAccount.objects.get().checked_at == now


def _asked_about(shop: Shop) -> int:
    """Count how often Twilio was asked about the account itself."""
    path = f"/2010-04-01/Accounts/{SID}.json"
    return sum(one["url"].endswith(path) for one in shop.twilio.ask("requests")["requests"])


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


def test_addresses_that_were_kept_plain_are_sealed(shop: Shop, now: datetime) -> None:
    """What the migration does to what was remembered before it."""
    url = "https://me:hush@theirs.example/in?token=hush"
    kept = {"pointing": asdict(Pointing(url)), "is_by_number": False}
    sender = here(shop, now)
    Sender.objects.filter(pk=sender.pk).update(pointed_before=kept, addresses_before="")

    import_module("inbox.migrations.0008_addresses_before").seal(apps, None)

    sender.refresh_from_db()
    assert "hush" not in str(sender.pointed_before)
    assert "https://theirs.example/in" in str(sender.pointed_before)
    assert put_back(sender=sender, by=shop.admin, now=now)
    assert shop.at_twilio(NUMBER).webhook_url == url
