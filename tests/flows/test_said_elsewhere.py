"""What people note of consent that was said on the phone, by e-mail, over the counter."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import User
from compliance.comparing import differences
from compliance.gate import Purpose, Reason, SendBlockedError
from compliance.models import Consent, ConsentEvent
from compliance.verifying import verify_account
from inbox.models import ConversationEvent
from inbox.refusals import MissingInputError, NotAllowedError, RefusedError
from inbox.said_elsewhere import lift_noted, mark_no_contact, note_opt_out
from inbox.sending import Wanted, verdict_on
from tests.conftest import House
from tests.flows.test_together import Stage


@pytest.fixture
def stage(house: House, client: Client, now: object) -> Stage:
    return Stage(house, client, now)  # type: ignore[arg-type]


def _state() -> str:
    return Consent.objects.get().state


def test_an_opt_out_on_the_phone_is_noted_with_who_and_when(stage: Stage) -> None:
    waiting = stage.reply(stage.house.alice)
    said_at = stage.now - timedelta(hours=2)

    stage.do(note_opt_out, stage.house.bob, way="phone", note="She rang the shop", said_at=said_at)

    waiting.refresh_from_db()
    event = ConsentEvent.objects.get()
    assert (_state(), waiting.status) == ("opted_out", "canceled")
    assert (event.kind, event.source, event.recorded_by) == ("opt_out", "verbal", stage.house.bob)
    assert (event.occurred_at, event.recorded_at) == (said_at, stage.now)
    assert event.personal.note == "phone: She rang the shop"
    line = ConversationEvent.objects.get(verb="consent")
    assert line.actor == stage.house.bob
    with pytest.raises(SendBlockedError):
        stage.reply(stage.house.alice)
    assert list(differences(stage.house.account.pk)) == []
    assert verify_account(stage.house.account.pk).broken is None


@pytest.mark.parametrize("way", ["", "pigeon"])
def test_how_they_asked_must_be_said(stage: Stage, way: str) -> None:
    with pytest.raises(MissingInputError, match="how they asked"):
        stage.do(note_opt_out, stage.house.alice, way=way, note="")

    assert _state() == "conversational"


def test_nobody_asks_in_the_future(stage: Stage) -> None:
    tomorrow = stage.now + timedelta(days=1)

    with pytest.raises(MissingInputError, match="future"):
        stage.do(note_opt_out, stage.house.alice, way="email", note="", said_at=tomorrow)

    assert not ConsentEvent.objects.exists()


def test_what_a_person_noted_is_taken_back_with_a_reason(stage: Stage) -> None:
    stage.do(note_opt_out, stage.house.alice, way="email", note="")
    stage.now += timedelta(hours=1)

    with pytest.raises(MissingInputError):
        stage.do(lift_noted, stage.house.bob, reason="  ")
    stage.do(lift_noted, stage.house.bob, reason="It was another customer")

    assert _state() == "conversational"
    assert ConsentEvent.objects.get(kind="void").personal.reason == "It was another customer"
    assert stage.reply(stage.house.alice).status == "queued"


def test_what_they_texted_themselves_is_taken_back_by_nobody(stage: Stage) -> None:
    stage.hear("STOP")
    stage.now += timedelta(hours=1)
    stage.do(note_opt_out, stage.house.alice, way="phone", note="")

    with pytest.raises(RefusedError, match="START"):
        stage.do(lift_noted, stage.house.alice, reason="She changed her mind")

    assert _state() == "opted_out"


def test_supervisors_forbid_to_write_and_no_keyword_lifts_it(stage: Stage) -> None:
    waiting = stage.reply(stage.house.alice)
    sue = stage.house.sue

    with pytest.raises(NotAllowedError):
        stage.do(mark_no_contact, stage.house.alice, reason="A threat", is_on=True)
    with pytest.raises(MissingInputError):
        stage.do(mark_no_contact, sue, reason="", is_on=True)
    stage.do(mark_no_contact, sue, reason="A threat", is_on=True)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.error_code) == ("canceled", "DO_NOT_CONTACT")
    stage.now += timedelta(minutes=1)
    stage.hear("START")

    with pytest.raises(SendBlockedError) as refused:
        stage.reply(stage.house.alice)
    assert refused.value.verdict.reason is Reason.DO_NOT_CONTACT
    assert "Sue marked this person do-not-contact" in refused.value.reason
    stage.now += timedelta(minutes=1)
    stage.do(mark_no_contact, sue, reason="All is well", is_on=False)
    assert stage.reply(stage.house.alice).status == "queued"
    assert list(differences(stage.house.account.pk)) == []


def test_do_not_contact_holds_for_every_purpose_but_the_one_confirmation(stage: Stage) -> None:
    stage.do(mark_no_contact, stage.house.sue, reason="A minor", is_on=True)

    said = {
        purpose: verdict_on(
            stage.row.thread,
            Wanted(purpose, stage.house.alice, stage.now, "Acme: you are out"),
            now=stage.now,
        ).reason
        for purpose in Purpose
    }

    assert said.pop(Purpose.OPT_OUT_CONFIRMATION) is Reason.OK
    assert set(said.values()) == {Reason.DO_NOT_CONTACT}


def test_the_panel_offers_what_somebody_may_do(stage: Stage, login, charlie: User) -> None:
    house, cid = stage.house, stage.row.public_id

    def panel(user: User) -> str:
        return login(user).get(f"/c/{cid}/panel/").content.decode()

    assert "They asked to stop elsewhere" in panel(house.alice)
    assert "Nobody may write to them" not in panel(house.alice)
    assert "Nobody may write to them" in panel(house.sue)
    form = {"way": "phone", "note": "", "said_at": "2026-11-20T10:00", "next": f"/c/{cid}/panel/"}
    answer = login(house.alice).post(f"/c/{cid}/consent/opt-out/", form)
    assert (answer.status_code, answer["Location"]) == (302, f"/c/{cid}/panel/")
    assert "It was noted in error" in panel(house.alice)
    assert login(charlie).post(f"/c/{cid}/consent/opt-out/", form).status_code == 404
    script = {"Accept": "application/json"}
    wrong = login(house.alice).post(
        f"/c/{cid}/consent/opt-out/", {**form, "said_at": "yesterday"}, headers=script
    )
    assert wrong.status_code == 422
