"""Does a STOP bind everything that is one person's, from whichever address it came?

Maria writes on WhatsApp from her number and, before anybody knows that she is the same, under her
user id: two threads, one contact once they are joined.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from django.test import Client

from compliance.gate import Purpose, SendBlockedError
from compliance.models import Consent, ConsentEvent
from inbox.carrier import ErrorKind, Rejected
from inbox.models import Conversation, InboxEvent, Message, Receipt, Sender, Thread
from inbox.models.ids import client_id
from inbox.sending import Wanted, send_reply, settle, verdict_on
from tests.conftest import House
from tests.doors import all_at_once, signed
from tests.factories import make_sender
from tests.live import Live, until
from tests.twilio import inbound_form, text_in

PHONE, USER_ID = "whatsapp:+6581234567", "whatsapp:SG.4711abc"
NAMES = {"phone": PHONE, "id": USER_ID}


@dataclass
class Maria:
    """One person with two addresses, and what we may send to each."""

    house: House
    client: Client
    now: datetime
    sender: Sender = field(init=False)

    def __post_init__(self) -> None:
        self.sender = make_sender(self.house.inbox, "whatsapp:+15550100003")
        for name in NAMES:
            self.writes(name, "Hello")

    def writes(self, name: str, body: str, **more: str) -> Message:
        """Let her write from one of her addresses."""
        message = text_in(self.client, self.sender, NAMES[name], body, **more)
        self.now = message.created_at
        return message

    def is_joined(self) -> None:
        """Let Twilio say that both addresses are hers."""
        self.writes("phone", "It is me", ExternalUserId=USER_ID)

    def thread(self, name: str) -> Thread:
        """Return the thread of one of her addresses."""
        return Thread.objects.get(address__raw=NAMES[name])

    def conversation(self, name: str) -> Conversation:
        """Return what is open with one of her addresses."""
        return Conversation.objects.get(thread=self.thread(name))

    def is_answered(self, name: str) -> Message:
        """Let Alice answer on one of the threads."""
        return send_reply(
            conversation=self.conversation(name),
            by=self.house.viewer(self.house.alice),
            user=self.house.alice,
            body="Hi",
            client_id=client_id(),
            now=self.now,
        )

    def may_be_answered(self, name: str) -> bool:
        """Say whether the gate lets an answer to one of her addresses pass."""
        try:
            self.is_answered(name)
        except SendBlockedError:
            return False
        return True

    def may_be_written_to(self, name: str) -> bool:
        """Say whether the gate lets an automatic reply pass, as it does for nobody who is out."""
        wanted = Wanted(Purpose.AUTO_REPLY, None, self.now)
        return verdict_on(self.thread(name), wanted, now=self.now).is_allowed


@pytest.fixture
def maria(house: House, client: Client, now: datetime) -> Maria:
    return Maria(house, client, now)


@pytest.mark.parametrize(("says", "other"), [("phone", "id"), ("id", "phone")])
def test_a_stop_from_one_address_silences_the_other_thread(
    maria: Maria, says: str, other: str
) -> None:
    maria.is_joined()

    maria.writes(says, "STOP")

    assert not maria.may_be_answered(says)
    assert not maria.may_be_answered(other)


@pytest.mark.parametrize(("says", "other"), [("phone", "id"), ("id", "phone")])
def test_a_stop_cancels_what_has_not_left_on_the_other_thread(
    maria: Maria, says: str, other: str
) -> None:
    maria.is_joined()
    waiting = maria.is_answered(other)

    maria.writes(says, "STOP")

    waiting.refresh_from_db()
    assert (waiting.status, waiting.error_code) == ("canceled", "OPTED_OUT")


def test_a_carrier_block_on_one_address_binds_the_other(maria: Maria) -> None:
    maria.is_joined()
    refused, waiting = maria.is_answered("id"), maria.is_answered("phone")
    Message.objects.filter(pk=refused.pk).update(status="sending")

    settle(refused.pk, Rejected(ErrorKind.CONSENT, "63014", "They blocked us."), now=maria.now)

    waiting.refresh_from_db()
    assert waiting.status == "canceled"
    assert not maria.may_be_answered("phone")


def test_the_other_thread_s_open_page_hears_of_it_and_its_composer_is_blocked(
    maria: Maria, login
) -> None:
    maria.is_joined()
    other = maria.conversation("id")
    before = InboxEvent.objects.filter(conversation=other).count()

    maria.writes("phone", "STOP")

    heard = InboxEvent.objects.filter(conversation=other).order_by("seq")[before:]
    assert "consent.changed" in {event.type for event in heard}
    desk = login(maria.house.alice).get(f"/c/{other.public_id}/desk/").content.decode()
    assert 'data-composer="blocked"' in desk
    assert "Only they can undo it, by texting START" in desk


def test_one_confirmation_answers_a_stop_that_is_said_on_both_threads(maria: Maria) -> None:
    maria.is_joined()

    maria.writes("phone", "STOP")
    maria.writes("id", "STOP")

    assert Message.objects.filter(purpose="optout_confirmation").count() == 1


def test_the_ledger_says_that_an_address_was_bound_by_another(maria: Maria) -> None:
    maria.is_joined()

    stop = maria.writes("phone", "STOP")

    told = {event.address: event for event in ConsentEvent.objects.all()}
    assert told["whatsapp:+6581234567"].source == "inbound_keyword"
    assert told["whatsapp:SG.4711abc"].source == "linked"
    assert {event.message_sid for event in told.values()} == {stop.provider_sid}


def test_addresses_that_were_never_joined_stay_apart(maria: Maria) -> None:
    maria.writes("phone", "STOP")

    assert maria.may_be_answered("id")


def test_sms_of_the_same_contact_is_another_family(maria: Maria) -> None:
    text_in(maria.client, maria.house.sender, "+6581234567", "Hello by SMS")
    maria.is_joined()

    maria.writes("id", "STOP")

    assert Consent.objects.get(family="sms").state == "conversational"


# --- Every order ----------------------------------------------------------------------------------


@dataclass
class Expected:
    """What must hold, said as simply as possible: who is out, and whether they are one."""

    is_out: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(NAMES, False))
    are_joined: bool = False

    def hears(self, name: str, body: str) -> None:
        """Take in one message."""
        if body in ("STOP", "START"):
            for one in NAMES if self.are_joined else [name]:
                self.is_out[one] = body == "STOP"

    def join(self) -> None:
        """Two turn out to be one: an opt-out travels, an opt-in does not."""
        self.are_joined = True
        self.is_out = dict.fromkeys(NAMES, any(self.is_out.values()))


ORDERS = [
    ["join", "phone STOP"],
    ["join", "id STOP", "phone START"],
    ["join", "phone STOP", "id START"],
    ["phone STOP", "join", "id START"],
    ["phone STOP", "id START", "join"],
    ["id STOP", "join", "phone START", "id STOP"],
    ["id STOP", "phone STOP", "join", "phone START"],
    ["join", "phone STOP", "phone Hello", "id Hello"],
    ["join", "id STOP", "join", "phone START", "join"],
]


@pytest.mark.parametrize("order", ORDERS, ids=" - ".join)
def test_in_every_order_both_threads_say_the_same(maria: Maria, order: list[str]) -> None:
    _live_through(maria, order)


@pytest.mark.parametrize("seed", range(6))
def test_in_any_order_both_threads_say_the_same(maria: Maria, seed: int) -> None:
    rng = random.Random(seed)
    words = ["STOP", "START", "STOP", "Hello"]
    said = [f"{rng.choice(list(NAMES))} {rng.choice(words)}" for _ in range(8)]
    said.insert(rng.randrange(8), "join")

    _live_through(maria, said)


def _live_through(maria: Maria, order: list[str]) -> None:
    expected = Expected()
    for step in order:
        name, _, body = step.partition(" ")
        if name == "join":
            maria.is_joined()
            expected.join()
        else:
            maria.writes(name, body)
            expected.hears(name, body)
        for one in NAMES:
            assert maria.may_be_written_to(one) is not expected.is_out[one], f"{one} after {step}"


# --- All at once ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_stops_and_starts_on_both_threads_at_once_never_wait_for_each_other(
    house: House, live: Live
) -> None:
    sender = make_sender(house.inbox, "whatsapp:+15550100003")
    first = [inbound_form(sender, address, "Hello") for address in NAMES.values()]
    all_at_once([signed(live, sender, form) for form in first])
    joined = inbound_form(sender, PHONE, "Me", ExternalUserId=USER_ID)
    words = [(name, body) for name in NAMES for body in ("STOP", "START") for _ in range(10)]
    forms = [joined, *(inbound_form(sender, NAMES[name], body) for name, body in words)]

    answers = all_at_once([signed(live, sender, form) for form in forms])

    assert {answer.status for answer in answers} == {200}
    until(lambda: not Receipt.objects.exclude(state="done").exists(), within=60)
    assert not Receipt.objects.filter(attempts__gt=1).exists(), "one waited in vain for another"
    assert len(set(Consent.objects.values_list("state", flat=True))) == 1
