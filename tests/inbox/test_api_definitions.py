"""Can programs set hours, look-ups and examples as admins do, and does no secret come back?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from inbox.models import TeamInbox
from routing.models import BusinessHours, CrmConnector, CrmRow, DataAction, RuleExample
from tests.conftest import House
from tests.factories import make_account, make_rules, make_user

pytestmark = pytest.mark.django_db
API = "/api/v1/"
OFFICE: dict[str, Any] = {
    "name": "Office",
    "time_zone": "Europe/Vienna",
    "week": {"monday": ["09:00-17:00"]},
}
CRM: dict[str, Any] = {
    "name": "Our CRM",
    "kind": "json",
    "url": "https://crm.example.com/{{contact.number}}",
    "headers": {"Authorization": "Bearer {{secret.token}}"},
    "fields_wanted": [{"name": "tier", "path": "tier"}],
    "secrets": {"token": "s3cr3t-of-ours"},
}
MESSAGE = {"at": "2026-11-23T15:00:00+00:00", "text": "Refund", "number": "+14155550101"}


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def api(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def send(client: Client, method: str, path: str, **body: Any) -> tuple[int, Any]:
    data = json.dumps(body) if body else ""
    answer = client.generic(method, f"{API}{path}", data, content_type="application/json")
    return answer.status_code, answer.json() if answer.content else None


# --- Business hours ---


def test_hours_are_made_changed_and_deleted(house: House, api: Client) -> None:
    made = send(api, "POST", "business-hours/", document=OFFICE)
    path = f"business-hours/{made[1]['id']}/"
    changed = send(api, "PUT", path, document={**OFFICE, "week": {}}, version=made[1]["version"])
    late = send(api, "PUT", path, document=OFFICE, version=made[1]["version"])
    again = send(api, "POST", "business-hours/", document=OFFICE)

    assert (made[0], changed[0], late[0], again[0]) == (201, 200, 409, 422), (made, changed, late)
    assert made[1]["document"] == OFFICE
    assert late[1]["version"] == changed[1]["version"]
    assert send(api, "GET", "business-hours/")[1]["hours"][0]["document"]["week"] == {}
    TeamInbox.objects.update(hours=BusinessHours.objects.get())
    assert send(api, "DELETE", path)[0] == 422
    TeamInbox.objects.update(hours=None)
    assert send(api, "DELETE", path)[0] == 204


def test_hours_are_checked_and_mistakes_have_their_place(house: House, api: Client) -> None:
    checked = send(api, "POST", "business-hours/", document=OFFICE, check=True)
    wrong = {**OFFICE, "week": {"monday": ["9-5"]}}
    refused = send(api, "POST", "business-hours/", document=wrong)

    assert checked == (200, {"document": OFFICE})
    assert refused[0] == 422
    assert refused[1]["problems"][0]["where"] == "week.monday[0]"
    assert not BusinessHours.objects.exists()


def test_the_same_hours_written_twice_change_nothing(house: House, api: Client) -> None:
    made = send(api, "POST", "business-hours/", document=OFFICE)[1]
    noted = AuditEntry.objects.count()

    status, said = send(
        api, "PUT", f"business-hours/{made['id']}/", document=OFFICE, version=made["version"]
    )

    assert (status, said) == (200, made)
    assert AuditEntry.objects.count() == noted


# --- Look-ups ---


def test_the_secret_of_a_data_action_is_in_one_answer_only(house: House, api: Client) -> None:
    made = send(api, "POST", "data-actions/", name="Code", url="https://code.example.com/")
    path, secret = f"data-actions/{made[1]['id']}/", made[1]["secret"]
    begun = send(api, "POST", f"{path}secret/", do="begin", version=made[1]["version"])
    late = send(api, "POST", f"{path}secret/", do="end", version=made[1]["version"])
    ended = send(api, "POST", f"{path}secret/", do="end", version=begun[1]["version"])
    changed = send(
        api,
        "PUT",
        path,
        name="Code",
        url="https://code.example.com/2",
        on=False,
        version=ended[1]["version"],
    )

    assert [one[0] for one in (made, begun, late, ended, changed)] == [201, 200, 409, 200, 200]
    assert secret.startswith("whsec_")
    assert begun[1]["secret"] not in (secret, "")
    row = DataAction.objects.get()
    assert (row.secret, row.is_on) == (begun[1]["secret"], False)
    read = json.dumps([send(api, "GET", "data-actions/")[1], send(api, "GET", path)[1], changed])
    assert "whsec_" not in read
    assert send(api, "DELETE", path)[0] == 204


def test_secrets_of_a_crm_go_in_and_never_come_out(house: House, api: Client) -> None:
    made = send(api, "POST", "connectors/", **CRM)
    path = f"connectors/{made[1]['id']}/"
    without = {key: value for key, value in CRM.items() if key != "secrets"}
    changed = send(api, "PUT", path, **without, version=made[1]["version"], cache_minutes=5)
    moved = send(
        api,
        "PUT",
        path,
        **{**without, "url": "https://evil.example.com/"},
        version=changed[1]["version"],
    )

    assert (made[0], changed[0]) == (201, 200), (made, changed)
    assert made[1]["secrets_set"] == ["token"]
    assert "s3cr3t" not in json.dumps([made, changed, moved, send(api, "GET", "connectors/")])
    assert "s3cr3t" not in json.dumps(list(AuditEntry.objects.values("data")), default=str)
    # With another host the secret is forgotten, so that nobody sends it to one of their own.
    assert moved[0] == 422
    assert CrmConnector.objects.get().secret_values() == {"token": "s3cr3t-of-ours"}
    assert send(api, "DELETE", path)[0] == 204


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a.b"},
        {"url": "ftp://x"},
        {"fields_wanted": []},
        {"fields_wanted": {"name": "tier"}},
        {"fields_wanted": [{"name": "tier", "path": "tier", "kind": "moon"}]},
        {"headers": {"X": "{{secret.unknown}}"}},
        {"kind": "table"},
        {"kind": "table", "table": "None such"},
    ],
)
def test_what_cannot_be_asked_is_refused(house: House, api: Client, change: dict[str, Any]) -> None:
    status, said = send(api, "POST", "connectors/", **{**CRM, **change})

    assert status == 422, said
    assert said["problems"][0]["words"]
    assert not CrmConnector.objects.exists()


def test_a_table_is_kept_replaced_and_asked(house: House, api: Client) -> None:
    csv = "number,tier\n+14155550101,gold\nnobody,silver\n"
    made = send(api, "POST", "tables/", name="VIPs", csv=csv)
    path = f"tables/{made[1]['id']}/"
    asked = send(
        api,
        "POST",
        "connectors/",
        name="VIP table",
        kind="table",
        table="vips",
        fields_wanted=[{"name": "tier", "path": "tier"}],
    )
    replaced = send(
        api, "PUT", path, csv="number,tier\n+14155550102,gold\n", version=made[1]["version"]
    )
    late = send(api, "PUT", path, csv=csv, version=made[1]["version"])
    empty = send(api, "PUT", path, csv="number,tier\n")

    statuses = [one[0] for one in (made, asked, replaced, late, empty)]
    assert statuses == [201, 201, 200, 409, 422], (made, asked, replaced, late, empty)
    assert made[1]["left_out"][0]["line"] == 3
    assert CrmRow.objects.get().key == "+14155550102"
    assert send(api, "DELETE", path)[0] == 422
    assert send(api, "DELETE", f"connectors/{asked[1]['id']}/")[0] == 204
    assert send(api, "DELETE", path)[0] == 204


# --- Examples ---


def test_examples_are_kept_run_and_name_people_by_their_address(house: House, api: Client) -> None:
    make_rules(
        house.inbox,
        {"id": "vip", "then": {"to": [{"who": "people", "people": [house.bob.pk]}]}},
    )
    path = f"inboxes/{house.inbox.public_id}/rules/examples/"

    kept = send(
        api, "POST", path, name="A refund", message=MESSAGE, expected={"who": [house.bob.email]}
    )
    wrong = send(api, "POST", path, name="Other", message=MESSAGE, expected={"rule": "default"})
    nobody = send(api, "POST", path, name="X", message=MESSAGE, expected={"who": ["x@y.zz"]})
    listed = send(api, "GET", path)[1]["examples"]
    one = f"{path}{wrong[1]['id']}/"
    anew = send(api, "PUT", one, expected={"rule": "vip"}, version=wrong[1]["version"])
    late = send(api, "PUT", one, expected={"rule": "default"}, version=wrong[1]["version"])

    assert [each[0] for each in (kept, wrong, nobody, anew, late)] == [201, 201, 422, 200, 422]
    assert kept[1]["expected"] == {"who": [house.bob.email]}
    kept_row = RuleExample.objects.get(name="A refund")
    assert kept_row.value().expected.who == frozenset({house.bob.pk})
    assert [(each["name"], each["passes"]) for each in listed] == [
        ("A refund", True),
        ("Other", False),
    ]
    assert listed[1]["differences"]
    assert nobody[1]["problems"][0]["where"] == "expected.who[0]"
    assert send(api, "DELETE", one)[0] == 204


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({}, {"rule": "a"}),
        ("Hi", {"rule": "a"}),
        ({**MESSAGE, "at": "yesterday"}, {"rule": "a"}),
        ({**MESSAGE, "away": ["x@y.zz"]}, {"rule": "a"}),
        ({**MESSAGE, "away": "all"}, {"rule": "a"}),
        ({**MESSAGE, "when": "never"}, {"rule": "a"}),
        (MESSAGE, {}),
        (MESSAGE, []),
        (MESSAGE, {"who": [True]}),
        (MESSAGE, {"rule": 7}),
        (MESSAGE, {"reply": "\0"}),
    ],
)
def test_what_is_no_example_is_refused(
    house: House, api: Client, message: Any, expected: Any
) -> None:
    make_rules(house.inbox)
    path = f"inboxes/{house.inbox.public_id}/rules/examples/"

    status, said = send(api, "POST", path, name="A", message=message, expected=expected)

    assert status == 422, said
    assert not RuleExample.objects.exists()


def test_examples_of_the_accounts_own_rules_say_in_which_inbox(house: House, api: Client) -> None:
    document = {"rules": [{"id": "a", "name": "A", "then": {"tags": ["x"]}}]}
    none = send(api, "POST", "rules/examples/", name="A", message=MESSAGE, expected={"rule": "a"})
    send(api, "PUT", "rules/", document=document, version=1)
    asked: dict[str, Any] = {"name": "A", "message": MESSAGE, "expected": {"rule": "default"}}
    without = send(api, "POST", "rules/examples/", **asked)
    theirs = make_account()

    kept = send(api, "POST", "rules/examples/", **asked, inbox=str(house.inbox.public_id))

    assert (none[0], without[0], kept[0]) == (422, 422, 201), (none, without, kept)
    assert kept[1]["team"] == house.inbox.team.name
    page = api.get("/settings/rules/examples/").content.decode()
    assert "Refund" in page
    assert house.inbox.team.name in page
    otto = Client()
    otto.force_login(make_user(theirs, "Otto", works_as=User.Role.ACCOUNT_ADMIN))
    assert "Refund" not in otto.get("/settings/rules/examples/").content.decode()


def test_a_hundred_examples_cost_no_more_questions_than_one(
    house: House, api: Client, django_assert_max_num_queries: Any
) -> None:
    make_rules(house.inbox)
    path = f"inboxes/{house.inbox.public_id}/rules/examples/"
    for number in range(30):
        send(api, "POST", path, name=f"A {number}", message=MESSAGE, expected={"rule": "default"})

    for page in ("/settings/inboxes/support/rules/examples/", f"{API}{path}"):
        with django_assert_max_num_queries(45):
            assert api.get(page).status_code == 200
