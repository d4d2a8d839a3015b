"""Do the composer, the API and sending itself say the same, whatever is known of the customer?

Each case is asked at three doors: the page on which somebody writes, the API, and the message as it
is sent; and, where it was queued, once more when it leaves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils.html import escape

from accounts.access import viewer_of
from accounts.models import Feature, FeatureGrant, License, User
from compliance.evidence import EventKind, Evidence, Source
from compliance.models import GateDecision, ProviderBlock
from inbox.contacts import address_of
from inbox.models import Conversation, Message, Sender
from inbox.models.ids import client_id
from inbox.said_elsewhere import mark_no_contact
from inbox.sending import deliver
from tests.carrier import Twilio
from tests.compliance.ledgers import proof, tell
from tests.conftest import House
from tests.factories import make_sender, make_user
from tests.twilio import text_in

MARIA, DEEPA, ANA = "+14155550100", "+919876543210", "+34612345678"
NOON = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)  # Tuesday, noon in California
EVENING = datetime(2026, 11, 25, 5, 30, tzinfo=UTC)  # 21:30 there
OFFER = "Acme: 20% off all week. Reply STOP to opt out."
Login = Callable[[User], Client]


@dataclass
class Scene:
    """One customer with one conversation, and the moment at which all three doors are asked."""

    house: House
    client: Client
    sender: Sender
    customer: str
    at: datetime
    conversation: Conversation = field(init=False)

    def __post_init__(self) -> None:
        self.hear("Where is it?", before=timedelta(minutes=30))

    def hear(self, body: str, *, before: timedelta) -> None:
        """Let the customer have written, some time before."""
        with time_machine.travel(self.at - before, tick=False):
            message = text_in(self.client, self.sender, self.customer, body)
        if message.conversation_id:
            rows = Conversation.objects.select_related("thread__sender", "thread__address")
            self.conversation = rows.get(pk=message.conversation_id)

    def tell(self, kind: EventKind | Evidence, **more: Any) -> None:
        """Let something of consent be recorded, half an hour ago less a minute."""
        address, at = address_of(self.conversation.thread), self.at - timedelta(minutes=29)
        tell(self.house.account, kind, address, at=at, **more)


def nothing(scene: Scene) -> None:
    """All is in order."""


def stopped(scene: Scene) -> None:
    scene.hear("STOP", before=timedelta(minutes=20))


def stopped_in_words(scene: Scene) -> None:
    scene.hear("please take me off your list", before=timedelta(minutes=20))


def stopped_and_asked(scene: Scene) -> None:
    stopped_in_words(scene)
    scene.hear("is it ready?", before=timedelta(minutes=10))


def held(scene: Scene) -> None:
    scene.tell(Evidence(EventKind.HELD, Source.INBOUND_FUZZY, words="leave it"))


def refused_by_carrier(scene: Scene) -> None:
    ProviderBlock.objects.create(
        account=scene.house.account,
        our_address=scene.conversation.thread.our_address,
        address=address_of(scene.conversation.thread).consent_key,
        since=scene.at,
    )


def marked(scene: Scene) -> None:
    sue = scene.house.sue
    mark_no_contact(
        conversation=scene.conversation,
        by=viewer_of(sue, now=scene.at),
        user=sue,
        reason="She is a minor",
        is_on=True,
        now=scene.at - timedelta(minutes=5),
    )


def blocked(scene: Scene) -> None:
    scene.conversation.contact.is_blocked = True
    scene.conversation.contact.save()


def out_of_reach(scene: Scene) -> None:
    address = scene.conversation.thread.address
    address.out_of_reach_at, address.out_of_reach_by = scene.at, scene.house.alice
    address.save()


def paused(scene: Scene) -> None:
    scene.sender.is_paused, scene.sender.paused_reason = True, "It is being moved."
    scene.sender.save()


def wrote(**ago: int) -> Callable[[Scene], None]:
    def change(scene: Scene) -> None:
        thread = scene.conversation.thread
        thread.last_inbound_at = thread.last_words_at = scene.at - timedelta(**ago)
        thread.save()

    return change


def agreed(basis: str = "express_written") -> Callable[[Scene], None]:
    def change(scene: Scene) -> None:
        scene.tell(proof(basis=basis))

    return change


def feature_off(scene: Scene) -> None:
    grants = FeatureGrant.objects.filter(account=scene.house.account, feature=Feature.WHATSAPP)
    grants.update(ends_at=scene.at - timedelta(days=1))


@dataclass(frozen=True)
class Case:
    """What is so, what is asked, and what everybody must say."""

    change: Callable[[Scene], None]
    code: str
    answer: str
    purpose: str = "reply"
    channel: str = "sms"
    customer: str = MARIA
    at: datetime = NOON
    text: str = "It is ready."


def offer(change: Callable[[Scene], None], code: str, answer: str, **more: Any) -> Case:
    return Case(change, code, answer, purpose="promotional", **{"text": OFFER, **more})


WA: dict[str, Any] = {"channel": "whatsapp"}
CASES = [
    Case(nothing, "OK", "allow"),
    Case(nothing, "OK", "allow", at=EVENING),
    Case(nothing, "OK", "allow", **WA),
    Case(stopped, "PROVIDER_BLOCKED", "block"),
    Case(stopped, "OPTED_OUT", "block", **WA),
    Case(stopped_in_words, "OPTED_OUT", "block"),
    Case(stopped_and_asked, "OPTED_OUT_REPLY", "ask"),
    Case(stopped_and_asked, "OK", "allow", **WA),
    Case(held, "PENDING_REVIEW", "ask"),
    Case(held, "PENDING_REVIEW", "ask", **WA),
    Case(refused_by_carrier, "PROVIDER_BLOCKED", "block"),
    Case(marked, "DO_NOT_CONTACT", "block"),
    Case(blocked, "CONTACT_BLOCKED", "block"),
    Case(out_of_reach, "OUT_OF_REACH", "block"),
    Case(paused, "SENDER_PAUSED", "block"),
    Case(feature_off, "FEATURE_OFF", "block", **WA),
    Case(wrote(hours=24), "OK", "allow", **WA),
    Case(wrote(hours=24, seconds=1), "WA_WINDOW_CLOSED", "block", **WA),
    Case(wrote(days=31), "NO_CONVERSATION", "block"),
    Case(nothing, "OK", "allow", purpose="notification"),
    Case(held, "PENDING_REVIEW", "block", purpose="notification"),
    Case(stopped_in_words, "OPTED_OUT", "block", purpose="notification"),
    Case(nothing, "NO_OPTOUT_PATH", "block", purpose="notification", customer=DEEPA),
    offer(nothing, "NO_PROMO_CONSENT", "block"),
    offer(agreed(), "OK", "allow"),
    offer(agreed(), "QUIET_HOURS", "defer", at=EVENING),
    offer(agreed(), "NO_IDENTITY", "block", text="20% off. Reply STOP to opt out."),
    offer(agreed(), "NO_OPTOUT_NOTICE", "block", text="Acme: 20% off all week."),
    offer(agreed("express"), "NO_PROMO_CONSENT", "block"),
    offer(agreed("express"), "OK", "allow", customer=ANA, at=NOON - timedelta(hours=10)),
    offer(agreed(), "NO_OPTOUT_PATH", "block", customer=DEEPA, at=NOON - timedelta(hours=14)),
]


@pytest.fixture
def senders(house: House, twilio: Twilio) -> dict[str, Sender]:
    whatsapp = make_sender(
        house.inbox, "whatsapp:+15550100003", twilio_account=house.sender.twilio_account
    )
    twilio.knows(house.sender)
    twilio.knows(whatsapp)
    return {"sms": house.sender, "whatsapp": whatsapp}


def name_of(case: Case) -> str:
    return f"{case.change.__name__}-{case.purpose}-{case.channel}-{case.code}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_composer_api_and_sending_say_the_same(
    house: House, client: Client, login: Login, senders: dict[str, Sender], case: Case
) -> None:
    raw = f"whatsapp:{case.customer}" if case.channel == "whatsapp" else case.customer
    scene = Scene(house, client, senders[case.channel], raw, case.at)
    case.change(scene)
    with time_machine.travel(case.at, tick=False):
        browser = login(house.alice)

        told = asked(browser, scene, case)
        page = composer(browser, scene)
        sent = send(browser, scene, case)

    assert (told["code"], told["answer"]) == (case.code, case.answer)
    assert told["notice"] == "Product behaviour, not legal advice."
    if case.purpose == "reply" and case.answer != "allow":
        assert escape(told["words"]) in page or case.code == "NO_CONVERSATION"
    if case.purpose == "reply":
        is_open = case.answer in ("allow", "ask")
        may_write = 'data-state="open"' in page
        assert may_write is (is_open or case.code == "NO_CONVERSATION")
    assert_sent(sent, told, case)


def asked(browser: Client, scene: Scene, case: Case) -> dict[str, Any]:
    answer = browser.post(
        f"/api/v1/conversations/{scene.conversation.public_id}/verdict/",
        json.dumps({"purpose": case.purpose, "text": case.text}),
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.content[:300]
    return dict(answer.json())


def composer(browser: Client, scene: Scene) -> str:
    answer = browser.get(f"/inbox/support/c/{scene.conversation.public_id}/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def send(browser: Client, scene: Scene, case: Case) -> Any:
    return browser.post(
        f"/c/{scene.conversation.public_id}/messages/",
        {
            "kind": "reply",
            "body": case.text,
            "purpose": "" if case.purpose == "reply" else case.purpose,
            "client_id": client_id(),
        },
        headers={"Accept": "application/json"},
    )


def assert_sent(sent: Any, told: dict[str, Any], case: Case) -> None:
    kept = GateDecision.objects.filter(stage="queued").order_by("-pk").first()
    assert kept is not None
    assert (kept.code, kept.answer) == (told["code"], told["answer"])
    said = [*told["rules"], *told["notices"]]
    assert [one["code"] for one in kept.findings] == [one["code"] for one in said]
    if case.answer not in ("allow", "defer"):
        assert sent.status_code == (409 if case.answer == "ask" else 422)
        assert sent.json()["code"] == told["code"].lower()
        assert sent.json()["detail"] == told["words"]
        return
    assert sent.status_code == 201
    message = Message.objects.get(public_id=kept.message_ref)
    # Messages of a thread leave in their order: a confirmation may stand before it.
    for waiting in Message.objects.filter(thread=message.thread_id, status="queued").order_by(
        "seq"
    ):
        deliver(waiting.pk, now=case.at)
    message.refresh_from_db()
    left = GateDecision.objects.filter(stage="sent", message_ref=message.public_id).first()
    if case.answer == "defer":
        assert message.not_before == datetime.fromisoformat(told["until"])
        assert left is None
    else:
        assert left is not None
        assert (left.code, bool(message.provider_sid)) == ("OK", True)


def test_a_reader_without_a_licence_and_other_people_hear_nothing(
    house: House, client: Client, login: Login, senders: dict[str, Sender], charlie: User
) -> None:
    with time_machine.travel(NOON, tick=False):
        scene = Scene(house, client, senders["sms"], MARIA, NOON)
        url = f"/api/v1/conversations/{scene.conversation.public_id}/verdict/"
        unlicensed = make_user(house.account, "Nora", team=house.inbox.team, is_licensed=False)
        License.objects.filter(holder=house.bob).delete()
        for user, status in (
            (house.alice, 200),
            (house.sue, 200),
            (house.bob, 404),
            (unlicensed, 404),
            (charlie, 404),
        ):
            answer = login(user).post(url, "{}", content_type="application/json")
            assert answer.status_code == status, user.name
        assert Client().post(url, "{}", content_type="application/json").status_code == 401


@pytest.mark.parametrize("purpose", ["", "newsletter", "REPLY", "Promotional "])
def test_a_purpose_that_nobody_knows_is_judged_as_an_offer_and_the_developer_is_warned(
    house: House, client: Client, login: Login, senders: dict[str, Sender], purpose: str
) -> None:
    with time_machine.travel(NOON, tick=False):
        scene = Scene(house, client, senders["sms"], MARIA, NOON)
        case = Case(nothing, "NO_PROMO_CONSENT", "block", purpose=purpose, text=OFFER)

        told = asked(login(house.alice), scene, case)

    assert (told["purpose"], told["code"]) == ("promotional", "NO_PROMO_CONSENT")
    assert "judged as promotional" in told["warnings"][0]


# --- Texts that are written ahead -----------------------------------------------------------------


def test_an_inbox_s_own_texts_are_judged_for_people_as_they_come(
    house: House, login: Login, senders: dict[str, Sender]
) -> None:
    ada = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    url = f"/api/v1/inboxes/{house.inbox.public_id}/verdicts/"
    body = {"text": "20% off! Reply CANCEL to change your visit.", "is_first": True}

    answer = login(ada).post(url, json.dumps(body), content_type="application/json")

    told = answer.json()
    assert answer.status_code == 200
    said = {
        (one["person"], cell["sender"]): cell["code"]
        for one in told["people"]
        for cell in one["senders"]
    }
    ours, whatsapp = house.sender.address, "whatsapp:+15550100003"
    assert said[("noon", ours)] == said[("night", ours)] == "OK"
    assert said[("night", whatsapp)] == "OK"
    assert said[("long_ago", ours)] == "NO_CONVERSATION"
    assert said[("long_ago", whatsapp)] == "WA_WINDOW_CLOSED"
    assert said[("held", ours)] == "PENDING_REVIEW"
    assert said[("out", ours)] == "OPTED_OUT"
    assert said[("refused", ours)] == "PROVIDER_BLOCKED"
    assert said[("marked", whatsapp)] == "DO_NOT_CONTACT"
    assert ("abroad", ours) in said
    assert ("abroad", whatsapp) not in said
    misleading, promotion, identity = told["words"]
    assert "“CANCEL”" in misleading
    assert "“20%”" in promotion
    assert "who you are" in identity


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/settings/inboxes/support/replies/first-message/", "Whether it may go"),
        ("/settings/inboxes/support/replies/after-hours/", "Whether it may go"),
        ("/settings/inboxes/support/replies/still-waiting/", "Whether it may go"),
        ("/settings/inboxes/support/replies/keyword-new/", "Whether it may go"),
        ("/settings/inboxes/support/consent-texts/", "Whether they may go"),
    ],
)
def test_where_a_text_is_written_the_gate_says_for_whom_it_goes(
    house: House, login: Login, senders: dict[str, Sender], url: str, words: str
) -> None:
    ada = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)

    page = login(ada).get(url).content.decode()

    assert words in page
    assert "not legal advice" in page
    for code in ("OK", "PROVIDER_BLOCKED", "DO_NOT_CONTACT"):
        assert f">{code}<" in page
