"""Is what stands around a page drawn once, and still everybody's own?"""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from inbox.markup import Drawn, without_indents
from inbox.views import frame
from tests.conftest import House
from tests.twilio import text_in

Login = Callable[[User], Client]
LIST = "/inbox/support/"


@pytest.fixture(autouse=True)
def _nothing_drawn() -> None:
    frame._frame.cache_clear()


def page(client: Client, address: str = LIST) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_frame_is_drawn_once_for_all_pages_of_a_person(
    client: Client, house: House, login: Login
) -> None:
    alice = login(house.alice)
    text_in(client, house.sender)
    cid = house.inbox.conversations.get().public_id

    pages = [page(alice), page(alice, f"{LIST}?view=mine"), page(alice, f"{LIST}c/{cid}/")]

    info = frame._frame.cache_info()
    assert (info.misses, info.hits) == (1, 2)
    assert [re.findall(r'data-pane="(\w+)"', one) for one in pages] == [
        ["list"],
        ["list"],
        ["thread"],
    ]
    assert all("\0" not in one for one in pages)
    assert ["Hello" in one.partition('id="thread"')[2] for one in pages] == [False, False, True]


def test_everybody_has_their_own(house: House, login: Login) -> None:
    alice, bob = page(login(house.alice)), page(login(house.bob))

    assert 'data-my-name="Alice"' in alice
    assert 'data-my-name="Bob"' in bob
    assert house.alice.email not in bob
    assert f'data-me="{house.bob.pk}"' in bob


def test_what_a_person_changes_is_there_at_once(house: House, login: Login) -> None:
    alice = login(house.alice)
    assert 'data-theme="system"' in page(alice)

    User.objects.filter(pk=house.alice.pk).update(theme="dark", availability="away")
    house.inbox.name = "Helpdesk"
    house.inbox.save(update_fields=["name"])

    shown = page(alice)
    assert 'data-theme="dark"' in shown
    assert "me-away" in shown
    assert "<title>Helpdesk · Team Inbox</title>" in shown


def test_each_page_has_a_token_and_an_address_of_its_own(house: House, login: Login) -> None:
    alice = login(house.alice)

    first, second = page(alice), page(alice, f'{LIST}?view=open&q="><b>')

    tokens = [re.findall(r'data-csrf="(\w+)"', one) for one in (first, second)]
    assert tokens[0] != tokens[1]
    assert first.count(tokens[0][0]) > 2  # every form has it too
    assert 'name="next" value="/inbox/support/"' in first
    assert "<b>" not in second.partition('id="list"')[0]
    assert 'data-words="&quot;&gt;&lt;b&gt;"' in second


def test_what_is_said_once_is_not_kept(house: House, login: Login) -> None:
    alice = login(house.alice)
    alice.post(reverse("end_session"))

    assert page(alice).count("That session was over already.") == 1
    assert "That session was over already." not in page(alice)


def test_each_language_has_its_own(house: House, login: Login) -> None:
    alice = login(house.alice)
    english = page(alice)
    User.objects.filter(pk=house.alice.pk).update(language="es")

    spanish = page(alice)

    assert 'lang="en"' in english
    assert 'lang="es"' in spanish
    assert "Skip to conversations" not in spanish


def test_gaps_are_filled_and_a_missing_value_is_an_error() -> None:
    drawn = Drawn("<a>\0one\0</a>\0two\0\0one\0")

    assert drawn.gaps == ("one", "two", "one")
    assert drawn.filled({"one": "1", "two": "2"}) == "<a>1</a>21"
    with pytest.raises(KeyError):
        drawn.filled({"one": "1"})
    assert Drawn("nothing").filled({}) == "nothing"


def test_indents_go_and_words_stay() -> None:
    assert without_indents("<p>\n    a  b\n\n\n  <i> c</i>\n</p>") == "<p>\na  b\n<i> c</i>\n</p>"
