"""Does the list show each person what they may see, in order, at a fixed price?"""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from inbox.closing import close_conversation
from inbox.conversations import claim_conversation, snooze_conversation
from inbox.lists import ROWS
from inbox.models import Conversation, Sender
from inbox.rows import COUNT_LIMIT
from tests.conftest import House
from tests.factories import make_inbox, make_user
from tests.flows.test_together import Stage, stage
from tests.twilio import text_in

__all__ = ["stage"]


def rows_of(html: str) -> list[str]:
    return re.findall(r'<li id="c-(\w+)"', html)


def counts_of(html: str) -> dict[str, str]:
    return dict(re.findall(r'data-count="(\w+)">([^<]*)<', html))


def many(house: House, client: Client, number: int) -> list[str]:
    """Let many customers write, one second after the other; return ids, newest first."""
    start = timezone.now() - timedelta(days=1)
    ids = []
    for i in range(number):
        message = text_in(client, house.sender, f"+1415555{2000 + i:04d}", f"Question {i}")
        at = start + timedelta(seconds=i // 2)
        row = Conversation.objects.get(messages=message)
        Conversation.objects.filter(pk=row.pk).update(last_activity_at=at)
        ids.append(row.public_id)
    return ids[::-1]


@pytest.fixture
def url(house: House) -> str:
    return reverse("inbox", kwargs={"slug": house.inbox.slug})


def test_everybody_of_the_team_sees_a_new_conversation(stage: Stage, login: Any, url: str) -> None:
    for user in (stage.house.alice, stage.house.bob, stage.house.sue):
        assert rows_of(login(user).get(url).text) == [stage.row.public_id]


VIEWS = ["open", "mine", "unassigned", "waiting", "snoozed", "mentions", "closed"]


@pytest.mark.parametrize("query", [*({"view": view} for view in VIEWS), {"q": "x"}, {"tag": "x"}])
def test_an_empty_list_offers_exactly_one_next_step(
    house: House, login: Any, url: str, query: dict[str, str]
) -> None:
    html = login(house.alice).get(url, query, headers={"HX-Request": "true"}).text

    empty = html[html.index('id="empty"') :]
    assert " hidden" not in empty[:30]
    assert len(re.findall("<(?:a|button) ", empty)) == 1


def test_an_inbox_without_a_number_says_who_can_connect_one(
    house: House, login: Any, url: str
) -> None:
    ada = make_user(house.account, "Ada", team=house.inbox.team, works_as=User.Role.ACCOUNT_ADMIN)
    numbers = reverse("settings_numbers", kwargs={"slug": house.inbox.slug})
    Sender.objects.update(removed_at=timezone.now())

    theirs = login(ada).get(url).text
    others = login(house.alice).get(url).text

    assert "No number is connected" in theirs
    assert f'href="{numbers}"' in theirs
    assert "No number is connected" in others
    assert f'href="{numbers}"' not in others
    assert "Ada" in others[others.index('id="empty"') :]


def test_an_inbox_has_the_colour_that_was_chosen_for_it(stage: Stage, login: Any, url: str) -> None:
    other = make_inbox(stage.house.account, "Returns", colour="rose")
    other.team.memberships.create(user=stage.house.alice)
    alice = login(stage.house.alice)

    for page in (alice.get(url).text, alice.get("/?choose").text):
        assert re.findall(r'class="rail-inbox hue-(\w+)"', page) == ["rose", "teal"]


def test_a_claimed_conversation_is_gone_from_list_search_and_numbers(
    stage: Stage, login: Any, url: str
) -> None:
    stage.do(claim_conversation, stage.house.alice)

    bob, sue = login(stage.house.bob), login(stage.house.sue)

    for page in (bob.get(url), bob.get(url, {"view": "unassigned"}), bob.get(url, {"q": "Hello"})):
        assert rows_of(page.text) == []
        # What they searched for is repeated to them; nothing else may say it.
        asked = ('value="Hello"', "“Hello”", 'data-words="Hello"', r"\?q=Hello")
        assert "Hello" not in re.sub("|".join(asked), "", page.text)
        assert "555-0100" not in page.text
    assert counts_of(bob.get(url).text) == dict.fromkeys(
        ("mine", "unassigned", "open", "mentions", "snoozed"), "0"
    )
    assert rows_of(sue.get(url).text) == [stage.row.public_id]
    assert rows_of(login(stage.house.alice).get(url, {"view": "mine"}).text) == [
        stage.row.public_id
    ]


def test_charlie_has_his_own_inbox_behind_the_same_name(
    stage: Stage, login: Any, charlie: User, url: str
) -> None:
    page = login(charlie).get(url)

    assert page.status_code == 200
    assert rows_of(page.text) == []
    assert stage.row.public_id not in page.text


def test_an_inbox_of_another_team_is_not_there(house: House, login: Any) -> None:
    make_inbox(house.account, "Billing")

    assert login(house.alice).get("/inbox/billing/").status_code == 404


def test_without_a_licence_the_page_says_why(stage: Stage, login: Any, url: str) -> None:
    house = stage.house
    nora = make_user(house.account, "Nora", team=house.inbox.team, is_licensed=False)

    page = login(nora).get(url)

    assert page.status_code == 403
    assert "Pro-CX licence" in page.text
    assert "Hello" not in page.text


def test_each_view_shows_its_part(stage: Stage, login: Any, client: Client, url: str) -> None:
    house = stage.house
    alice = login(house.alice)
    first = stage.row.public_id
    stage.do(claim_conversation, house.alice)
    second = text_in(client, house.sender, "+14155550102", "Two").conversation
    third = text_in(client, house.sender, "+14155550103", "Three").conversation
    assert second is not None
    assert third is not None
    for story, row, more in (
        (snooze_conversation, second, {"until": None}),
        (close_conversation, third, {"last_seen_seq": 1, "waiting_ok": True}),
    ):
        story(
            conversation=row, by=stage.viewer(house.alice), user=house.alice, now=stage.now, **more
        )

    shown = {
        view: rows_of(alice.get(url, {"view": view}).text)
        for view in ("mine", "unassigned", "open", "snoozed", "closed")
    }

    assert shown == {
        "mine": [first],
        "unassigned": [],
        "open": [first],
        "snoozed": [second.public_id],
        "closed": [third.public_id],
    }
    assert counts_of(alice.get(url).text) == {
        "mine": "1",
        "unassigned": "0",
        "open": "1",
        "mentions": "0",
        "snoozed": "1",
    }


@pytest.mark.parametrize(
    ("words", "is_found"),
    [
        ("hello", True),
        ("(415) 555-0100", True),
        ("5550100", True),
        ("zebra", False),
        ("%", False),
        ("55", False),
    ],
)
def test_search_finds_names_numbers_and_texts(
    stage: Stage, login: Any, url: str, words: str, is_found: bool
) -> None:
    page = login(stage.house.alice).get(url, {"q": words})

    assert rows_of(page.text) == ([stage.row.public_id] if is_found else [])


def test_search_finds_a_closed_conversation_by_its_name(stage: Stage, login: Any, url: str) -> None:
    contact = stage.row.contact
    contact.name = "María González"
    contact.save()
    stage.do(close_conversation, stage.house.alice, last_seen_seq=1, waiting_ok=True)

    page = login(stage.house.bob).get(url, {"q": "gonzález"})

    assert rows_of(page.text) == [stage.row.public_id]


def test_pages_follow_each_other_without_gap_or_repeat(
    house: House, client: Client, login: Any, url: str
) -> None:
    expected = many(house, client, 2 * ROWS + 5)
    alice = login(house.alice)
    seen: list[str] = []
    address: str | None = url

    while address:
        html = alice.get(address, headers={"HX-Request": "true"}).text
        seen += rows_of(html)
        more = re.search(r'<li class="more">.*?href="([^"]+)"', html, re.DOTALL)
        address = more[1].replace("&amp;", "&") if more else None

    assert seen == expected


def test_a_script_gets_rows_and_nothing_around_them(stage: Stage, login: Any, url: str) -> None:
    part = login(stage.house.alice).get(url, headers={"HX-Request": "true"})

    assert rows_of(part.text) == [stage.row.public_id]
    for outside in ("<html", "list-head", "chip"):
        assert outside not in part.text


def test_a_cursor_that_makes_no_sense_is_not_found(house: House, login: Any, url: str) -> None:
    alice = login(house.alice)

    for cursor in ("x", "1.2.3", "9" * 40, "9" * 17 + ".abc", "-1.a"):
        assert alice.get(url, {"before": cursor}).status_code in {200, 404}


def test_unread_is_what_i_have_not_read(stage: Stage, login: Any, url: str) -> None:
    stage.hear("Still there?")
    alice, bob = login(stage.house.alice), login(stage.house.bob)

    assert 'data-unread="2"' in alice.get(url).text
    alice.post(f"/c/{stage.row.public_id}/read/", {"seq": 2})

    assert "data-unread" not in alice.get(url).text
    assert 'data-unread="2"' in bob.get(url).text
    alice.post(f"/c/{stage.row.public_id}/unread/")
    assert 'data-unread="1"' in alice.get(url).text


def test_what_is_unread_in_a_row_that_came_back_can_be_asked_for(
    stage: Stage, login: Any, url: str, charlie: User
) -> None:
    house, mine, url = stage.house, stage.row.public_id, f"{url}counts/"
    stage.hear("One more")
    hers = Conversation.objects.get(
        messages=text_in(stage.client, house.sender, "+14155550177", "Hi")
    )
    claim_conversation(
        conversation=hers, by=house.viewer(house.alice), user=house.alice, now=stage.now
    )
    asked = {"unread": [mine, hers.public_id, "nobody's", "é"]}
    alice, bob = login(house.alice), login(house.bob)
    alice.post(f"/c/{mine}/read/", {"seq": 1})

    assert alice.get(url, asked).json() == {"unread": {mine: 1, hers.public_id: 1}}
    assert bob.get(url, asked).json() == {"unread": {mine: 2}}
    assert login(charlie).get(url, asked).json() == {"unread": {}}
    assert bob.get(url, {"unread": ["?"]}).json() == {"unread": {}}


def test_numbers_stop_at_a_hundred(house: House, client: Client, login: Any, url: str) -> None:
    many(house, client, COUNT_LIMIT + 2)
    alice = login(house.alice)

    assert counts_of(alice.get(url).text)["open"] == "99+"
    assert alice.get("/inbox/support/counts/").json()["open"] == COUNT_LIMIT == 100


def test_the_cursor_is_older_than_the_rows(stage: Stage, login: Any, url: str) -> None:
    page = login(stage.house.alice).get(url)

    head = int(re.search(r'data-head="(\d+)"', page.text)[1])  # type: ignore[index]
    assert head > 0


def test_a_list_costs_the_same_for_one_row_and_for_thirty(
    house: House, client: Client, login: Any, url: str, django_assert_max_num_queries: Any
) -> None:
    alice, sue = login(house.alice), login(house.sue)
    alice.get(url)
    many(house, client, ROWS + 2)

    with django_assert_max_num_queries(5):
        assert len(rows_of(alice.get(url).text)) == ROWS
    sue.get(url)
    with django_assert_max_num_queries(6):
        sue.get(url)


def test_home_leads_to_the_inbox_of_last_time(house: House, login: Any) -> None:
    alice = login(house.alice)
    assert alice.get("/").headers["Location"] == "/inbox/support/"

    second = make_inbox(house.account, "Billing")
    second.team.memberships.create(user=house.alice)
    assert "Billing" in alice.get("/").text
    alice.get("/inbox/billing/")

    assert alice.get("/").headers["Location"] == "/inbox/billing/"
    assert alice.get("/?choose").status_code == 200


def test_somebody_in_no_team_is_told_so(house: House, login: Any) -> None:
    dan = make_user(house.account, "Dan")

    page = login(dan).get("/")

    assert page.status_code == 200
    assert "You are in no inbox yet" in page.text


def test_a_supervisor_can_ask_whose(stage: Stage, login: Any, url: str) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    sue = login(house.sue)

    assert rows_of(sue.get(url, {"owner": house.alice.pk}).text) == [stage.row.public_id]
    assert rows_of(sue.get(url, {"owner": house.bob.pk}).text) == []
    assert 'id="owners"' in sue.get(url).text
    assert 'id="owners"' not in login(house.alice).get(url).text


def test_an_admin_without_a_licence_comes_to_the_settings(house: House, login: Any) -> None:
    ada = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, is_licensed=False)

    answer = login(ada).get("/")

    assert (answer.status_code, answer["Location"]) == (302, "/settings/")
