"""What does an inbox say by itself to those who write? Through the webhook, the clock given."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry
from compliance.addresses import parse_address
from compliance.models import GateDecision
from compliance.opt_out_links import carries_link, read_link
from inbox.cards import seen_mark
from inbox.closing import close_conversation
from inbox.conversations import claim_conversation, release_conversation, snooze_conversation
from inbox.escalating import fire_due, follow_changes
from inbox.labels import activity_words, answered_by
from inbox.models import (
    Contact,
    Conversation,
    ConversationEvent,
    EscalationTimer,
    Message,
    Sender,
    TeamInbox,
)
from inbox.models.ids import client_id
from inbox.segments import count
from inbox.sending import deliver, send_reply
from inbox.still_waiting import remind_next
from inbox.timers import next_timer
from routing.business_hours import save_holidays, save_special_days, save_week
from routing.escalation import LAST, REMIND
from routing.hours import Opening, SpecialDay
from routing.models import BusinessHours, CrmConnector, CrmRow, CrmTable
from routing.policy_words import Names, coming_words
from tests.conftest import House
from tests.factories import make_hours, make_policy, make_rules, make_sender
from tests.twilio import text_in

MARIA, PEDRO = "+14155550100", "+14155550101"
# A Thursday; the office hours of tests are 9 to 17, Monday to Friday.
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
Say = Callable[..., Conversation]


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def say(text: str, **more: Any) -> dict[str, Any]:
    return {"variants": [{"text": text}], **more}


@pytest.fixture
def clock(time_machine: Any) -> Any:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def inbox(house: House, clock: Any) -> TeamInbox:
    TeamInbox.objects.filter(pk=house.inbox.pk).update(hours=make_hours(house.account))
    return house.inbox


@pytest.fixture
def says(inbox: TeamInbox) -> Callable[..., None]:
    def write(**replies: Any) -> None:
        TeamInbox.objects.filter(pk=inbox.pk).update(replies={"format": 1, **replies})

    return write


@pytest.fixture
def hear(house: House, client: Client) -> Say:
    def hear(body: str = "Hello", customer: str = MARIA) -> Conversation:
        message = text_in(client, house.sender, customer, body)
        assert message.conversation_id
        return Conversation.objects.get(pk=message.conversation_id)

    return hear


def heard() -> list[str]:
    """Return what was answered by itself, in order."""
    return list(Message.objects.filter(kind="auto").order_by("pk").values_list("body", flat=True))


def reply(house: House, row: Conversation) -> None:
    fresh = Conversation.objects.select_related(
        "inbox", "thread__sender", "thread__contact", "thread__address", "contact"
    ).get(pk=row.pk)
    send_reply(
        conversation=fresh,
        by=house.viewer(house.alice),
        user=house.alice,
        body="Here I am",
        client_id=client_id(),
        now=timezone.now(),
    )


def close(house: House, row: Conversation) -> None:
    close_conversation(
        conversation=Conversation.objects.get(pk=row.pk),
        by=house.viewer(house.alice),
        user=house.alice,
        last_seen_seq=99,
        waiting_ok=True,
        now=timezone.now(),
    )


# --- In which words ---

WELCOME = {
    "variants": [
        {"text": "Welcome, {{contact.first_name|friend}}!"},
        {"text": "¡Bienvenido, {{contact.first_name|amigo}}!", "language": "es"},
    ]
}


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("Hola, ¿me puede decir dónde está mi pedido de ayer?", "¡Bienvenido, amigo!"),
        ("Where is the parcel that I ordered yesterday?", "Welcome, friend!"),
        # Told apart only where it is clear.
        ("Ok", "Welcome, friend!"),
    ],
)
def test_a_spanish_message_gets_a_spanish_reply(
    says: Callable[..., None], hear: Say, body: str, answer: str
) -> None:
    says(first_message=WELCOME)

    hear(body)

    assert heard() == [answer]


def test_the_language_noted_for_a_customer_comes_first(
    house: House, says: Callable[..., None], hear: Say, clock: Any
) -> None:
    row = hear("Where is the parcel that I ordered yesterday?")
    Contact.objects.update(language="es", name="Maria López")
    says(first_message=WELCOME)
    TeamInbox.objects.update(reopen_hours=0)
    reply(house, row)
    close(house, row)
    clock.shift(minutes(60))

    hear("Where is the parcel that I ordered yesterday?")

    assert heard() == ["¡Bienvenido, Maria!"]


def test_agents_note_in_which_language_a_customer_is_answered(
    house: House, says: Callable[..., None], hear: Say, clock: Any, client: Client
) -> None:
    row = hear("Where is the parcel that I ordered yesterday?")
    says(keyword=[{"name": "Hi", "phrases": ["hola"], **WELCOME}])
    client.force_login(house.alice)
    url = f"/contacts/{row.contact.public_id}/language/"

    seen = seen_mark(row.contact)
    wrong = {"language": "klingon!", "seen": seen}
    refused = client.post(url, wrong, headers={"Accept": "application/json"})
    assert (refused.status_code, row.contact.language) == (422, "")
    client.post(url, {"language": "es", "seen": seen, "next": f"/c/{row.public_id}/panel/"})
    panel = client.get(f"/c/{row.public_id}/panel/").content.decode()
    assert "Answered in Español" in panel
    assert '<option value="es" selected>' in panel
    clock.shift(minutes(2))
    hear("Hola!")

    assert heard() == ["¡Bienvenido, amigo!"]


def test_words_in_the_message_come_before_the_greeting(
    says: Callable[..., None], hear: Say
) -> None:
    says(
        keyword=[{"name": "Prices", "phrases": ["price", "价格"], **say("See our prices")}],
        first_message=say("Welcome"),
    )

    hear("What is the PRICE?")
    hear("请问这个价格是多少", PEDRO)
    hear("Anybody there?", "+14155550102")

    assert heard() == ["See our prices", "See our prices", "Welcome"]


@pytest.mark.parametrize(
    ("fact", "value"), [("consent", "conversational"), ("last_owner", "is_present")]
)
def test_a_condition_knows_what_no_rule_asks_for(
    house: House, says: Callable[..., None], hear: Say, clock: Any, fact: str, value: str
) -> None:
    TeamInbox.objects.update(reopen_hours=0)
    row = hear()
    claim_conversation(
        conversation=row, by=house.viewer(house.alice), user=house.alice, now=timezone.now()
    )
    close(house, row)
    clock.shift(minutes(60))
    asked = {"fact": fact, "test": "is_any", "value": [value]}
    asked = {"fact": fact, "test": value} if fact == "last_owner" else asked
    says(keyword=[{"name": "Known", "if": {"all": [asked]}, **say("We know you")}])

    hear("Me again")

    assert heard() == ["We know you"]


def test_a_text_is_personal_by_what_the_crm_s_table_says(
    house: House, says: Callable[..., None], hear: Say
) -> None:
    table = CrmTable.objects.create(
        account=house.account, name="Customers", columns=["due"], created_at=NOON, changed_at=NOON
    )
    CrmRow.objects.create(
        account=house.account, table=table, key=MARIA, values={"due": "2026-12-24"}
    )
    CrmConnector.objects.create(
        account=house.account,
        name="shop",
        kind="table",
        table=table,
        fields=[{"name": "due", "path": "due", "kind": "date"}],
        created_at=NOON,
        changed_at=NOON,
    )
    says(
        first_message=say("Due {{crm.shop.due|soon}}, {{contact.first_name|friend}}"),
        variables={"crm.shop.due": "date"},
    )

    hear()
    hear(customer=PEDRO)

    assert heard() == ["Due Dec. 24, 2026, friend", "Due soon, friend"]


def test_a_text_is_chosen_by_the_time_of_day(
    says: Callable[..., None], hear: Say, clock: Any
) -> None:
    says(
        first_message={
            "variants": [
                {"text": "Good morning", "hours": ["06:00", "12:00"]},
                {"text": "Good night", "hours": ["22:00", "06:00"]},
                {"text": "Hello"},
            ]
        }
    )

    for customer, hour in (("+14155550110", 11), ("+14155550111", 12), ("+14155550112", 23)):
        clock.move_to(datetime(2026, 11, 26, hour, 59, tzinfo=UTC), tick=False)
        hear(customer=customer)

    assert heard() == ["Good morning", "Hello", "Good night"]


def test_a_text_is_chosen_by_the_customers_region(says: Callable[..., None], hear: Say) -> None:
    quebec, canada = {"text": "Bonjour", "places": ["CA-QC"]}, {"text": "Hi", "places": ["CA"]}
    says(first_message={"variants": [{"text": "Hello"}, canada, quebec]})

    for customer in ("+15145550100", "+14165550100", MARIA):
        hear(customer=customer)

    assert heard() == ["Bonjour", "Hi", "Hello"]


def test_it_is_said_in_the_bots_name_and_nobody_counts_it_as_an_answer(
    says: Callable[..., None], hear: Say
) -> None:
    TeamInbox.objects.update(bot_name="Robin")
    says(first_message=say("{{bot.name}} of {{inbox.name}} here"))

    row = hear()

    message = Message.objects.get(kind="auto")
    assert (message.author, message.author_label) == (None, "Robin")
    assert message.body == "Robin of Support here"
    assert answered_by(message) == "Reply: First message"
    assert (row.owner, row.waiting_since) == (None, timezone.now())


@pytest.mark.parametrize(
    "name", ["{{contact.number}}", "}}{{bot.name|x}}", "{% now %}", "\u202eAnna", "<b>Anna</b>"]
)
def test_what_customers_call_themselves_fills_in_nothing(
    says: Callable[..., None], hear: Say, name: str
) -> None:
    hear()
    Contact.objects.update(name=name)
    TeamInbox.objects.update(reopen_hours=0)
    Conversation.objects.update(status="closed", closed_at=timezone.now(), waiting_since=None)
    Message.objects.update(received_at=timezone.now() - minutes(60))
    says(first_message=say("Hello {{contact.name|you}}!"))

    hear("Me again")

    assert heard() == [f"Hello {name.replace(chr(0x202E), '')}!"]


# --- Which, and to whom ---


def test_the_rule_that_decides_answers_before_words_and_words_before_the_night(
    house: House, says: Callable[..., None], hear: Say, clock: Any
) -> None:
    vip = {"fact": "text", "test": "contains_any", "value": ["vip"]}
    make_rules(house.inbox, {"if": {"all": [vip]}, "then": {"reply": {"en": "Hello VIP"}}})
    says(
        keyword=[{"name": "Prices", "phrases": ["price"], **say("See our prices")}],
        after_hours=say("We are closed"),
        first_message=say("Welcome"),
    )
    clock.move_to(datetime(2026, 11, 26, 20, tzinfo=UTC), tick=False)

    for n, body in enumerate(("vip price", "price", "Hello")):
        hear(body, f"+1415555012{n}")
    clock.move_to(datetime(2026, 11, 27, 12, tzinfo=UTC), tick=False)
    hear("Hello", "+14155550130")

    assert heard() == ["Hello VIP", "See our prices", "We are closed", "Welcome"]


def test_what_a_message_holds_is_answered_by_conditions(
    house: House, says: Callable[..., None], client: Client
) -> None:
    asked = {"all": [{"fact": "media", "test": "has_any", "value": ["image"]}]}
    says(keyword=[{"name": "Pictures", "if": asked, **say("Thanks for the picture")}])

    media = {
        "NumMedia": "1",
        "MediaUrl0": "https://api.twilio.com/x",
        "MediaContentType0": "image/png",
    }
    text_in(client, house.sender, MARIA, "", **media)
    text_in(client, house.sender, PEDRO, "No picture")

    assert heard() == ["Thanks for the picture"]


@pytest.mark.parametrize(
    ("when", "expected"),
    [("ever", 1), ("per_conversation", 3), ("after_silence", 2)],
)
def test_a_first_message_is_one_ever_or_of_a_conversation_or_after_a_silence(
    house: House, says: Callable[..., None], hear: Say, clock: Any, when: str, expected: int
) -> None:
    TeamInbox.objects.update(reopen_hours=1)
    says(first_message=say("Welcome", when=when, silence_hours=12))

    for pause in (2, 0.5, 48):
        row = hear()
        clock.shift(minutes(1))
        close(house, row)
        clock.shift(minutes(60 * pause))
        if pause == 0.5:
            # Reopened: it is no other conversation.
            hear("One more thing")
            close(house, row)
            clock.shift(minutes(120))
    hear("Anybody?")
    said = heard()

    assert said[:expected] == ["Welcome"] * expected


@pytest.mark.parametrize("customer", ["262966", "Parcels"])
def test_short_codes_and_names_are_not_answered(
    house: House, says: Callable[..., None], client: Client, customer: str
) -> None:
    says(first_message=say("Welcome"))

    text_in(client, house.sender, customer, "Your code is 1234")

    assert heard() == []


def test_our_own_numbers_are_not_answered(
    house: House, says: Callable[..., None], hear: Say
) -> None:
    other = make_sender(house.inbox)
    says(first_message=say("Welcome"))

    hear(customer=other.address)

    assert heard() == []


def test_help_is_answered_by_the_notice_alone(
    house: House, says: Callable[..., None], client: Client
) -> None:
    Sender.objects.update(keyword_handler="app")
    says(
        keyword=[{"name": "Help", "phrases": ["help"], **say("Our help pages")}],
        first_message=say("Welcome"),
    )

    text_in(client, house.sender, MARIA, "HELP")

    assert [one for one in heard() if one in ("Our help pages", "Welcome")] == []


def test_a_holiday_and_an_exception_close_the_day(
    house: House, says: Callable[..., None], hear: Say, clock: Any
) -> None:
    hours = BusinessHours.objects.get()
    deed: dict[str, Any] = {"by": house.alice, "now": timezone.now()}
    hours = save_holidays(
        hours=hours, country="US", region="", ignored=(), version=hours.version, **deed
    )
    stocktaking = SpecialDay(date(2026, 11, 30), "Stocktaking")
    save_special_days(hours=hours, days=[stocktaking], version=hours.version, **deed)
    says(after_hours=say("Closed", holiday_variants=[{"text": "Happy holiday"}]))

    # Thanksgiving, the Friday after it, the Monday that is an exception, a Tuesday.
    for n, day in enumerate((26, 27, 30)):
        clock.move_to(datetime(2026, 11, day, 12, tzinfo=UTC), tick=False)
        hear(customer=f"+1415555014{n}")
    clock.move_to(datetime(2026, 12, 1, 12, tzinfo=UTC), tick=False)
    hear(customer="+14155550149")

    assert heard() == ["Happy holiday", "Happy holiday"]


# --- How often ---


def test_closed_words_are_said_once_in_each_closed_night(
    says: Callable[..., None], hear: Say, clock: Any
) -> None:
    says(after_hours=say("Back on {{inbox.opens_on|Monday}} at {{inbox.opens_at|9:00}}"))
    moments = (
        datetime(2026, 11, 26, 16, tzinfo=UTC),  # open
        datetime(2026, 11, 26, 20, tzinfo=UTC),
        datetime(2026, 11, 26, 23, tzinfo=UTC),
        datetime(2026, 11, 27, 6, tzinfo=UTC),  # the same night
        datetime(2026, 11, 27, 19, tzinfo=UTC),  # the weekend begins
        datetime(2026, 11, 29, 19, tzinfo=UTC),
    )

    for moment in moments:
        clock.move_to(moment, tick=False)
        hear(f"Hello at {moment}")

    assert heard() == [
        "Back on Nov. 27, 2026 at 9 a.m.",
        "Back on Nov. 30, 2026 at 9 a.m.",
    ]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_the_same_words_are_said_in_the_next_night(
    says: Callable[..., None], hear: Say, clock: Any, zone: str
) -> None:
    BusinessHours.objects.update(time_zone=zone)
    says(after_hours=say("We are closed"))

    for day in (23, 24, 25):
        # Over a night in which no hour is skipped, 23 hours lie between the second and the third.
        evening = datetime(2026, 11, day, 22 - (day == 25), tzinfo=ZoneInfo(zone))
        clock.move_to(evening, tick=False)
        hear(f"Hello on the {day}th")
        clock.shift(minutes(30))
        hear("Anybody?")

    assert heard() == ["We are closed"] * 3
    assert not ConversationEvent.objects.filter(verb="silent").exists()


@pytest.mark.parametrize("day", [date(2026, 10, 24), date(2026, 3, 28)])
def test_a_night_in_which_the_clock_is_changed_is_one_night(
    says: Callable[..., None], hear: Say, clock: Any, day: date
) -> None:
    """Berlin's clock jumps at 01:00 UTC on the Sunday after; it is closed from Friday to Monday."""
    BusinessHours.objects.update(time_zone="Europe/Berlin")
    says(after_hours=say("We are closed"))

    for hours in (2, 24, 24.5, 25, 25.5, 26, 27, 48):
        begun = datetime.combine(day, time(), ZoneInfo("UTC"))
        clock.move_to(begun + timedelta(hours=hours), tick=False)
        hear(f"Hello after {hours} hours")

    assert heard() == ["We are closed"]


