"""Does a search find what was said, and only in what its reader may see now?"""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.access import viewer_of
from accounts.models import User
from inbox.conversations import add_note, claim_conversation
from inbox.forgetting.batches import empty_messages
from inbox.models import Contact, Conversation, Message
from inbox.models.ids import client_id
from inbox.models.message import Forgotten
from inbox.searching import finding
from inbox.searching.finding import Found, Kind, TooSlowError, find
from inbox.searching.parsing import parse
from tests.conftest import House
from tests.factories import make_inbox
from tests.twilio import text_in

MARIA, JOSE = "+14155550001", "+525555550177"


@pytest.fixture
def shop(house: House, client: Client) -> House:
    """Maria asks for a parcel, José writes in three scripts."""
    text_in(client, house.sender, MARIA, "Where are my deliveries?", ProfileName="Maria Díaz")
    text_in(client, house.sender, MARIA, "The <b>blue parcel</b> & the red one, it's late")
    text_in(client, house.sender, JOSE, "مرحبا، أريد حجز موعد", ProfileName="José")
    text_in(client, house.sender, JOSE, "Great 🎉 荷物はどこですか")
    return house


def search(user: User, line: str, **more: Any) -> Found:
    now = timezone.now()
    return find(viewer_of(user, now=now), parse(line), now=now, **more)


def texts(user: User, line: str) -> list[str]:
    """Return the starts of the messages that are found."""
    found = search(user, line, kind=Kind.MESSAGES)
    assert found.problems == ()
    return [
        "".join(piece.text for piece in hit.pieces)[:10]
        for group in found.groups
        for hit in group.hits
    ]


def names(user: User, line: str, kind: Kind = Kind.CONTACTS) -> list[str]:
    found = search(user, line, kind=kind)
    assert found.problems == ()
    return [hit.name for group in found.groups for hit in group.hits]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("parcel", ["The <b>blu"]),
        ("PARC", ["The <b>blu"]),
        ("delivery", ["Where are "]),
        ("the", ["The <b>blu"]),
        ("the are", []),
        ('"blue parcel"', ["The <b>blu"]),
        ('"parcel blue"', []),
        ("it's", ["The <b>blu"]),
        ("are -parcel", ["Where are "]),
        ("from:customer -parcel -great -deliveries", ["مرحبا، أري"]),
        ("حجز", ["مرحبا، أري"]),
        ("🎉", ["Great 🎉 荷物"]),
        ("荷物", ["Great 🎉 荷物"]),
        ("zebra", []),
        ("'); DROP TABLE x; -- \\", []),
        ("a & | ! <-> ( 'b", []),
    ],
)
def test_words_are_found(shop: House, line: str, expected: list[str]) -> None:
    assert texts(shop.alice, line) == expected


@pytest.mark.parametrize(
    "line",
    ["(415) 555-0001", "+1 415 555 0001", "415.555.0001", "50001", "5550001", "0415 5550001"],
)
def test_a_number_is_found_in_any_form(shop: House, line: str) -> None:
    assert names(shop.alice, line) == ["Maria Díaz"]
    assert names(shop.alice, line, Kind.CONVERSATIONS) == ["Maria Díaz"]


@pytest.mark.parametrize("line", ["maria", "ma", "DÍA", "Maria Día", "día MARIA"])
def test_a_name_is_found_by_its_parts(shop: House, line: str) -> None:
    assert names(shop.alice, line) == ["Maria Díaz"]


def test_operators_narrow(shop: House) -> None:
    note = Conversation.objects.get(contact__profile_name="José")
    add_note(
        conversation=note,
        by=shop.viewer(shop.alice),
        user=shop.alice,
        body="Call about the parcel",
        client_id=client_id(),
        now=timezone.now(),
    )
    Contact.objects.filter(profile_name="José").update(tags=["vip"])
    today = timezone.now()
    tomorrow = f"{today + timedelta(days=2):%Y-%m-%d}"
    for line, expected in {
        "parcel from:me": ["Call about"],
        "parcel from:customer": ["The <b>blu"],
        "parcel -from:me": ["The <b>blu"],
        "parcel from:maria": ["The <b>blu"],
        "parcel tag:vip": ["Call about"],
        "parcel -tag:vip": ["The <b>blu"],
        "parcel inbox:support status:open channel:sms from:5550001": ["The <b>blu"],
        "parcel status:closed": [],
        "parcel has:media": [],
        "parcel assignee:alice": [],
        "parcel from:customer assignee:none": ["The <b>blu"],
        f"parcel before:{tomorrow} after:yesterday from:customer": ["The <b>blu"],
        f"parcel after:{tomorrow}": [],
        "parcel to:+525555550177": [],
    }.items():
        assert texts(shop.alice, line) == expected, line
    assert names(shop.alice, "status:open tag:vip", Kind.CONVERSATIONS) == ["José"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("inbox:salse", "Yours are: Support"),
        ("status:done", "status:open"),
        ("channel:fax", "sms"),
        ("has:cheese", "has:media"),
        ("before:soon", "before:2026-05-31"),
        ("after:2026-13-45", "after:2026-05-31"),
        ("assignee:zoe", "assignee:me"),
        ("from:zoe", "from:customer"),
        ("to:zoe", "“zoe”"),
    ],
)
def test_a_wrong_value_says_what_helps(shop: House, line: str, words: str) -> None:
    found = search(shop.alice, line)

    assert words in found.problems[0]
    assert found.groups == ()


