"""Does the line over the composer say what the gate knows, and nothing else?"""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from compliance.judging import SERVICE_WINDOW
from compliance.models import Consent
from inbox.models import Conversation, Thread
from inbox.preflight import Preflight, preflight_of
from inbox.sending import compose_verdict
from tests.conftest import House
from tests.factories import make_sender
from tests.flows.test_together import Stage, stage
from tests.twilio import text_in

__all__ = ["stage"]


def line_of(stage: Stage) -> Preflight:
    row = stage.row
    verdict = compose_verdict(conversation=row, user=stage.house.alice, now=stage.now)
    return preflight_of(row, verdict, now=stage.now)


def test_who_wrote_may_be_answered_and_the_line_says_since_when(stage: Stage) -> None:
    line = line_of(stage)

    assert (line.consent, line.is_consent_good) == ("They wrote to us", True)
    assert line.consent_since == Consent.objects.get().since
    assert line.zones == ("America/Los_Angeles",)
    assert (line.window_ends_at, line.needs_template, line.megabytes) == (None, False, 5)


@pytest.mark.parametrize(("words", "said"), [("STOP", "Opted out"), ("START", "They wrote to us")])
def test_it_follows_what_the_customer_says(stage: Stage, words: str, said: str) -> None:
    stage.hear("STOP")
    stage.now += timedelta(minutes=1)
    stage.hear(words)

    assert line_of(stage).consent == said
    assert line_of(stage).is_consent_good is (words == "START")


def test_on_whatsapp_it_says_until_when_one_answers_freely(house: House, client: Client) -> None:
    whatsapp = make_sender(
        house.inbox, "whatsapp:+15550100003", twilio_account=house.sender.twilio_account
    )
    row = text_in(client, whatsapp, "whatsapp:+14155550177", "Is it ready?").conversation
    assert row is not None
    row = Conversation.objects.select_related(
        "inbox", "thread__sender", "thread__contact", "thread__address", "contact"
    ).get(pk=row.pk)
    wrote_at = row.thread.last_inbound_at
    assert wrote_at is not None

    def line(after: timedelta) -> Preflight:
        now = wrote_at + after
        return preflight_of(
            row, compose_verdict(conversation=row, user=house.alice, now=now), now=now
        )

    soon, late = line(timedelta(hours=3)), line(SERVICE_WINDOW)
    assert (soon.window_ends_at, soon.needs_template) == (wrote_at + SERVICE_WINDOW, False)
    assert (late.window_ends_at, late.needs_template) == (None, True)
    assert soon.megabytes == 16


def test_the_desk_brings_it_anew_with_everything_else(stage: Stage, login: Any) -> None:
    path = f"/c/{stage.row.public_id}/desk/"
    alice = login(stage.house.alice)

    before = alice.get(path).text
    stage.hear("STOP")
    after = alice.get(path).text

    assert 'id="preflight"' in before
    assert "They wrote to us" in before
    assert "Opted out" in after


def test_where_nothing_is_known_of_their_consent_it_says_so(stage: Stage) -> None:
    Consent.objects.all().delete()
    Thread.objects.update(last_inbound_at=timezone.now() - timedelta(days=60))

    line = line_of(stage)

    assert (line.consent, line.consent_since, line.is_consent_good) == (
        "Consent unknown",
        None,
        False,
    )