def test_hours_that_are_changed_at_night_do_not_make_two_nights_of_it(
    house: House, says: Callable[..., None], hear: Say, clock: Any
) -> None:
    says(after_hours=say("Back at {{inbox.opens_at|nine}}"))
    clock.move_to(datetime(2026, 11, 26, 20, tzinfo=UTC), tick=False)
    hear()
    hours = BusinessHours.objects.get()
    week = ((Opening(10 * 60, 16 * 60),),) * 5 + ((), ())
    save_week(hours=hours, week=week, version=hours.version, by=house.alice, now=timezone.now())

    clock.shift(minutes(60))
    hear("And now?")

    assert heard() == ["Back at 9 a.m."]


def test_a_question_is_answered_again_after_a_person_spoke(
    house: House, says: Callable[..., None], hear: Say, clock: Any
) -> None:
    says(keyword=[{"name": "Prices", "phrases": ["price"], **say("See our prices")}])
    row = hear("price")
    clock.shift(minutes(60))
    reply(house, row)
    clock.shift(minutes(60))

    hear("What was the price?")

    assert heard() == ["See our prices"] * 2


def test_who_waits_again_is_told_so_again_in_the_same_words(
    house: House, says: Callable[..., None], hear: Say, clock: Any
) -> None:
    says(still_waiting=say("Soon, promised", after=20))
    for _ in range(2):
        row = hear()
        clock.shift(minutes(20))
        remind_next(now=timezone.now())
        clock.shift(minutes(60))
        reply(house, row)
        clock.shift(minutes(60))

    assert heard() == ["Soon, promised"] * 2


