"""Does a search find what was said, and only in what its reader may see now?"""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import Http404
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.access import viewer_of
from accounts.models import Membership, User
from inbox.conversations import add_note, claim_conversation
from inbox.forgetting.batches import empty_messages
from inbox.models import Attachment, Contact, Conversation, Message, TeamInbox
from inbox.models.ids import client_id
from inbox.models.message import Forgotten
from inbox.searching import finding, matching
from inbox.searching.finding import Found, Kind, TooSlowError, find
from inbox.searching.parsing import parse
from tests.conftest import House
from tests.factories import make_inbox, make_sender
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


@pytest.mark.parametrize(
    "line", ["maria", "ma", "DÍA", "Maria Día", "día MARIA", "diaz", "MARÍA", "di", "mari\u0301a"]
)
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


@pytest.fixture
def little_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a search look at ten messages at once, and call nothing few."""
    for name, number in (("NEWEST", 2), ("RARE", 3), ("READ_AT_MOST", 10), ("FEW", 0)):
        monkeypatch.setattr(finding, name, number)


def all_pages(user: User, line: str, kind: Kind = Kind.MESSAGES) -> list[list[str]]:
    """Press on to the end; return of each page the conversations or messages that are found."""
    pages: list[list[str]] = []
    before = ""
    while before or not pages:
        (group,) = search(user, line, kind=kind, before=before).groups
        pages.append([hit.message or hit.conversation.public_id for hit in group.hits])
        before = group.next_before
        assert len(pages) < 50
    return pages


@pytest.mark.usefixtures("little_at_once")
def test_a_word_in_too_many_is_looked_for_further_back_to_the_very_end(shop: House) -> None:
    fill(shop, 50)
    (group,) = search(shop.alice, "again", kind=Kind.MESSAGES).groups
    assert 0 < len(group.hits) <= 10
    assert group.is_partial

    found = [one for page in all_pages(shop.alice, "again") for one in page]

    assert len(found) == len(set(found)) == 50


@pytest.mark.usefixtures("little_at_once")
def test_messages_of_one_moment_are_passed_however_many(shop: House) -> None:
    fill(shop, 50)
    at = Message.objects.get(body="again and again 20").created_at
    Message.objects.filter(body__startswith="again").update(created_at=at)

    found = [one for page in all_pages(shop.alice, "again") for one in page]

    assert len(found) == len(set(found)) == 50


@pytest.mark.usefixtures("little_at_once")
def test_nothing_among_the_newest_is_not_nothing(shop: House) -> None:
    """What is old is found by going on, and nobody is told before that it is not there."""
    old = Message.objects.get(body__contains="blue parcel")
    fill(shop, 50)
    Message.objects.filter(pk=old.pk).update(created_at=old.created_at - timedelta(days=9))

    first = search(shop.alice, "from:customer parcel -zebra -again")
    pages = all_pages(shop.alice, "from:customer -again -hola parcel")

    assert first.groups
    assert [one for page in pages for one in page] == [old.public_id]


@pytest.mark.usefixtures("little_at_once")
def test_who_sees_nothing_of_it_is_led_on_and_learns_nothing(shop: House) -> None:
    fill(shop, 50)
    row = Message.objects.filter(body__startswith="again")[0].conversation
    assert row is not None
    claim_conversation(
        conversation=row, by=shop.viewer(shop.alice), user=shop.alice, now=timezone.now()
    )

    (group,) = search(shop.bob, "again", kind=Kind.MESSAGES).groups
    pages = all_pages(shop.bob, "again")

    assert group.is_partial
    assert group.next_before
    assert not any(pages)


@pytest.mark.parametrize(
    "line", ["inbox:returns refund", "inbox:returns", "from:me", "has:media", "tag:vip", "refund"]
)
def test_operators_and_sight_are_asked_before_the_newest_are_read(
    shop: House, client: Client, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What few messages are left is looked at to the last of them, however old."""
    inbox = make_inbox(shop.account, "Returns")
    Membership.objects.create(user=shop.alice, team=inbox.team)
    old = text_in(client, make_sender(inbox, "+15550100002"), "+14155550300", "A refund please")
    Contact.objects.filter(pk=old.thread.contact_id).update(tags=["vip"])
    Attachment.objects.create(account=shop.account, message=old, state=Attachment.State.READY)
    Message.objects.filter(pk=old.pk).update(
        created_at=old.created_at - timedelta(days=9), author=shop.alice
    )
    fill(shop, 50)
    Message.objects.filter(body__startswith="again").update(body="refund")
    if line == "refund":  # Only sight leaves few.
        row = Message.objects.filter(body="refund")[0].conversation
        assert row is not None
        claim_conversation(
            conversation=row, by=shop.viewer(shop.bob), user=shop.bob, now=timezone.now()
        )
    for name, number in (("NEWEST", 2), ("RARE", 3), ("READ_AT_MOST", 10), ("FEW", 5)):
        monkeypatch.setattr(finding, name, number)

    (group,) = search(shop.alice, line, kind=Kind.MESSAGES).groups

    assert [hit.message for hit in group.hits][-1] == old.public_id
    assert not group.is_partial


