"""Can programs and people keep canned replies over the API, each those that are theirs?"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.programs import make_key
from inbox import api_canned
from inbox.models import CannedReply, TeamInbox
from tests.conftest import House
from tests.factories import make_inbox, make_user

pytestmark = pytest.mark.django_db
Login = Callable[[User], Client]
PATH = "/api/v1/canned-replies/"
HOURS = {"shortcut": "hours", "body": "9 to 5"}


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def api(ada: User, login: Login) -> Client:
    return login(ada)


def send(client: Client, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
    data = json.dumps(body) if body is not None else ""
    answer = client.generic(method, path, data, content_type="application/json", **more)
    return answer.status_code, answer.json() if answer.content else None


def names(client: Client, **asked: Any) -> list[str]:
    return [one["shortcut"] for one in client.get(PATH, asked).json()["canned_replies"]]


def test_one_is_made_read_changed_and_deleted(house: House, api: Client) -> None:
    status, made = send(api, "POST", PATH, HOURS)
    assert status == 201
    assert (made["of"], made["inbox"], made["uses"], made["version"]) == ("account", None, 0, 1)
    one = f"{PATH}{made['id']}/"
    assert api.get(one).json() == made
    inbox = str(house.inbox.public_id)
    status, moved = send(api, "PUT", one, {**HOURS, "body": "8 to 6", "inbox": inbox, "version": 1})
    assert (status, moved["of"], moved["inbox"], moved["version"]) == (200, "inbox", inbox, 2)
    status, stays = send(api, "PUT", one, {**HOURS, "version": 2})
    assert (status, stays["of"], stays["body"]) == (200, "inbox", "9 to 5")
    status, clash = send(api, "PUT", one, {**HOURS, "version": 2})
    assert (status, clash["version"]) == (409, 3)
    assert send(api, "DELETE", one) == (204, None)
    assert send(api, "DELETE", one)[0] == 404


def test_a_check_keeps_nothing(api: Client) -> None:
    status, checked = send(api, "POST", PATH, {**HOURS, "shortcut": "/hours", "check": True})

    assert status == 200
    assert checked == {"shortcut": "hours", "body": "9 to 5", "of": "account", "inbox": None}
    assert not CannedReply.objects.exists()
    status, refused = send(api, "POST", PATH, {**HOURS, "body": "{{x}}", "check": True})
    assert (status, refused["problems"][0]["where"]) == (422, "body")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"shortcut": "to be"}, "shortcut"),
        ({"shortcut": ""}, "shortcut"),
        ({"body": ""}, "body"),
        ({"body": "{{contact.nmae|}}"}, "body"),
        ({"of": "inbox"}, "inbox"),
    ],
)
def test_what_will_not_do_is_told_with_its_place(
    api: Client, change: dict[str, str], where: str
) -> None:
    status, refused = send(api, "POST", PATH, {**HOURS, **change})

    assert status == 422
    assert [one["where"] for one in refused["problems"]] == [where]
    assert refused["detail"]
    assert not CannedReply.objects.exists()


@pytest.mark.parametrize("body", [{}, [], {"shortcut": "a"}, {**HOURS, "of": "moon"}])
def test_what_is_no_canned_reply_is_refused(api: Client, body: Any) -> None:
    assert send(api, "POST", PATH, body)[0] == 400


def test_an_inbox_of_others_is_not_there(api: Client, charlie: User) -> None:
    other = TeamInbox.objects.get(account=charlie.account_id)

    assert send(api, "POST", PATH, {**HOURS, "inbox": str(other.public_id)})[0] == 404
    assert api.get(PATH, {"inbox": "nonsense"}).status_code == 400
    assert names(api, inbox=str(other.public_id)) == []


def test_an_agent_keeps_their_own_only(house: House, api: Client, login: Login) -> None:
    alice, bob = login(house.alice), login(house.bob)
    status, own = send(alice, "POST", PATH, {**HOURS, "of": "person"})
    assert (status, own["of"]) == (201, "person")
    _status, shared = send(api, "POST", PATH, {**HOURS, "shortcut": "all"})
    inbox = str(house.inbox.public_id)

    assert names(alice) == ["hours", "all"]
    assert names(bob) == ["all"]
    assert names(api) == ["all"]
    assert bob.get(f"{PATH}{own['id']}/").status_code == 404
    assert api.get(f"{PATH}{own['id']}/").status_code == 404
    assert alice.get(f"{PATH}{shared['id']}/").status_code == 200
    assert send(alice, "DELETE", f"{PATH}{shared['id']}/")[0] == 404
    assert send(alice, "POST", PATH, HOURS)[0] == 404
    assert send(alice, "POST", PATH, {**HOURS, "inbox": inbox})[0] == 404


def test_a_supervisor_keeps_those_of_their_inbox(house: House, login: Login) -> None:
    TeamInbox.objects.update(supervisors_may_set_up=True)
    other = make_inbox(house.account, "Returns")
    sue = login(house.sue)

    assert send(sue, "POST", PATH, {**HOURS, "inbox": str(house.inbox.public_id)})[0] == 201
    assert send(sue, "POST", PATH, {**HOURS, "inbox": str(other.public_id)})[0] == 404
    assert send(sue, "POST", PATH, {**HOURS, "of": "account"})[0] == 404


@pytest.mark.parametrize("may_change", [True, False])
def test_a_program_keeps_what_is_shared(house: House, ada: User, may_change: bool) -> None:
    key = make_key(
        account=house.account,
        name="Sync",
        may_change=may_change,
        days=1,
        by=ada,
        now=timezone.now(),
    )
    shown: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {key.secret}"}
    client = Client()

    assert send(client, "POST", PATH, HOURS, **shown)[0] == (201 if may_change else 403)
    assert send(client, "POST", PATH, {**HOURS, "check": True}, **shown)[0] == 200
    status, refused = send(client, "POST", PATH, {**HOURS, "of": "person"}, **shown)
    assert status == (422 if may_change else 403)
    assert "detail" in refused
    assert client.get(PATH, **shown).status_code == 200


def test_they_are_searched_and_come_in_pages(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_canned, "PAGE", 2)
    for name in ("one", "two", "three"):
        send(api, "POST", PATH, {"shortcut": name, "body": f"Number {name}"})

    first = api.get(PATH).json()

    assert [one["shortcut"] for one in first["canned_replies"]] == ["one", "two"]
    assert names(api, after=first["next"]) == ["three"]
    assert api.get(PATH, {"after": first["next"]}).json()["next"] == ""
    assert names(api, q="number th") == ["three"]