def test_fifty_messages_in_ten_seconds_get_one_answer(
    says: Callable[..., None], hear: Say, clock: Any
) -> None:
    says(
        keyword=[{"name": "Prices", "phrases": ["price"], **say("See our prices")}],
        first_message=say("Welcome"),
    )

    for number in range(50):
        hear(f"price {number}")
        clock.shift(timedelta(seconds=0.2))

    assert heard() == ["See our prices"]
    assert Message.objects.filter(direction="in").count() == 50


def test_two_machines_stop_talking_after_three_replies(
    says: Callable[..., None], hear: Say, clock: Any
) -> None:
    says(keyword=[{"name": "Ping", "phrases": ["ping"], **say("Got {{contact.number|it}}: pong")}])

    for number in range(20):
        hear(f"ping {number}")
        # Another text of ours in between, or the same words would be the end after one.
        Message.objects.filter(kind="auto").update(body=f"pong {number}")
        clock.shift(minutes(2))

    assert len(heard()) == 3


def test_who_repeats_our_words_is_a_machine_and_agents_are_told_once(
    says: Callable[..., None], hear: Say, clock: Any
) -> None:
    says(keyword=[{"name": "Hi", "phrases": ["hello"], **say("Hello again")}])
    row = hear("hello")

    for _ in range(3):
        clock.shift(minutes(2))
        hear("Hello again")

    assert heard() == ["Hello again"]
    event = ConversationEvent.objects.get(conversation=row, verb="silent")
    assert activity_words(event).startswith("Two machines seem to talk to each other")


