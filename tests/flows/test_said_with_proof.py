"""Does an opt-in that an agent notes count for more with a proof that others can look at?"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from compliance.gate import Purpose, Reason, SendBlockedError
from compliance.models import Consent, ConsentEvent
from compliance.verifying import verify_account
from inbox import said_elsewhere
from inbox.asking_templates import NO_TEMPLATE
from inbox.models import OptInApproval
from inbox.refusals import MissingInputError, RefusedError
from inbox.said_elsewhere import Proof, note_opt_in, proof_of
from inbox.sending import Wanted, verdict_on
from inbox.threads import panel_page
from tests.conftest import House
from tests.factories import make_sender
from tests.flows.test_double_opt_in import settle_asking
from tests.flows.test_together import Stage
from tests.twilio import text_in

Login = Callable[[User], Client]
LINK = "https://files.example/calls/4711"
SCAN = b"%PDF-1.7 she signed"
TOLD = "May we text you offers?"


@pytest.fixture
def stage(house: House, client: Client, now: datetime) -> Stage:
    return Stage(house, client, now)


@pytest.fixture
def out(stage: Stage) -> Stage:
    """She stopped three hours ago."""
    stage.hear("STOP")
    stage.now += timedelta(hours=3)
    return stage


def consent() -> Consent:
    return Consent.objects.get(programme="*", family="sms")


def hears_offers(stage: Stage) -> bool:
    """Say whether consent is no reason against an offer."""
    words = "Acme: shoes are cheap. Reply STOP to stop."
    wanted = Wanted(Purpose.PROMOTIONAL, stage.house.alice, stage.now, words)
    verdict = verdict_on(stage.row.thread, wanted, now=stage.now)
    return verdict.reason not in (Reason.NO_PROMO_CONSENT, Reason.OPTED_OUT)


def post(client: Client, stage: Stage, **data: Any) -> Any:
    with time_machine.travel(stage.now, tick=False):
        return client.post(
            f"/c/{stage.row.public_id}/consent/opt-in/",
            {"way": "phone", "told": TOLD, **data},
            headers={"Accept": "application/json"},
        )


def test_a_word_is_followed_by_its_proof_and_what_is_written_lets_offers_go(stage: Stage) -> None:
    stage.do(note_opt_in, stage.house.alice, way="phone", told=TOLD)
    assert (consent().quality, hears_offers(stage)) == ("asserted_by_agent", False)
    stage.now += timedelta(minutes=1)

    written = {"way": "email", "told": TOLD, "is_written": True}
    with pytest.raises(MissingInputError, match="Attach"):
        stage.do(note_opt_in, stage.house.alice, **written)
    stage.do(note_opt_in, stage.house.alice, **written, proof=proof_of(LINK))

    assert (consent().state, consent().quality) == ("opted_in", "first_hand")
    assert (consent().basis, hears_offers(stage)) == ("express_written", True)
    event = ConsentEvent.objects.order_by("seq").last()
    assert event is not None
    assert (event.recorded_by, event.personal.page_url) == (stage.house.alice, LINK)
    assert event.personal.wording_text == TOLD
    assert verify_account(stage.house.account.pk).broken is None


def test_the_fingerprint_of_a_file_is_kept_and_its_name(stage: Stage, login: Login) -> None:
    alice = login(stage.house.alice)
    scan = SimpleUploadedFile("Übereinkunft.pdf", SCAN, "application/pdf")

    answer = post(alice, stage, way="letter", note="Came today", proof_file=scan)

    assert (answer.status_code, answer.json()["message"]) == (200, "They are opted in.")
    event = ConsentEvent.objects.get()
    assert (event.source, event.quality) == ("paper", "first_hand")
    assert event.file_sha256 == sha256(SCAN).hexdigest()
    assert event.personal.note == "letter: Came today · file: Übereinkunft.pdf"


def test_a_letter_is_proven_by_its_scan(stage: Stage) -> None:
    with pytest.raises(MissingInputError, match="hash of its scan"):
        stage.do(note_opt_in, stage.house.alice, way="letter", told=TOLD, proof=proof_of(LINK))

    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize(
    "link",
    ["order 4711", "javascript:alert(1)", "file:///etc/passwd", "https://", "ftp://a.example"],
)
def test_a_link_is_one_of_the_web(stage: Stage, login: Login, link: str) -> None:
    answer = post(login(stage.house.alice), stage, proof_link=link)

    assert answer.status_code == 422
    assert "https://" in answer.json()["detail"]
    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize(("size", "words"), [(0, "empty"), (11, "larger than")])
def test_a_file_is_neither_empty_nor_too_large(
    stage: Stage, login: Login, monkeypatch: pytest.MonkeyPatch, size: int, words: str
) -> None:
    monkeypatch.setattr(said_elsewhere, "LARGEST_PROOF", 10)
    file = SimpleUploadedFile("scan.png", b"x" * size)

    answer = post(login(stage.house.alice), stage, proof_file=file)

    assert (answer.status_code, words in answer.json()["detail"]) == (422, True)
    assert not ConsentEvent.objects.exists()


def test_who_opted_out_comes_back_by_a_newer_proof_only(out: Stage) -> None:
    alice, at = out.house.alice, out.now - timedelta(hours=1)
    proof = Proof(file_sha256="ab" * 32)

    with pytest.raises(RefusedError, match="new proof"):
        out.do(note_opt_in, alice, way="phone", told=TOLD, said_at=at)
    with pytest.raises(MissingInputError, match="when they agreed"):
        out.do(note_opt_in, alice, way="phone", told=TOLD, proof=proof)
    before = out.now - timedelta(hours=4)
    with pytest.raises(RefusedError, match="opted out after that"):
        out.do(note_opt_in, alice, way="phone", told=TOLD, proof=proof, said_at=before)
    assert (consent().state, ConsentEvent.objects.count()) == ("opted_out", 1)

    out.do(note_opt_in, alice, way="phone", told=TOLD, proof=proof, said_at=at)

    assert consent().state == "opted_in"
    # What she did at the carrier only she undoes there.
    with pytest.raises(SendBlockedError, match="PROVIDER_BLOCKED") as refused:
        out.reply(alice)
    assert "START" in refused.value.reason


def test_a_second_person_decides_where_the_account_wants_it(out: Stage, login: Login) -> None:
    settle_asking(out.house.account, out.house.sue, out.now, approves=True)
    said_at = (out.now - timedelta(hours=1)).isoformat()

    answer = post(login(out.house.alice), out, proof_link=LINK, said_at=said_at)

    assert "second person" in answer.json()["message"]
    row = OptInApproval.objects.get()
    assert (row.asked_by, row.outcome, consent().state) == (out.house.alice, "", "opted_out")


def test_the_form_offers_it_to_who_may_answer(out: Stage, login: Login) -> None:
    with time_machine.travel(out.now, tick=False):
        page = login(out.house.alice).get(f"/c/{out.row.public_id}/panel/").content.decode()

    assert 'name="proof_link"' in page
    assert 'name="proof_file"' in page
    assert "newer than that" in page


def test_the_agent_hears_that_nobody_can_be_asked_without_a_template(
    house: House, client: Client, login: Login
) -> None:
    whatsapp = make_sender(house.inbox, "whatsapp:+15550100003")
    noon = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    settle_asking(house.account, house.sue, noon, confirms=True)
    with time_machine.travel(noon, tick=False):
        message = text_in(client, whatsapp, "whatsapp:+447700900123", "Hello")
    assert message.conversation_id
    stage = Stage.__new__(Stage)
    stage.house, stage.now, stage.pk = house, noon + timedelta(hours=25), message.conversation_id

    answer = post(login(house.alice), stage)

    assert NO_TEMPLATE in answer.json()["message"]
    page = panel_page(stage.viewer(house.alice), stage.row, now=stage.now)
    assert page.why_unasked == NO_TEMPLATE


def test_the_agent_hears_that_they_are_asked(stage: Stage, login: Login) -> None:
    settle_asking(stage.house.account, stage.house.sue, stage.now, confirms=True)
    stage.now += timedelta(hours=3)

    answer = post(login(stage.house.alice), stage)

    assert "they are asked" in answer.json()["message"]
    page = panel_page(stage.viewer(stage.house.alice), stage.row, now=stage.now)
    assert page.why_unasked == ""
