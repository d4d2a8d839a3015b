"""Is every end told once, in time, to everybody whom it concerns, and does it act by itself?"""

from __future__ import annotations

import smtplib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends import locmem
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts.granting import end_grant
from accounts.licences import end_licenses
from accounts.models import (
    Account,
    AuditEntry,
    ExpiryNotice,
    FeatureGrant,
    License,
    LicensePool,
    User,
)
from inbox.conversations import claim_conversation, release_ineligible
from inbox.models import Conversation, ConversationEvent
from inbox.setup.expiring import ending_soon, mail_notices, note_expiries
from tests.admin_world import browser_of, make_partner_user
from tests.conftest import House
from tests.factories import make_account, make_user
from tests.flows.test_together import Stage

DAY = timedelta(days=1)


@pytest.fixture
def ada(house: House) -> User:
    return make_user(
        house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, email="ada@example.com"
    )


@pytest.fixture
def pat(house: House) -> User:
    return make_partner_user(house.account.partner, "pat@example.com")


@pytest.fixture
def stage(house: House, client: Client, now: datetime) -> Stage:
    """Alice owns a conversation."""
    stage = Stage(house, client, now)
    stage.do(claim_conversation, house.alice)
    return stage


def grant_of(house: House) -> FeatureGrant:
    return FeatureGrant.objects.get(account=house.account, feature="team_inbox")


def ends(row: Any, at: datetime) -> None:
    type(row).objects.filter(pk=row.pk).update(ends_at=at)


def told() -> list[int]:
    return list(ExpiryNotice.objects.order_by("pk").values_list("days", flat=True))


# --- Warnings -------------------------------------------------------------------------------------


def test_a_warning_comes_thirty_seven_and_one_days_before_and_at_the_end(
    house: House, now: datetime
) -> None:
    end = now + 40 * DAY
    ends(grant_of(house), end)

    heard = []
    for hours in range(0, 24 * 41, 6):
        heard += [hours / 24] * note_expiries(now=now + timedelta(hours=hours))

    assert heard == [10, 33, 39, 40]
    assert told() == [30, 7, 1, 0]
    assert note_expiries(now=now + 41 * DAY) == 0


def test_of_an_end_that_is_near_when_it_is_set_the_nearest_warning_alone_is_given(
    house: House, now: datetime
) -> None:
    ends(grant_of(house), now + 5 * DAY)

    assert note_expiries(now=now) == 1
    assert told() == [7]
    ends(grant_of(house), now + 6 * DAY)
    assert note_expiries(now=now) == 1, "another end"


def test_what_is_short_by_intention_is_warned_of_late(house: House, now: datetime) -> None:
    FeatureGrant.objects.create(
        account=house.account, feature="custom_routing", starts_at=now, ends_at=now + 3 * DAY
    )

    assert note_expiries(now=now) == 0
    assert note_expiries(now=now + 2.5 * DAY) == 1
    assert told() == [1]


def test_what_goes_on_without_a_gap_is_no_end(house: House, now: datetime) -> None:
    ends(grant_of(house), now + DAY)
    FeatureGrant.objects.create(account=house.account, feature="team_inbox", starts_at=now + DAY)

    assert note_expiries(now=now) == 0
    assert note_expiries(now=now + 2 * DAY) == 0
    assert ending_soon(Account.objects.all(), now=now) == []


def test_seats_are_told_once_and_not_for_each_holder(house: House, now: datetime) -> None:
    pool = LicensePool.objects.get(account=house.account)
    License.objects.update(ends_at=now + 20 * DAY)
    ends(pool, now + 20 * DAY)
    early = License.objects.get(holder=house.bob)
    ends(early, now + 10 * DAY)

    assert note_expiries(now=now) == 2
    words = sorted(ExpiryNotice.objects.values_list("words", flat=True))
    assert words == [
        "1000 Pro-CX seats end on 13 Dec 2026, 15:00 UTC.",
        "The licence of Bob ends on 3 Dec 2026, 15:00 UTC.",
    ]


def test_what_somebody_ended_is_no_news(house: House, ada: User, now: datetime) -> None:
    end_grant(grant=grant_of(house), by=ada, reason="x", now=now)
    seat = License.objects.get(holder=house.alice)
    end_licenses(licenses=[seat], by=ada, reason="x", now=now)

    assert note_expiries(now=now + DAY) == 0


def test_many_sweeps_at_once_tell_it_once(house: House, now: datetime) -> None:
    ends(grant_of(house), now + 5 * DAY)

    assert [note_expiries(now=now) for _ in range(3)] == [1, 0, 0]