def test_a_reaction_keeps_no_question_from_its_answer(
    house: House, says: Callable[..., None], hear: Say, clock: Any
) -> None:
    row = hear("Hello")
    reply(house, row)
    clock.shift(minutes(60))
    says(keyword=[{"name": "Prices", "phrases": ["price"], **say("See our prices")}])
    hear("Liked “Here I am”")
    clock.shift(timedelta(seconds=5))

    hear("And the price?")

    assert Message.objects.filter(kind="reaction").count() == 1
    assert heard() == ["See our prices"]


def test_who_echoed_us_is_a_machine_for_a_day(
    says: Callable[..., None], hear: Say, clock: Any
) -> None:
    says(
        keyword=[
            {"name": "Hi", "phrases": ["hello"], **say("Welcome")},
            {"name": "Prices", "phrases": ["price"], **say("See our prices")},
        ]
    )
    hear("hello")
    clock.shift(minutes(2))
    hear("Welcome")

    clock.shift(minutes(2))
    hear("price")
    assert heard() == ["Welcome"]
    clock.shift(minutes(25 * 60))
    hear("price?")
    assert heard() == ["Welcome", "See our prices"]


# --- Asked again when it is sent ---


@pytest.mark.parametrize("meanwhile", ["answer", "close", "late", "opt-out"])
def test_what_a_person_or_the_time_overtook_is_not_sent(
    house: House, says: Callable[..., None], hear: Say, clock: Any, meanwhile: str
) -> None:
    says(first_message=say("Welcome"))
    row = hear()
    promised = Message.objects.get(kind="auto")
    Message.objects.filter(direction="in").update(received_at=timezone.now() - minutes(10))

    clock.shift(minutes(2))
    if meanwhile == "answer":
        reply(house, row)
    elif meanwhile == "close":
        close(house, row)
    elif meanwhile == "late":
        # What was taken in late is old sooner: a message counts from when it came.
        clock.shift(minutes(4))
    else:
        hear("STOP")
    assert deliver(promised.pk, now=timezone.now()) is None

    promised.refresh_from_db()
    assert promised.status in ("blocked", "canceled")
    assert promised.error_code == ("OPTED_OUT" if meanwhile == "opt-out" else "NOT_WANTED")


