"""Does a list show what its filters leave, in the order that was chosen, page by page?"""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inbox.conversations import mark_read
from inbox.filters import URGENCY, Filter, Sort
from inbox.lists import ROWS
from inbox.models import (
    Attachment,
    Contact,
    ContactAddress,
    Conversation,
    Message,
    TeamInbox,
)
from inbox.saved_views import plain_query
from tests.conftest import House
from tests.inbox.test_bulk import claim
from tests.inbox.test_pages_list import many, rows_of

URL = "/inbox/support/"


@pytest.fixture
def ids(house: House, client: Client) -> list[str]:
    """Four conversations, newest first."""
    return many(house, client, 4)


def shown(browser: Client, **query: Any) -> list[str]:
    return rows_of(browser.get(URL, query, headers={"HX-Request": "true"}).text)


def of(public_id: str) -> Any:
    return Conversation.objects.filter(public_id=public_id)


def test_a_filter_leaves_what_fits(house: House, login: Any, ids: list[str]) -> None:
    alice, now = login(house.alice), timezone.now()
    of(ids[0]).update(tags=["vip", "refund"])
    of(ids[1]).update(waiting_since=now - timedelta(hours=5))
    of(ids[2]).update(waiting_since=None)
    address = ContactAddress.objects.get(threads__conversations__public_id=ids[3])
    ContactAddress.objects.filter(pk=address.pk).update(family="whatsapp")
    for one in ids[:3]:
        mark_read(conversation=of(one).get(), by=house.viewer(house.alice), seq=99)

    assert shown(alice, tag="vip") == [ids[0]]
    assert shown(alice, tag="VIP") == [ids[0]]
    assert shown(alice, tag="vi") == []
    assert shown(alice, waiting="240") == [ids[1]]
    assert shown(alice, channel="whatsapp") == [ids[3]]
    assert shown(alice, channel="sms") == ids[:3]
    assert shown(alice, unread="1") == [ids[3]]
    assert shown(login(house.bob), unread="1") == ids
    assert shown(alice, unread="1", channel="sms") == []
    assert shown(alice, sort="oldest") == ids[::-1]
    assert shown(alice, sort="waiting")[0] == ids[1]
    assert ids[2] not in shown(alice, sort="waiting")
    assert shown(alice, sort="due") == []
    of(ids[2]).update(due_at=now)
    of(ids[3]).update(due_at=now)
    assert shown(alice, sort="due") == [ids[3]], "nobody waits in the other"
    assert shown(alice, q="Question", tag="vip") == [ids[0]]


def test_what_a_conversation_is_narrows_the_list(house: House, login: Any, ids: list[str]) -> None:
    alice = login(house.alice)
    of(ids[0]).update(priority="urgent")
    of(ids[1]).update(has_failed_message=True)
    for number, language in ((1, "pt-BR"), (2, "pt"), (3, "es")):
        Contact.objects.filter(conversations__public_id=ids[number]).update(language=language)
    for number, state in ((2, Attachment.State.READY), (3, Attachment.State.GONE)):
        message = Message.objects.get(conversation__public_id=ids[number])
        Attachment.objects.create(account=house.account, message=message, state=state, position=0)

    assert shown(alice, priority="urgent") == [ids[0]]
    assert shown(alice, priority="normal") == ids[1:]
    assert shown(alice, failed="1") == [ids[1]]
    assert shown(alice, language="pt") == ids[1:3]
    assert shown(alice, language="pt-BR") == [ids[1]]
    assert shown(alice, media="1") == [ids[2]]
    assert shown(alice, media="1", failed="1") == []


def test_whose_it_is_can_be_chosen_where_colleagues_read_on(
    house: House, login: Any, ids: list[str]
) -> None:
    claim(ids[0], house.alice)
    bob = login(house.bob)

    assert 'id="owners"' not in bob.get(URL).text
    assert shown(bob, owner=house.alice.pk) == []

    TeamInbox.objects.update(after_claim="read_only")
    assert 'id="owners"' in bob.get(URL).text
    assert shown(bob, owner=house.alice.pk) == [ids[0]]


def test_a_filter_shows_nobody_more_than_they_see(
    house: House, login: Any, charlie: Any, ids: list[str]
) -> None:
    of(ids[0]).update(tags=["vip"])
    claim(ids[0], house.alice)

    queries = [{"tag": "vip"}, {"sort": "waiting"}, {"sort": "oldest"}, {"unread": "1"}]
    queries += [{"sort": "priority"}, {"sort": "created"}]
    queries += [{"owner": str(house.alice.pk)}, {"priority": "normal"}]
    for query in queries:
        assert ids[0] in shown(login(house.alice), **query)
        assert ids[0] not in shown(login(house.bob), **query)
        assert shown(login(charlie), **query) == []


