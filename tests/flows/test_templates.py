"""Does a template reach a customer after WhatsApp's 24 hours, and only as WhatsApp approved it?"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from compliance.gate import Purpose, Reason, SendBlockedError
from compliance.models import GateDecision
from inbox.models import Contact, Message, WhatsAppTemplate
from inbox.refusals import MissingInputError
from inbox.sending import choose_template, deliver, resend, usable_templates
from inbox.twilio.simulator.content import TEMPLATES
from tests.carrier import Twilio
from tests.compliance.ledgers import proof, tell
from tests.conftest import House
from tests.factories import make_sender
from tests.flows.test_together import MARIA, Stage
from tests.twilio import text_in

HER = f"whatsapp:{MARIA}"
VALUES = {"1": "Maria", "2": "A-7", "3": "today"}
SAID = "Hello Maria, your order A-7 has left our warehouse and arrives today."


@pytest.fixture
def stage(house: House, client: Client, now: datetime, twilio: Twilio) -> Stage:
    """Maria wrote on WhatsApp two days ago; the account has what the simulator knows."""
    house.sender = make_sender(house.inbox, "whatsapp:+15550100003")
    twilio.knows(house.sender)
    stage = Stage.__new__(Stage)
    stage.house, stage.client, stage.now = house, client, now
    with time_machine.travel(now, tick=False):
        said = text_in(client, house.sender, HER, "Hello")
    assert said.conversation_id is not None
    stage.message, stage.pk = said, said.conversation_id
    for one in TEMPLATES:
        WhatsAppTemplate.objects.create(
            account=house.account,
            twilio_account=house.sender.twilio_account,
            content_sid=one.sid_for(house.sender.twilio_account.account_sid),
            name=one.name,
            language=one.language,
            category=one.category,
            body=one.body,
            variables=dict(one.variables),
            status=one.status,
            provider_status=one.status,
            synced_at=now,
        )
    stage.now = now + timedelta(hours=48)
    return stage


def _sid(name: str) -> str:
    return WhatsAppTemplate.objects.get(name=name).content_sid


def _send(stage: Stage, name: str, values: dict[str, str], **more: Any) -> Message:
    chosen = choose_template(stage.row.thread, _sid(name), values)
    message: Message = stage.reply(stage.house.alice, chosen.body, template=chosen, **more)
    return message


def test_after_the_window_a_template_goes_and_words_do_not(stage: Stage, twilio: Twilio) -> None:
    with pytest.raises(SendBlockedError) as refused:
        stage.reply(stage.house.alice, "Are you there?")
    message = _send(stage, "order_update", VALUES)

    deliver(message.pk, now=stage.now)

    assert refused.value.verdict.reason is Reason.WA_WINDOW_CLOSED
    message.refresh_from_db()
    assert (message.status, message.body) == ("sent", SAID)
    [sent] = twilio.requests_to_send()
    assert sent["content_sid"] == _sid("order_update")
    where = urlencode({"customer": HER, "sender": stage.house.sender.address})
    on_phone = twilio.ask(f"messages?{where}")["messages"]
    assert SAID in [one["body"] for one in on_phone]
    assert GateDecision.objects.latest("pk").inputs["template"] == "UTILITY"


def test_the_picker_fills_in_what_is_known_and_says_why_others_are_not_sent(
    stage: Stage, login: Any
) -> None:
    WhatsAppTemplate.objects.filter(name="order_update").update(
        body="Dear {{first_name}}, {{order}}", variables={"first_name": "Ann", "order": "A-1"}
    )
    WhatsAppTemplate.objects.filter(name="prize_draw").update(rejection_reason="It promises a car.")
    Contact.objects.update(name="Maria Silva", attributes={"Order": "A-7"})
    alice = login(stage.house.alice)
    address = f"/c/{stage.row.public_id}/templates/"

    page = alice.get(address).text
    found = alice.get(address, {"q": "prize"}).text

    assert 'value="Maria"' in page
    assert "Dear Maria, A-7</p>" in page
    assert "WhatsApp has rejected it. It promises a car." in page
    assert f'value="{_sid("prize_draw")}"' not in page
    assert "prize_draw" in found
    assert "order_update" not in found


def test_only_what_is_approved_is_offered(stage: Stage) -> None:
    offered = {row.name for row in usable_templates(stage.row.thread)}

    assert "order_update" in offered
    assert not offered & {"spring_offer", "prize_draw"}


@pytest.mark.parametrize(
    ("name", "words"), [("spring_offer", "not approved yet"), ("prize_draw", "rejected")]
)
def test_what_is_not_approved_is_refused_in_words(stage: Stage, name: str, words: str) -> None:
    with pytest.raises(SendBlockedError) as refused:
        _send(stage, name, {"1": "Maria"})

    assert refused.value.verdict.reason is Reason.WA_TEMPLATE_UNUSABLE
    assert words in refused.value.reason


def test_a_template_that_is_paused_meanwhile_does_not_leave(stage: Stage, twilio: Twilio) -> None:
    message = _send(stage, "order_update", VALUES)
    WhatsAppTemplate.objects.filter(name="order_update").update(status="paused")

    deliver(message.pk, now=stage.now)

    message.refresh_from_db()
    assert (message.status, message.error_code) == ("blocked", "WA_TEMPLATE_UNUSABLE")
    assert not twilio.requests_to_send()


def test_a_marketing_template_is_an_offer_whatever_it_is_called(stage: Stage) -> None:
    tell(stage.house.account, proof(), at=stage.now)

    with pytest.raises(SendBlockedError) as refused:
        _send(stage, "winter_offer", {"1": "Maria"}, purpose=Purpose.REPLY)

    codes = {str(one.code) for one in refused.value.verdict.findings}
    assert {"WA_MARKETING_US", "NO_PROMO_CONSENT", "NO_OPTOUT_NOTICE"} <= codes


def test_a_failed_template_is_sent_again_as_the_same_template(stage: Stage, twilio: Twilio) -> None:
    message = _send(stage, "order_update", VALUES)
    Message.objects.filter(pk=message.pk).update(status="failed", error_code="63013")
    message.refresh_from_db()

    again = resend(
        message=message,
        by=stage.viewer(stage.house.alice),
        user=stage.house.alice,
        now=stage.now,
    )
    deliver(again.pk, now=stage.now)

    assert again.details["template"]["values"] == VALUES
    assert twilio.requests_to_send()[0]["content_sid"] == _sid("order_update")


def test_a_template_of_somebody_else_s_twilio_account_is_not_there(
    stage: Stage, charlie: User
) -> None:
    WhatsAppTemplate.objects.filter(name="order_update").update(
        twilio_account=charlie.account.senders.get().twilio_account  # type: ignore[union-attr]
    )

    with pytest.raises(MissingInputError, match="not there any more"):
        _send(stage, "order_update", VALUES)


def test_a_template_is_no_answer_to_what_its_sender_has_not_seen(stage: Stage, login) -> None:
    url, seen = f"/c/{stage.row.public_id}/templates/", stage.row.thread.last_seq
    script = {"Accept": "application/json"}
    form = {"template": _sid("order_update"), "client_id": "a-form-of-mine"}
    form |= {f"value_{name}": value for name, value in VALUES.items()}
    with time_machine.travel(stage.now, tick=False):
        alice = login(stage.house.alice)
        page = alice.get(url, {"seen": seen}).text
        text_in(stage.client, stage.house.sender, HER, "Cancel it")
        held = alice.post(url, {**form, "last_seen_message": seen}, headers=script)
        newer = alice.get(url).text
        shown = held.json()["last_seq"]
        sent = alice.post(url, {**form, "last_seen_message": shown}, headers=script)

    field = '<input type="hidden" name="last_seen_message" value="%d">'
    assert field % seen in page
    assert field % shown in newer
    assert (held.status_code, held.json()["code"]) == (409, "stale_thread")
    assert "Cancel it" in held.json()["html"]
    assert sent.status_code == 200
    assert [one.body for one in Message.objects.filter(direction="out")] == [SAID]


def test_by_the_page(stage: Stage, login, charlie: User) -> None:
    url = f"/c/{stage.row.public_id}/templates/"
    with time_machine.travel(stage.now, tick=False):
        alice = login(stage.house.alice)
        page = alice.get(url).content.decode()
        form = {"template": _sid("order_update"), "client_id": "a-form-of-mine"}
        script = {"Accept": "application/json"}
        empty = alice.post(url, form, headers=script)
        form |= {f"value_{name}": value for name, value in VALUES.items()}
        sent = [alice.post(url, form) for _ in range(2)]
        desk = alice.get(f"/c/{stage.row.public_id}/desk/").content.decode()

        assert login(charlie).get(url).status_code == 404
        assert login(charlie).post(url, form).status_code == 404
    assert "order_update" in page
    assert "A-1042" in page
    assert (empty.status_code, "Fill in" in empty.json()["detail"]) == (422, True)
    assert [one.status_code for one in sent] == [302, 302]
    assert [one.body for one in Message.objects.filter(direction="out")] == [SAID]
    assert "Choose a template" in desk