# --- Still waiting ---


@pytest.fixture
def waits(says: Callable[..., None], hear: Say) -> Say:
    """Return a function: Maria wrote, and after twenty minutes is told that help comes."""

    def begin(clock: str = "calendar", body: str = "Hello") -> Conversation:
        says(still_waiting=say("Soon, promised", after=20, clock=clock))
        return hear(body)

    return begin


def timer_of(row: Conversation) -> EscalationTimer:
    return EscalationTimer.objects.get(conversation=row, step=REMIND)


def test_who_waits_is_told_once_that_they_are_not_forgotten(
    house: House, waits: Say, hear: Say, clock: Any
) -> None:
    row = waits()
    since = row.waiting_since
    coming = next_timer(row, now=timezone.now())
    assert coming
    words = coming_words(coming.value().step, Names())
    assert words == "The customer is told that they are not forgotten"

    clock.shift(minutes(19))
    assert not remind_next(now=timezone.now())
    # Who is impatient does not wait anew.
    hear("Anybody?")
    clock.shift(minutes(1))
    assert remind_next(now=timezone.now())
    assert not remind_next(now=timezone.now())

    assert heard() == ["Soon, promised"]
    row.refresh_from_db()
    assert (row.waiting_since, row.owner) == (since, None)
    assert not ConversationEvent.objects.filter(verb__in=("escalated", "warned")).exists()
    for _ in range(3):
        clock.shift(minutes(60))
        remind_next(now=timezone.now())
    assert heard() == ["Soon, promised"]


