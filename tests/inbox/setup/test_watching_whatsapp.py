"""Do customers' WhatsApp messages come here, and do we notice when they do not?"""

from datetime import datetime
from typing import Any

import pytest

from accounts.models import AuditEntry, Feature, FeatureGrant
from inbox.models import DriftFinding, Sender
from inbox.setup.drift import look_at, repair
from inbox.setup.pointing import point_here, put_back
from inbox.setup.preflight import preflight
from inbox.status_urls import fallback_url, webhook_url
from tests.factories import make_sender
from tests.inbox.setup.twilio_world import NUMBER, OLD, SERVICE, SID, Shop

WHATSAPP = "whatsapp:+14155550190"
REPORTS = "https://reports.example/status"


@pytest.fixture
def sender(shop: Shop) -> Sender:
    """A WhatsApp sender of the shop, whose messages go somewhere else."""
    known = {"account_sid": SID, "address": WHATSAPP, "webhook_url": OLD, "status_url": REPORTS}
    shop.twilio.tell("config", senders=[known])
    return make_sender(shop.inbox, WHATSAPP, twilio_account=shop.connection)


@pytest.fixture
def here(shop: Shop, sender: Sender, now: datetime) -> Sender:
    """The same, after its webhooks were set."""
    point_here(sender=sender, by=shop.admin, now=now)
    look_at(shop.connection, now=now)
    sender.refresh_from_db()
    return sender


def open_kinds() -> set[tuple[str, str]]:
    rows = DriftFinding.objects.filter(resolved_at=None).select_related("sender")
    return {(str(row.sender or "account"), row.kind) for row in rows}


def checks(shop: Shop, now: datetime) -> dict[str, str]:
    """Return the state of each check of the inbox, by its kind."""
    found = preflight(team=shop.inbox.team, now=now)
    return {one.key.partition("-")[0]: one.state for one in found.checks}


def test_its_messages_are_sent_here_and_back_where_they_went(
    shop: Shop, sender: Sender, now: datetime
) -> None:
    before = point_here(sender=sender, by=shop.admin, now=now)

    remote = shop.at_twilio(WHATSAPP)
    assert before == OLD
    assert (remote.webhook_url, remote.fallback_url) == (webhook_url(sender), fallback_url(sender))
    assert remote.status_url == REPORTS, "what is theirs stays"
    sender.refresh_from_db()
    assert put_back(sender=sender, by=shop.admin, now=now)
    assert (remote.webhook_url, remote.status_url) == (OLD, REPORTS)


def test_one_that_was_never_set_up_is_found_and_alarms_nobody(
    shop: Shop, sender: Sender, now: datetime
) -> None:
    look_at(shop.connection, now=now)

    assert open_kinds() == {(WHATSAPP, "webhook"), (WHATSAPP, "fallback")}
    assert not AuditEntry.objects.filter(is_alarm=True).exists()


CHANGES: list[tuple[str, Any, str]] = [
    ("webhook", lambda shop: setattr(shop.at_twilio(WHATSAPP), "webhook_url", OLD), OLD),
    ("fallback", lambda shop: setattr(shop.at_twilio(WHATSAPP), "fallback_url", ""), ""),
    ("service", lambda s: setattr(s.at_twilio(WHATSAPP), "service_sid", SERVICE), "Campaigns"),
]


@pytest.mark.parametrize(("kind", "change", "found"), CHANGES)
def test_a_change_is_found_once_alarmed_and_repaired_with_one_click(
    shop: Shop, here: Sender, now: datetime, kind: str, change: Any, found: str
) -> None:
    change(shop)

    for _ in range(2):
        look_at(shop.connection, now=now)

    finding = DriftFinding.objects.get()
    assert (finding.kind, finding.found) == (kind, found)
    assert AuditEntry.objects.filter(action="twilio_drifted", is_alarm=True).count() == 1
    repair(finding=finding, by=shop.admin, now=now)
    assert open_kinds() == set()
    assert here.checked_at == now


def test_one_that_went_is_found(shop: Shop, here: Sender, now: datetime) -> None:
    del shop.twilio.simulator.parts.store.senders[WHATSAPP]

    look_at(shop.connection, now=now)

    assert open_kinds() == {(WHATSAPP, "gone")}


def test_where_twilio_does_not_say_numbers_are_judged_all_the_same(
    shop: Shop, here: Sender, now: datetime
) -> None:
    make_sender(shop.inbox, NUMBER, twilio_account=shop.connection)
    shop.at_twilio(WHATSAPP).webhook_url = OLD
    look_at(shop.connection, now=now)
    shop.twilio.fault("reject", on="senders GET", code=20404, times=-1)

    assert look_at(shop.connection, now=now)

    assert open_kinds() == {(WHATSAPP, "webhook"), (NUMBER, "webhook"), (NUMBER, "fallback")}
    assert checks(shop, now)["approval"] == "later"


def test_who_has_no_whatsapp_is_not_asked_about_it(shop: Shop, now: datetime) -> None:
    make_sender(shop.inbox, NUMBER, twilio_account=shop.connection)
    shop.twilio.fault("server_error", on="senders GET", times=-1)

    assert look_at(shop.connection, now=now)
    assert checks(shop, now)["connection"] == "good"


@pytest.mark.parametrize(
    ("status", "state"),
    [("ONLINE", "good"), ("ONLINE:UPDATING", "good"), ("CREATING", "later"), ("OFFLINE", "bad")],
)
def test_the_checklist_says_how_whatsapp_stands(
    shop: Shop, here: Sender, now: datetime, status: str, state: str
) -> None:
    shop.twilio.tell("senders", address=WHATSAPP, status=status)

    found = checks(shop, now)

    assert (found["approval"], found["here"], found["whatsapp"]) == (state, "good", "good")


def test_without_the_grant_the_checklist_says_whom_to_ask(
    shop: Shop, here: Sender, now: datetime
) -> None:
    FeatureGrant.objects.filter(feature=Feature.WHATSAPP).delete()

    found = preflight(team=shop.inbox.team, now=now)

    [check] = [one for one in found.checks if one.key == "whatsapp"]
    assert (check.state, check.action) == ("bad", "request_feature")
    assert "Your partner can switch it on" in check.words