def customers(shop: House, client: Client, number: int) -> list[Conversation]:
    """Let so many people of one name write, one after the other."""
    made = [
        text_in(client, shop.sender, f"+1415555{1000 + i}", "Hello", ProfileName=f"Zoë {i}")
        for i in range(number)
    ]
    return [one.conversation for one in made if one.conversation]


def test_contacts_are_looked_for_among_those_in_sight(
    shop: House, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest of the name are not all there are: others have those."""
    rows = customers(shop, client, 6)
    for row in rows[1:]:
        claim_conversation(
            conversation=row, by=shop.viewer(shop.alice), user=shop.alice, now=timezone.now()
        )
    monkeypatch.setattr(matching, "MOST_CONTACTS", 2)

    for kind in (Kind.CONTACTS, Kind.CONVERSATIONS):
        assert names(shop.bob, "zoe", kind) == ["Zoë 0"]
    assert search(shop.bob, "from:zoe").problems == ()
    assert texts(shop.bob, "hello from:zoe") == ["Hello"]


@pytest.mark.parametrize("limit", ["MOST_CONTACTS", "LOOKED_AT"])
@pytest.mark.parametrize("kind", [Kind.CONTACTS, Kind.CONVERSATIONS])
def test_more_contacts_than_are_looked_at_are_reached_by_going_on(
    shop: House, client: Client, monkeypatch: pytest.MonkeyPatch, kind: Kind, limit: str
) -> None:
    rows = customers(shop, client, 7)
    monkeypatch.setattr(matching, limit, 2)
    (group,) = search(shop.alice, "zoe", kind=kind).groups
    assert group.is_partial
    assert "only the newest" in search(shop.alice, "from:zoe").notes[0]

    found = [one for page in all_pages(shop.alice, "zoe", kind) for one in page]

    assert sorted(found) == sorted(row.public_id for row in rows)


@pytest.mark.parametrize("line", ["jose", "JOSÉ", "josé", "jose\u0301"])
def test_accents_do_not_matter(shop: House, client: Client, line: str) -> None:
    text_in(client, shop.sender, MARIA, "Ask José about the envíos")
    text_in(client, shop.sender, JOSE, "jose is me")

    assert texts(shop.alice, line) == ["jose is me", "Ask José a"]
    assert names(shop.alice, line) == ["José"]
    hits = search(shop.alice, line, kind=Kind.MESSAGES).groups[0].hits
    marked = [piece.text for hit in hits for piece in hit.pieces if piece.is_hit]
    assert marked == ["jose", "José"]


def test_stems_are_those_of_the_inboxes_too(shop: House, client: Client) -> None:
    text_in(client, shop.sender, MARIA, "Hablamos pronto")
    assert texts(shop.alice, "hablando") == []
    TeamInbox.objects.filter(pk=shop.inbox.pk).update(language="es")

    assert texts(shop.alice, "hablando") == ["Hablamos p"]
    assert texts(shop.alice, "delivery") == ["Where are "]


@pytest.mark.parametrize(
    "before",
    ["x", "1", "1.x", "1.2.3.4", "99999999999999999999.1", "999999999999999999.1", ".."],
)
def test_a_place_that_cannot_be_is_no_page(shop: House, before: str) -> None:
    with pytest.raises(Http404):
        search(shop.alice, "parcel", kind=Kind.MESSAGES, before=before)


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