def test_the_next_wait_has_a_reminder_of_its_own(
    house: House, waits: Say, hear: Say, clock: Any
) -> None:
    row = waits()
    clock.shift(minutes(20))
    remind_next(now=timezone.now())
    reply(house, row)
    clock.shift(minutes(60))
    hear("One more thing")

    clock.shift(minutes(20))
    remind_next(now=timezone.now())

    # The same words twice in a row would be a machine's: a person answered in between.
    assert EscalationTimer.objects.filter(step=REMIND).exclude(fired_at=None).count() == 2


@pytest.mark.parametrize("ends", ["answer", "close", "opt-out", "off"])
def test_nothing_is_said_to_who_waits_no_more(
    house: House, waits: Say, hear: Say, clock: Any, ends: str, says: Callable[..., None]
) -> None:
    row = waits()
    clock.shift(minutes(10))
    if ends == "answer":
        reply(house, row)
    elif ends == "close":
        close(house, row)
    elif ends == "opt-out":
        hear("STOP")
    else:
        says(still_waiting=say("Soon, promised", after=20, on=False))

    clock.shift(minutes(11))
    remind_next(now=timezone.now())

    assert "Soon, promised" not in heard()


def test_a_snooze_holds_it_up_and_what_was_left_runs_afterwards(
    house: House, waits: Say, clock: Any
) -> None:
    row = waits()
    clock.shift(minutes(15))
    snooze_conversation(
        conversation=row,
        by=house.viewer(house.alice),
        user=house.alice,
        until=timezone.now() + minutes(60),
        now=timezone.now(),
    )

    clock.shift(minutes(30))
    assert not remind_next(now=timezone.now())

    assert timer_of(row).suspended_remaining == minutes(5)
    assert heard() == []


