"""Can programs set an account's own keywords and try messages, and are they told what is wrong?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.programs import make_key
from compliance.models import AccountKeyword, ConsentEvent
from inbox.models import Message
from tests.conftest import House
from tests.factories import make_account, make_user

pytestmark = pytest.mark.django_db
LIST, TRY = "/api/v1/keywords/", "/api/v1/keywords/try/"
GENUG = {"action": "opt_out", "word": "Genug", "language": "de", "country": ""}


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def api(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def send(client: Client, method: str, path: str, body: Any) -> tuple[int, Any]:
    answer = client.generic(method, path, json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


def test_keywords_are_read_checked_and_written_as_a_whole(api: Client) -> None:
    read = api.get(LIST).json()
    assert read["keywords"] == []
    assert {"BAJA", "STOP"} <= {one["word"] for one in read["shipped"]}
    assert read["notice"] == "Product behaviour, not legal advice."

    assert send(api, "PUT", LIST, {"keywords": [GENUG], "check": True})[0] == 200
    assert not AccountKeyword.objects.exists()
    status, written = send(api, "PUT", LIST, {"keywords": [GENUG], "version": read["version"]})
    assert (status, written["keywords"]) == (200, [GENUG])
    assert AuditEntry.objects.filter(action="own_keywords_changed").count() == 1
    status, refused = send(api, "PUT", LIST, {"keywords": [], "version": read["version"]})
    assert (status, refused["version"]) == (409, written["version"])
    assert AccountKeyword.objects.count() == 1


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"action": "help", "word": "stop"}], ["“stop”", "“STOP”"]),
        ([GENUG, {**GENUG, "action": "help", "word": "genug!"}], ["“Genug”", "“genug!”"]),
        ([{"action": "opt_out", "word": "(a|b)+"}], ["no plain word"]),
        ([{"action": "opt_out", "word": ""}], ["no letters"]),
        ([{"action": "opt_out", "word": "x" * 35}], ["too long"]),
        ([{"action": "opt_out", "word": f"wort {n}"} for n in range(21)], ["too many"]),
    ],
)
def test_a_conflict_is_a_400_that_names_both(
    api: Client, rows: list[dict[str, str]], words: list[str]
) -> None:
    status, refused = send(api, "PUT", LIST, {"keywords": rows})
    assert status == 400
    assert all(one in refused["detail"] for one in words)
    assert all(one["words"] for one in refused["problems"])
    assert not AccountKeyword.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"keywords": "genug"},
        {"keywords": [{"action": "leave", "word": "genug"}]},
        {"keywords": [{"word": "genug"}]},
        {"keywords": [None]},
    ],
)
def test_what_is_no_list_of_words_is_refused(api: Client, body: Any) -> None:
    assert send(api, "PUT", LIST, body)[0] == 400


def test_a_message_is_tried_and_nothing_is_kept(house: House, api: Client) -> None:
    send(api, "PUT", LIST, {"keywords": [GENUG]})
    status, tried = send(api, "POST", TRY, {"text": "genug!", "languages": ["de"]})
    assert status == 200
    assert (tried["label"], tried["kind"]) == ("opt_out", "exact")
    (follows,) = tried["follows"]
    assert (follows["address"], follows["outcome"], follows["answer"]) == (
        house.sender.address,
        "opted_out",
        "us",
    )
    assert not ConsentEvent.objects.exists()
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"channel": "pigeon"},
        {"languages": ["klingon!"]},
        {"languages": ["en"] * 11},
        {"country": "Austria"},
        {"opt_out_type": "PERHAPS"},
        {"text": "x" * 1601},
        {"text": None},
    ],
)
def test_what_cannot_be_tried_is_refused(api: Client, body: dict[str, Any]) -> None:
    assert send(api, "POST", TRY, {"text": "STOP", **body})[0] == 400


def test_a_key_that_only_reads_may_try_and_not_write(house: House, ada: User) -> None:
    made = make_key(
        account=house.account, by=ada, now=timezone.now(), name="CI", may_change=False, days=30
    )
    client = Client(headers={"Authorization": f"Bearer {made.secret}"})
    assert client.get(LIST).status_code == 200
    assert send(client, "POST", TRY, {"text": "STOP", "check": True})[0] == 200
    assert send(client, "PUT", LIST, {"keywords": []})[0] == 403
    assert send(client, "PUT", LIST, {"keywords": [GENUG], "check": True})[0] == 200


def test_each_account_has_its_own(house: House, api: Client) -> None:
    send(api, "PUT", LIST, {"keywords": [GENUG]})
    other = Client()
    other.force_login(make_user(make_account("Umbrella"), "Otto", works_as="account_admin"))
    assert other.get(LIST).json()["keywords"] == []
    assert send(other, "POST", TRY, {"text": "genug", "languages": ["de"]})[1]["kind"] != "exact"
    agent = Client()
    agent.force_login(house.alice)
    assert agent.get(LIST).status_code == 404