@pytest.mark.parametrize(
    "query",
    [
        {"channel": "fax"},
        {"waiting": "7"},
        {"waiting": "9" * 40},
        {"unread": "yes"},
        {"sort": "x"},
        {"priority": "highest"},
        {"language": "klingonese"},
        {"media": "yes", "failed": "0"},
        {"tag": " "},
    ],
)
def test_what_makes_no_sense_asks_nothing(
    house: House, login: Any, ids: list[str], query: dict[str, str]
) -> None:
    assert shown(login(house.alice), **query) == ids


def test_a_tag_with_a_nul_is_no_error(house: House, login: Any, ids: list[str]) -> None:
    assert shown(login(house.alice), tag="a\0b") == []


@pytest.mark.parametrize("sort", list(Sort))
def test_pages_of_every_order_have_every_row_once(
    house: House, login: Any, client: Client, sort: Sort
) -> None:
    everything = many(house, client, 2 * ROWS + 5)
    start = timezone.now() - timedelta(days=2)
    for number, one in enumerate(everything):
        at = start + timedelta(seconds=number // 3)
        urgency = URGENCY[number % 7 % 4]
        of(one).update(
            waiting_since=at, due_at=at + timedelta(days=3), opened_at=at, priority=urgency
        )
    alice, found, address = login(house.alice), [], f"{URL}?sort={sort}"

    while address:
        page = alice.get(address, headers={"HX-Request": "true"}).text
        found += rows_of(page)
        more = re.search(r'hx-get="([^"]*before=[^"]*)"', page)
        address = more[1].replace("&amp;", "&") if more else ""

    assert len(found) == len(set(found)) == len(everything)
    rows = {row.public_id: row for row in Conversation.objects.all()}
    moments = [getattr(rows[one], sort.field) for one in found]
    urgencies = [URGENCY.index(rows[one].priority) for one in found]
    if sort is Sort.PRIORITY:
        assert urgencies == sorted(urgencies)
        for place in range(4):
            theirs = [at for at, one in zip(moments, urgencies, strict=True) if one == place]
            assert theirs == sorted(theirs, reverse=True)
            assert len(theirs) > 1
    else:
        latest_first = sort in {Sort.NEWEST, Sort.CREATED}
        assert moments == sorted(moments, reverse=latest_first)


def test_a_page_by_priority_ends_in_any_of_them(
    house: House, login: Any, client: Client, ids: list[str]
) -> None:
    alice = login(house.alice)
    page = {"sort": "priority"}
    of(ids[3]).update(priority="urgent")
    of(ids[2]).update(priority="low")

    assert shown(alice, **page) == [ids[3], *ids[:2], ids[2]]
    for cursor in ("1.x", "1.x.", "1.x.highest", "x.x.low"):
        assert alice.get(URL, {**page, "before": cursor}).status_code == 404
    assert shown(alice, **page, before=f"{10**16}.{ids[0]}.low") == [ids[2]]


@pytest.mark.parametrize("sort", ["priority", "created"])
def test_big_lists_are_read_by_an_index_in_these_orders(
    house: House, login: Any, ids: list[str], sort: str
) -> None:
    alice = login(house.alice)
    alice.get(URL)
    with CaptureQueriesContext(connection) as captured:
        alice.get(URL, {"sort": sort}, headers={"HX-Request": "true"})
    pages = [one["sql"] for one in captured if " LIMIT 31" in one["sql"]]

    assert pages
    with connection.cursor() as cursor:
        # On a few rows a sort is cheap; that they need none is to be seen all the same.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        for sql in pages:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Sort Key" not in plan, plan


def test_filters_cost_no_more_questions(house: House, login: Any, ids: list[str]) -> None:
    alice = login(house.alice)
    alice.get(URL)

    costs = []
    for query in ({}, {"tag": "vip", "unread": "1", "sort": "oldest"}, {"sort": "waiting"}):
        with CaptureQueriesContext(connection) as captured:
            alice.get(URL, query)
        costs.append(len(captured))

    assert len(set(costs)) == 1, costs


def test_a_filter_reads_back_what_it_writes() -> None:
    wanted = Filter(
        *("sms", "vip", 60, True, Sort.WAITING, True, "urgent", "pt-BR"),
        has_media=True,
        is_failed=True,
    )

    assert Filter.of(wanted.as_query()) == wanted
    assert Filter.of(Filter().as_query()).is_plain
    assert wanted.number == 9
    assert Filter.of(dict(parse_qsl(plain_query(urlencode(wanted.as_query()))))) == wanted


def test_a_list_without_rows_says_that_filters_may_be_why(house: House, login: Any) -> None:
    page = login(house.alice).get(URL, {"tag": "vip"}).text

    assert "Nothing fits these filters" in page
    assert 'value="vip"' in page