def test_business_minutes_do_not_run_at_night(waits: Say, clock: Any) -> None:
    clock.move_to(datetime(2026, 11, 26, 16, 50, tzinfo=UTC), tick=False)
    waits("business")

    clock.move_to(datetime(2026, 11, 27, 9, 9, tzinfo=UTC), tick=False)
    assert not remind_next(now=timezone.now())
    clock.move_to(datetime(2026, 11, 27, 9, 10, tzinfo=UTC), tick=False)
    assert remind_next(now=timezone.now())

    assert heard() == ["Soon, promised"]


def test_a_clock_that_comes_too_late_says_nothing(waits: Say, clock: Any) -> None:
    waits()

    clock.shift(minutes(36))
    assert remind_next(now=timezone.now())

    assert heard() == []


def test_a_claim_does_not_end_it_and_a_release_does_not_start_it_over(
    house: House, waits: Say, clock: Any
) -> None:
    row = waits()
    now = timezone.now()
    by: Any = {"by": house.viewer(house.alice), "user": house.alice}
    claimed = claim_conversation(conversation=row, now=now, **by)
    clock.shift(minutes(10))
    release_conversation(conversation=claimed, now=timezone.now(), **by)

    clock.shift(minutes(10))
    remind_next(now=timezone.now())

    assert heard() == ["Soon, promised"]