def test_a_claimed_conversation_is_gone_from_everything(shop: House, charlie: User) -> None:
    row = Conversation.objects.get(contact__profile_name="Maria Díaz")
    claim_conversation(
        conversation=row, by=shop.viewer(shop.alice), user=shop.alice, now=timezone.now()
    )
    for line in ("parcel", "maria", "50001", "status:open", "from:customer", "🎉 -zebra"):
        for stranger in (shop.bob, charlie):
            found = search(stranger, line)
            assert "Maria" not in str([hit.name for group in found.groups for hit in group.hits])
    # A name that only hidden conversations have leads nowhere, as if there were no such person.
    assert "“maria”" in search(shop.bob, "from:maria").problems[0]
    assert texts(shop.alice, "parcel") == ["The <b>blu"]
    assert texts(shop.sue, "parcel") == ["The <b>blu"]


def test_what_is_forgotten_is_found_no_more(shop: House) -> None:
    message = Message.objects.get(body__contains="blue parcel")
    empty_messages([message.pk], why=Forgotten.RETENTION, now=timezone.now())

    assert texts(shop.alice, "parcel") == []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM inbox_message"
            " WHERE to_tsvector('simple', COALESCE(body, '')) @@ to_tsquery('simple', 'parcel')"
        )
        assert cursor.fetchone() == (0,)


def fill(house: House, number: int) -> None:
    """Write many more messages into one conversation, each a minute before the other."""
    last = Message.objects.filter(conversation__isnull=False).order_by("-seq").first()
    assert last is not None
    Message.objects.bulk_create(
        Message(
            account_id=last.account_id,
            thread_id=last.thread_id,
            conversation_id=last.conversation_id,
            seq=1000 + i,
            direction="in",
            status="received",
            body=f"again and again {i}",
            created_at=last.created_at - timedelta(minutes=i + 1),
        )
        for i in range(number)
    )


def test_all_pages_together_are_all_messages(shop: House) -> None:
    fill(shop, 70)
    seen: list[str] = []
    before = ""
    for _ in range(10):
        (group,) = search(shop.alice, "again", kind=Kind.MESSAGES, before=before).groups
        seen += [hit.message for hit in group.hits]
        before = group.next_before
        if not before:
            break

    assert len(seen) == len(set(seen)) == 70


@pytest.mark.parametrize("rare", [0, 5_000])
def test_old_messages_are_found_whichever_way_is_taken(
    shop: House, rare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop, 50)
    monkeypatch.setattr(finding, "NEWEST", 5)
    monkeypatch.setattr(finding, "RARE", rare)

    (group,) = search(shop.alice, "and 49", kind=Kind.MESSAGES).groups

    assert len(group.hits) == 1
    assert not group.is_partial


def test_a_word_in_too_many_says_that_only_the_newest_were_read(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop, 50)
    for name, number in (("NEWEST", 2), ("RARE", 3), ("READ_AT_MOST", 10)):
        monkeypatch.setattr(finding, name, number)

    (group,) = search(shop.alice, "again", kind=Kind.MESSAGES).groups

    assert 0 < len(group.hits) <= 10
    assert group.is_partial


def test_what_takes_too_long_ends_with_words_and_leaves_the_connection_as_it_was(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(*args: Any, **more: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    monkeypatch.setattr(finding, "TIME_LIMIT_MS", 50)
    monkeypatch.setattr(finding, "narrow", sleep)
    with pytest.raises(TooSlowError, match="Add another word"):
        search(shop.alice, "parcel")

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('jit')")
        assert cursor.fetchone()[0] != "50ms"


def test_the_number_of_questions_does_not_grow_with_what_is_found(shop: House) -> None:
    make_inbox(shop.account, "Returns")
    with CaptureQueriesContext(connection) as few:
        search(shop.alice, "are")
    fill(shop, 60)
    with CaptureQueriesContext(connection) as many:
        search(shop.alice, "again")

    assert len(few) <= 14, "\n".join(query["sql"] for query in few)
    assert len(many) <= 14


def test_a_message_of_very_many_words_is_taken_in_and_found_by_the_first(
    house: House, client: Client
) -> None:
    """PostgreSQL's own list of words ends at a megabyte: no message may fail for that."""
    words = " ".join(f"{number:x}z" for number in range(130_000))
    text_in(client, house.sender, MARIA, f"zanzibar {words}")

    assert Message.objects.get().body.endswith(words[-20:])
    assert names(house.bob, "zanzibar", Kind.MESSAGES) != []