@pytest.mark.django_db(transaction=True)
def test_many_processes_at_once_tell_and_mail_it_once(now: datetime) -> None:
    account = make_account("Acme")
    make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, email="ada@example.com")
    FeatureGrant.objects.update(ends_at=now + 5 * DAY)

    def sweep(_n: int) -> tuple[int, int]:
        try:
            return note_expiries(now=now), mail_notices(now=now)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=6) as threads:
        done = list(threads.map(sweep, range(6)))
    mail_notices(now=now)

    assert sum(noted for noted, _mailed in done) == 2, "Team Inbox and WhatsApp"
    assert AuditEntry.objects.filter(action="grant_expiry_warned").count() == 2
    assert ExpiryNotice.objects.filter(mailed_at=None).count() == 0
    lines = "".join(str(letter.body) for letter in mail.outbox).count("ends on")
    assert lines == 2


# --- Who is told ----------------------------------------------------------------------------------


def test_admins_and_partner_get_one_letter(
    house: House, ada: User, pat: User, charlie: User, now: datetime
) -> None:
    assert charlie.account
    make_user(charlie.account, "Otto", works_as=User.Role.ACCOUNT_ADMIN)
    make_user(house.account, "Gil", works_as=User.Role.ACCOUNT_ADMIN, is_active=False)
    FeatureGrant.objects.filter(account=house.account).update(ends_at=now + 5 * DAY)
    note_expiries(now=now)

    assert mail_notices(now=now) == 1
    assert mail_notices(now=now + DAY) == 0

    [letter] = mail.outbox
    assert (letter.to, letter.bcc) == (["ada@example.com"], ["pat@example.com"])
    assert letter.subject == "Acme: Team Inbox licences and features that end"
    assert "- Team Inbox ends on 28 Nov 2026, 15:00 UTC." in letter.body
    assert "- WhatsApp ends on 28 Nov 2026, 15:00 UTC." in letter.body


def test_a_name_with_a_line_break_is_no_header_and_holds_nobody_up(
    house: House, ada: User, now: datetime
) -> None:
    Account.objects.filter(pk=house.account.pk).update(name="Acme\nBcc: eve@example.com")
    ends(grant_of(house), now + 5 * DAY)
    note_expiries(now=now)

    assert mail_notices(now=now) == 1

    [letter] = mail.outbox
    assert letter.subject.startswith("Acme Bcc: eve@example.com: Team Inbox licences")
    assert letter.recipients() == ["ada@example.com"]


def test_a_letter_that_the_server_refuses_goes_out_later(
    house: House, ada: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(grant_of(house), now + 5 * DAY)
    note_expiries(now=now)

    def refuse(*_: Any) -> int:
        raise smtplib.SMTPServerDisconnected("busy")

    with monkeypatch.context() as broken:
        broken.setattr(locmem.EmailBackend, "send_messages", refuse)
        assert mail_notices(now=now) == 0
    assert mail_notices(now=now) == 0, "not at once again"
    assert mail_notices(now=now + timedelta(minutes=6)) == 1


def test_an_end_is_an_alarm_of_the_partner_and_a_line_of_the_account(
    house: House, pat: User, now: datetime
) -> None:
    ends(grant_of(house), now)
    note_expiries(now=now + timedelta(seconds=3))

    line = AuditEntry.objects.get(action="grant_expired")
    assert (line.account, line.is_alarm) == (house.account, True)
    assert line.data["words"] == "Team Inbox ended on 23 Nov 2026, 15:00 UTC."


def test_the_first_page_of_the_admin_says_what_ends_soon(house: House, pat: User) -> None:
    ends(grant_of(house), timezone.now() + 5 * DAY)
    elsewhere = make_account("Umbrella", partner_name="Southridge")
    quinn = make_partner_user(elsewhere.partner, "quinn@example.com")

    lines = [line.words for line in browser_of(pat).get("/admin/").context["to_do"]]
    theirs = [line.words for line in browser_of(quinn).get("/admin/").context["to_do"]]

    assert any(line.startswith("Acme: Team Inbox ends on") for line in lines)
    assert not any("Acme" in line for line in theirs)


# --- What an end does -----------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["licence", "pool", "grant"])
def test_an_end_gives_conversations_back_by_itself(stage: Stage, what: str) -> None:
    house, soon = stage.house, stage.now + timedelta(hours=1)
    License.objects.update(ends_at=soon)
    if what == "licence":
        License.objects.exclude(holder=house.alice).update(ends_at=None)
    elif what == "pool":
        ends(LicensePool.objects.get(account=house.account), soon)
    else:
        License.objects.update(ends_at=None)
        ends(grant_of(house), soon)

    assert release_ineligible(now=soon - timedelta(microseconds=1)) == 0
    assert release_ineligible(now=soon) == 1
    assert release_ineligible(now=soon) == 0

    assert not Conversation.objects.filter(owner=house.alice).exists()
    assert ConversationEvent.objects.filter(verb="released").count() == 1