def test_it_stands_beside_a_policy_and_its_last_step(
    house: House, says: Callable[..., None], hear: Say, clock: Any
) -> None:
    make_policy(house.inbox, {"after": 5, "do": "priority", "priority": "high"})
    says(still_waiting=say("Soon, promised", after=20))
    row = hear()

    clock.shift(minutes(20))
    fire_due(now=timezone.now())
    assert heard() == []
    remind_next(now=timezone.now())

    steps = EscalationTimer.objects.filter(conversation=row).order_by("step")
    assert list(steps.values_list("step", flat=True)) == [1, REMIND, LAST]
    assert heard() == ["Soon, promised"]
    row.refresh_from_db()
    assert row.priority == "high"


def test_while_the_inbox_is_off_nothing_is_said(house: House, waits: Say, clock: Any) -> None:
    row = waits()
    TeamInbox.objects.update(is_on=False)

    clock.shift(minutes(20))
    assert remind_next(now=timezone.now())
    assert timer_of(row).suspended_for == "off"
    TeamInbox.objects.update(is_on=True)
    follow_changes(now=timezone.now())
    clock.shift(minutes(1))
    remind_next(now=timezone.now())

    assert heard() == ["Soon, promised"]


def test_a_text_may_carry_the_link_of_this_very_customer(
    says: Callable[..., None], hear: Say
) -> None:
    says(first_message=say("Hello {{contact.first_name|you}}. No more? {{opt_out_link}}"))

    hear(customer=MARIA)
    hear(customer=PEDRO)

    links = [body.rpartition(" ")[2] for body in heard()]
    read = [read_link(link.rpartition("/")[2], now=timezone.now()) for link in links]
    assert [one.address.phone for one in read] == [MARIA, PEDRO]
    account = Message.objects.filter(kind="auto").values_list("account", flat=True)[0]
    assert {one.account_id for one in read} == {account}
    message = Message.objects.filter(kind="auto").order_by("pk")[0]
    assert carries_link(message.body, account, parse_address(MARIA), now=timezone.now())
    assert not carries_link(message.body, account, parse_address(PEDRO), now=timezone.now())
    assert message.segments == count(message.body).segments


def test_a_keyword_reply_and_a_reminder_may_carry_it_too(
    says: Callable[..., None], hear: Say, clock: Any
) -> None:
    says(
        keyword=[{"name": "Stop?", "phrases": ["annoying"], **say("Stop here: {{opt_out_link}}")}],
        still_waiting=say("Soon! {{opt_out_link}}", after=10),
    )

    hear("So annoying")
    clock.shift(minutes(10))
    assert remind_next(now=timezone.now())

    assert [body.partition("http")[0] for body in heard()] == ["Stop here: ", "Soon! "]
    for body in heard():
        token = body.rpartition("/")[2]
        assert read_link(token, now=timezone.now()).address.phone == MARIA


def test_no_log_line_says_the_link(
    says: Callable[..., None], hear: Say, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    says(first_message=say("{{opt_out_link}}"))

    hear()

    token = heard()[0].rpartition("/")[2]
    assert token not in caplog.text
    assert not AuditEntry.objects.filter(data__icontains=token).exists()
    assert not GateDecision.objects.filter(inputs__icontains=token).exists()


def test_the_same_words_twice_are_a_loop_with_a_link_too(
    says: Callable[..., None], hear: Say, clock: Any
) -> None:
    says(keyword=[{"name": "Price", "phrases": ["price"], **say("9 euros. {{opt_out_link}}")}])
    hear("The price?")
    clock.shift(minutes(2))

    hear("The price?")

    assert len(heard()) == 1
