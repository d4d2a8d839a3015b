"""Can programs set what admins set on the pages, and are they told what is wrong?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from inbox.models import TeamInbox
from routing.models import EscalationPolicy, Rulebook
from tests.conftest import House
from tests.factories import make_account, make_inbox, make_policy, make_rules, make_user
from tests.flows.test_routing import readers, row_of
from tests.twilio import text_in

pytestmark = pytest.mark.django_db

VIP = {
    "id": "vip",
    "name": "VIPs",
    "if": {"all": [{"fact": "tag", "test": "has_any", "value": ["premium"]}]},
    "then": {"to": [{"who": "people", "people": ["bob"]}]},
}


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def api(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def rules(house: House) -> str:
    return f"/api/v1/inboxes/{house.inbox.public_id}/rules/"


def replies(house: House) -> str:
    return f"/api/v1/inboxes/{house.inbox.public_id}/replies/"


def send(client: Client, method: str, path: str, **body: Any) -> tuple[int, Any]:
    answer = client.generic(method, path, json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json() if answer.content else None


# --- Rules ---


def test_rules_are_written_checked_published_and_hold(
    house: House, api: Client, client: Client
) -> None:
    make_rules(house.inbox)
    rule = {**VIP, "then": {"to": [{"who": "people", "people": [house.bob.email]}]}, "if": None}
    del rule["if"]
    document = {"rules": [rule]}
    seen = api.get(rules(house)).json()["version"]

    checked = send(api, "PUT", rules(house), document=document, version=seen, check=True)
    kept = send(api, "PUT", rules(house), document=document, version=seen)
    version = kept[1]["version"]
    published = send(api, "POST", f"{rules(house)}publish/", version=version, note="By code")

    assert checked[0] == kept[0] == published[0] == 200, (checked, kept, published)
    assert checked[1]["version"] == seen
    assert published[1]["document"]["rules"][0]["then"]["to"][0]["people"] == [house.bob.email]
    assert readers(row_of(text_in(client, house.sender))) == {house.bob.name}
    listed = api.get(f"{rules(house)}versions/").json()["versions"]
    assert (listed[0]["number"], listed[0]["note"]) == (published[1]["number"], "By code")


def test_what_is_read_can_be_written_again(house: House, api: Client) -> None:
    make_rules(house.inbox, {"then": {"to": [{"who": "people", "people": [house.bob.pk]}]}})
    read = api.get(rules(house)).json()

    status, again = send(
        api, "PUT", rules(house), document=read["document"], version=read["version"]
    )

    assert (status, again["document"]) == (200, read["document"])


def test_who_writes_second_is_told(house: House, api: Client) -> None:
    make_rules(house.inbox)
    seen = api.get(rules(house)).json()["version"]
    send(api, "PUT", rules(house), document={"rules": [{"id": "a", "name": "A"}]}, version=seen)

    status, said = send(api, "PUT", rules(house), document={"rules": []}, version=seen)

    assert (status, said["version"]) == (409, seen + 1)
    assert "meanwhile" in said["detail"]
    assert api.get(rules(house)).json()["document"]["rules"][0]["id"] == "a"


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ({"id": "a"}, "rules[0].name"),
        ({"id": "a", "name": "A", "if": {"all": [{"fact": "moon"}]}}, "rules[0].if.all[0].fact"),
        (
            {"id": "a", "name": "A", "then": {"to": [{"who": "people", "people": ["x@y.z"]}]}},
            "rules[0]",
        ),
        ("nothing", "rules[0]"),
    ],
)
def test_every_problem_is_told_with_its_place(
    house: House, api: Client, rule: Any, where: str
) -> None:
    status, said = send(api, "PUT", rules(house), document={"rules": [rule]}, version=1)

    assert status == 422
    assert said["problems"][0]["where"].startswith(where)
    assert not Rulebook.objects.exists()


@pytest.mark.parametrize("body", [{}, {"document": {}}, {"document": {}, "version": "x"}])
def test_a_request_that_says_too_little_is_refused(
    house: House, api: Client, body: dict[str, Any]
) -> None:
    assert send(api, "PUT", rules(house), **body)[0] == 400


def test_an_older_version_holds_again(house: House, api: Client) -> None:
    make_rules(house.inbox, {"name": "First", "then": {"tags": ["a"]}})
    make_rules(house.inbox, {"name": "Second", "then": {"tags": ["b"]}})

    status, made = send(api, "POST", f"{rules(house)}versions/", number=1, note="Back")

    assert (status, made["number"]) == (200, 3)
    assert made["document"]["rules"][0]["name"] == "First"
    assert send(api, "POST", f"{rules(house)}versions/", number=99)[0] == 404


def test_the_accounts_first_rules_have_an_address_of_their_own(house: House, api: Client) -> None:
    document = {"rules": [{"id": "a", "name": "A", "then": {"tags": ["x"]}}]}

    status, kept = send(api, "PUT", "/api/v1/rules/", document=document, version=1)
    published = send(api, "POST", "/api/v1/rules/publish/", version=kept["version"], sure=True)

    assert (status, published[0]) == (200, 200)
    assert Rulebook.objects.get().is_always_first


# --- Replies ---


def test_replies_are_read_checked_and_written(house: House, api: Client) -> None:
    text = [{"text": "Hello {{contact.first_name|there}}", "language": "en"}]
    document = {"format": 1, "first_message": {"variants": text}}
    seen = api.get(replies(house)).json()["version"]

    checked = send(api, "PUT", replies(house), document=document, version=seen, check=True)
    kept = send(api, "PUT", replies(house), document=document, version=seen, sure=True)
    late = send(api, "PUT", replies(house), document={"format": 1}, version=seen)

    assert (checked[0], kept[0], late[0]) == (200, 200, 409), (checked, kept, late)
    assert TeamInbox.objects.get(pk=house.inbox.pk).replies["first_message"]
    assert AuditEntry.objects.filter(action="replies_changed").count() == 1


def test_an_unknown_variable_is_refused(house: House, api: Client) -> None:
    text = [{"text": "Hello {{contact.shoe_size}}", "language": "en"}]
    seen = api.get(replies(house)).json()["version"]

    status, said = send(
        api,
        "PUT",
        replies(house),
        document={"format": 1, "first_message": {"variants": text}},
        version=seen,
        sure=True,
    )

    assert status == 422
    assert "shoe_size" in said["detail"] + str(said["problems"])


# --- Escalation ---


def test_a_policy_is_made_changed_and_deleted(house: House, api: Client) -> None:
    step = {"after": 5, "when": "any_unanswered", "do": "notify"}
    policy = {"format": 1, "steps": [step]}

    made = send(
        api, "POST", "/api/v1/escalation-policies/", name="Fast", document=policy, sure=True
    )
    path = f"/api/v1/escalation-policies/{made[1]['id']}/"
    changed = send(
        api,
        "PUT",
        path,
        name="Faster",
        document={"format": 1, "steps": [{**step, "after": 2}]},
        version=made[1]["version"],
        sure=True,
    )
    late = send(api, "PUT", path, name="X", document=policy, version=made[1]["version"], sure=True)

    assert (made[0], changed[0], late[0]) == (201, 200, 409), (made, changed, late)
    assert api.get("/api/v1/escalation-policies/").json()["policies"][0]["name"] == "Faster"
    assert api.delete(path).status_code == 204
    assert not EscalationPolicy.objects.exists()


def test_a_policy_that_is_used_stays(house: House, api: Client) -> None:
    policy = make_policy(house.inbox)

    status, said = send(api, "DELETE", f"/api/v1/escalation-policies/{policy.pk}/")

    assert (status, house.inbox.name in said["detail"]) == (422, True)


def test_a_policy_names_nobody_of_another_account(house: House, api: Client) -> None:
    charlie = make_user(make_account(), "Charlie")
    step = {"after": 5, "when": "any_unanswered", "do": "add", "to": [{"users": [charlie.pk]}]}

    status, said = send(
        api,
        "POST",
        "/api/v1/escalation-policies/",
        name="Fast",
        document={"format": 1, "steps": [step]},
        sure=True,
    )

    assert status == 422
    assert said["problems"][0]["where"] == "steps[0].to[0].users[0]"
    assert "Charlie" not in str(said)


# --- Who ---


def test_other_accounts_admins_find_nothing(house: House) -> None:
    other = make_account()
    make_inbox(other)
    stranger = Client()
    stranger.force_login(make_user(other, works_as=User.Role.ACCOUNT_ADMIN))
    policy = make_policy(house.inbox)

    assert stranger.get(rules(house)).status_code == 404
    assert stranger.get(replies(house)).status_code == 404
    assert stranger.get(f"/api/v1/escalation-policies/{policy.pk}/").status_code == 404
    assert stranger.get("/api/v1/escalation-policies/").json() == {"policies": []}
    assert stranger.get("/api/v1/rules/").json()["document"]["rules"] == []


@pytest.mark.parametrize(("may", "status"), [(False, 404), (True, 200)])
def test_supervisors_where_the_inbox_lets_them(house: House, may: bool, status: int) -> None:
    TeamInbox.objects.filter(pk=house.inbox.pk).update(supervisors_may_set_up=may)
    sue = Client()
    sue.force_login(house.sue)

    assert sue.get(rules(house)).status_code == status
    assert sue.get(replies(house)).status_code == status
    assert sue.get("/api/v1/rules/").status_code == 404
    assert sue.get("/api/v1/escalation-policies/").status_code == 404
