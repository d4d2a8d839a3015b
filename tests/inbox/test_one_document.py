"""Does an inbox travel whole: out, into another account, as one act or not at all?"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import AuditEntry, FeatureGrant, Team, User
from inbox.models import TeamInbox
from routing.models import BusinessHours, EscalationPolicy, Rulebook
from tests.conftest import House
from tests.factories import LONG_AGO, make_account, make_inbox, make_sender, make_user
from tests.flows.test_routing import readers, row_of
from tests.twilio import text_in

pytestmark = pytest.mark.django_db
Login = Callable[[User], Client]
PAGE = "/settings/inboxes/support/document/"


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def api(ada: User, login: Login) -> Client:
    return login(ada)


def whole(house: House, **parts: Any) -> dict[str, Any]:
    """An inbox with something in every part."""
    return {
        "format": 1,
        "inbox": "Support",
        "hours": {
            "name": "Office",
            "time_zone": "Europe/Vienna",
            "week": {"monday": ["09:00-17:00"]},
            "holidays": {"country": "AT"},
        },
        "escalation": {
            "name": "Fast",
            "format": 1,
            "steps": [
                {"after": 5, "do": "add", "to": [{"users": [house.bob.email]}, {"team": "Support"}]}
            ],
        },
        "replies": {
            "format": 1,
            "first_message": {"variants": [{"text": "Hello!", "language": "en"}]},
        },
        "rules": {
            "format": 1,
            "rules": [
                {
                    "id": "vip",
                    "name": "VIPs",
                    "then": {
                        "to": [{"who": "people", "people": [house.bob.email]}],
                        "escalation": "Fast",
                    },
                }
            ],
        },
        **parts,
    }


def path(inbox: TeamInbox) -> str:
    return f"/api/v1/inboxes/{inbox.public_id}/document/"


def put(client: Client, inbox: TeamInbox, document: Any, **more: Any) -> tuple[int, Any]:
    seen = client.get(path(inbox)).json()["version"]
    body = {"document": document, "version": seen, **more}
    answer = client.put(path(inbox), json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


def standing() -> dict[str, Any]:
    """Everything that a document can change, and what was noted of it."""
    return {
        "inboxes": list(TeamInbox.objects.order_by("pk").values()),
        "hours": list(BusinessHours.objects.order_by("pk").values()),
        "policies": list(EscalationPolicy.objects.order_by("pk").values()),
        "rules": list(Rulebook.objects.order_by("pk").values()),
        "noted": AuditEntry.objects.count(),
    }


def test_a_document_is_taken_in_as_a_whole_and_holds(
    house: House, api: Client, client: Client
) -> None:
    FeatureGrant.objects.create(account=house.account, feature="custom_routing", starts_at=LONG_AGO)

    status, said = put(api, house.inbox, whole(house), publish=True, note="By code", sure=True)

    assert status == 200, said
    assert {one["part"] for one in said["changes"]} == {"hours", "escalation", "replies", "rules"}
    assert said["published"] == 1
    inbox = TeamInbox.objects.select_related("hours", "escalation").get(pk=house.inbox.pk)
    assert inbox.hours is not None
    assert inbox.escalation is not None
    assert (inbox.hours.name, inbox.escalation.name) == ("Office", "Fast")
    row = row_of(text_in(client, house.sender))
    assert readers(row) == {house.bob.name}
    assert row.escalation == inbox.escalation
    noted = set(AuditEntry.objects.values_list("action", flat=True))
    assert noted >= {"hours_added", "policy_added", "replies_changed", "rules_published"}
    assert AuditEntry.objects.filter(action="inbox_document_taken_in").count() == 1


def test_what_is_read_can_be_written_again_and_changes_nothing(house: House, api: Client) -> None:
    put(api, house.inbox, whole(house), publish=True, sure=True)
    read = api.get(path(house.inbox)).json()
    before = standing()

    status, said = put(api, house.inbox, read["document"], sure=True, publish=True)

    assert (status, said["changes"], said["published"]) == (200, [], None)
    assert (said["version"], said["document"]) == (read["version"], read["document"])
    assert standing() == before
    assert house.bob.email in json.dumps(read["document"])
    assert read["document"]["escalation"]["steps"][0]["to"][0] == {"users": [house.bob.email]}


def test_a_check_says_what_would_change_and_keeps_nothing(house: House, api: Client) -> None:
    before = standing()

    status, said = put(api, house.inbox, whole(house), check=True, publish=True, sure=True)

    assert (status, said["published"]) == (200, 1)
    assert "Office" in json.dumps(said["changes"])
    assert said["document"]["hours"] is None
    assert standing() == before


def test_it_is_carried_to_another_account_by_names(house: House, api: Client, login: Login) -> None:
    put(api, house.inbox, whole(house), publish=True, sure=True)
    document = api.get(f"{path(house.inbox)}?rules=published").json()["document"]
    other = make_account("Umbrella")
    theirs = make_inbox(other, "Support")
    otto = login(make_user(other, "Otto", works_as=User.Role.ACCOUNT_ADMIN))

    refused = put(otto, theirs, document, sure=True)
    bob = make_user(other, "Robert", team=theirs.team)
    moved = json.loads(json.dumps(document).replace(house.bob.email, bob.email.upper()))
    taken = put(otto, theirs, moved, sure=True, publish=True)

    assert refused[0] == 422
    places = {one["where"] for one in refused[1]["problems"]}
    assert places == {"escalation.steps[0].to[0].users[0]", "rules.rules[0].then.to[0].people[0]"}
    assert taken[0] == 200, taken
    policy = EscalationPolicy.objects.get(account=other)
    assert policy.policy().steps[0].to[0].users == (bob.pk,)
    assert policy.policy().steps[0].to[1].team == theirs.pk


@pytest.mark.parametrize(
    ("parts", "where"),
    [
        ({"hours": {"name": "X", "time_zone": "Mars"}}, "hours.time_zone"),
        ({"hours": 7}, "hours"),
        ({"escalation": {"format": 1, "steps": []}}, "escalation.name"),
        ({"escalation": {"name": "A", "format": 1, "steps": [{}]}}, "escalation.steps[0]"),
        ({"escalation": "Fast"}, "escalation"),
        ({"escalation": ["name"]}, "escalation"),
        ({"replies": {"first_message": {}}}, "replies.first_message"),
        ({"replies": []}, "replies"),
        ({"rules": {"rules": [{"id": "a"}]}}, "rules.rules[0].name"),
        ({"rules": None}, "rules"),
        ({"rulez": {}}, "document"),
        ({"format": 2}, "format"),
        ({"inbox": 7}, "inbox"),
    ],
)
def test_one_mistake_anywhere_keeps_all_of_it_out(
    house: House, api: Client, parts: dict[str, Any], where: str
) -> None:
    before = standing()

    status, said = put(api, house.inbox, whole(house, **parts), sure=True, publish=True)

    assert status == 422, said
    assert said["problems"][0]["where"].startswith(where), said["problems"]
    assert standing() == before


@pytest.mark.parametrize(
    "parts",
    [
        # Each is found only when the act is well under way.
        {"replies": {"first_message": {"variants": [{"text": "{{contact.shoe_size}}"}]}}},
        {"rules": {"rules": [{"id": "a", "name": "A", "then": {"escalation": "Nobody's"}}]}},
        {
            "escalation": {
                "name": "Fast",
                "format": 1,
                "steps": [{"after": 5, "do": "data_action", "data_action": "None such"}],
            }
        },
    ],
)
def test_what_is_found_late_takes_everything_back(
    house: House, api: Client, parts: dict[str, Any]
) -> None:
    before = standing()

    status, said = put(api, house.inbox, whole(house, **parts), sure=True, publish=True)

    assert status == 422, said
    assert standing() == before


def test_what_is_left_out_stays_and_null_is_none(house: House, api: Client) -> None:
    put(api, house.inbox, whole(house), sure=True)

    status, said = put(api, house.inbox, {"format": 1, "hours": None}, sure=True)

    assert status == 200, said
    inbox = TeamInbox.objects.get(pk=house.inbox.pk)
    assert (inbox.hours, bool(inbox.escalation), bool(inbox.replies)) == (None, True, True)
    assert BusinessHours.objects.filter(name="Office").exists()


def test_whoever_is_second_is_told(house: House, api: Client) -> None:
    seen = api.get(path(house.inbox)).json()["version"]
    put(api, house.inbox, {"hours": whole(house)["hours"]})
    before = standing()

    body = {"document": whole(house), "version": seen}
    late = api.put(path(house.inbox), json.dumps(body), content_type="application/json")

    assert late.status_code == 409
    assert late.json()["version"] == api.get(path(house.inbox)).json()["version"] != seen
    assert standing() == before


def test_who_else_has_the_same_hours_is_named(house: House, api: Client) -> None:
    put(api, house.inbox, whole(house), sure=True)
    mine = TeamInbox.objects.get(pk=house.inbox.pk)
    sales = make_inbox(house.account, "Sales")
    TeamInbox.objects.filter(pk=sales.pk).update(hours=mine.hours, escalation=mine.escalation)
    document = whole(house)
    document["hours"]["week"] = {"friday": ["10:00-11:00"]}

    _status, said = put(api, house.inbox, document, check=True, sure=True)

    assert said["reaches"] == [sales.name]


def test_hours_of_a_name_are_changed_and_not_doubled(house: House, api: Client) -> None:
    put(api, house.inbox, whole(house), sure=True)
    again = whole(house)
    again["hours"]["name"], again["escalation"]["name"] = "OFFICE", "FAST"
    again["hours"]["week"] = {"sunday": ["22:00-06:00"]}

    status, said = put(api, house.inbox, again, sure=True)

    assert status == 200, said
    assert BusinessHours.objects.filter(account=house.account).count() == 1
    assert EscalationPolicy.objects.filter(account=house.account).count() == 1


def test_examples_are_run_before_it_holds(house: House, api: Client, ada: User) -> None:
    put(api, house.inbox, whole(house), sure=True, publish=True)
    example = {"at": "2026-11-23T15:00:00+00:00", "text": "Hi", "number": "+14155550101"}
    api.post(
        f"/api/v1/inboxes/{house.inbox.public_id}/rules/examples/",
        json.dumps({"name": "A", "message": example, "expected": {"rule": "vip"}}),
        content_type="application/json",
    )
    document = whole(house)
    document["rules"]["rules"][0] = {
        "id": "other",
        "name": "Other",
        "then": {"to": [{"who": "people", "people": [house.alice.email]}]},
    }

    status, said = put(api, house.inbox, {"rules": document["rules"]}, publish=True)

    assert status == 422, said
    assert said["examples"][0]["name"] == "A"


# --- The page ---


def post(browser: Client, house: House, **data: Any) -> Any:
    page = browser.get(PAGE).content.decode()
    version = page.split('name="version" value="')[1].split('"')[0]
    return browser.post(PAGE, {"version": version, **data}, follow=True)


def test_on_the_page_it_is_checked_then_taken_in(house: House, api: Client) -> None:
    text = json.dumps(whole(house))

    checked = post(api, house, text=text, sure="on")
    taken = post(api, house, text=text, sure="on", save="1", publish="on", note="From git")

    assert "This would change" in checked.content.decode()
    assert "The document is taken in." in taken.content.decode()
    assert json.loads(api.get(f"{PAGE}download/").content)["hours"]["name"] == "Office"
    published = json.loads(api.get(f"{PAGE}download/?rules=published").content)
    assert published["rules"]["rules"][0]["id"] == "vip"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 100_000,
        '{"a":' * 900 + "1" + "}" * 900,
        "1" * 5000,
        '{"rules": {"rules": [{"id": "a", "name": "\\ud800"}]}}',
        '{"hours": {"name": "\\u0000", "time_zone": "UTC"}}',
        '{"format": NaN}',
        '{"format": 1e999}',
        "null",
        "\ufeff[]",
    ],
)
@pytest.mark.parametrize("page", [PAGE, "/settings/inboxes/support/rules/document/"])
def test_hostile_texts_are_refused_in_words(
    house: House, api: Client, text: str, page: str
) -> None:
    before = standing()

    answer = api.post(page, {"version": "1", "text": text, "save": "1"})

    assert answer.status_code in (409, 422)
    assert standing() == before


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"document":' * 900 + "1" + "}" * 900, "1" * 5000, '{"document": "\\ud800"}'],
)
def test_the_api_refuses_them_too(house: House, api: Client, text: str) -> None:
    answer = api.put(path(house.inbox), text, content_type="application/json")

    assert answer.status_code == 400


def test_what_was_typed_stays_when_somebody_was_first(house: House, api: Client) -> None:
    answer = api.post(PAGE, {"version": "old", "text": json.dumps(whole(house)), "save": "1"})

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody changed this inbox meanwhile" in page
    assert "Europe/Vienna" in page


def test_the_second_sees_what_the_document_would_change_now(house: House, api: Client) -> None:
    opened = api.get(PAGE).content.decode().split('name="version" value="')[1].split('"')[0]
    put(api, house.inbox, {"hours": whole(house)["hours"]})
    mine = {"hours": {**whole(house)["hours"], "week": {"friday": ["10:00-11:00"]}}}

    late = api.post(PAGE, {"version": opened, "text": json.dumps(mine), "save": "1"})

    page = late.content.decode()
    assert late.status_code == 409
    assert "This would change" in page
    assert "10:00–11:00" in page
    assert "09:00–17:00" in page
    assert 'value="1">Take it in' in page


# --- The command ---


def run(do: str, account: int, *more: str, stdin: Any = None, monkeypatch: Any = None) -> str:
    out = StringIO()
    if stdin is not None:
        monkeypatch.setattr("sys.stdin", StringIO(json.dumps(stdin)))
    call_command(
        "inbox_document", do, "--account", str(account), "--inbox", "support", *more, stdout=out
    )
    return out.getvalue()


def test_the_command_exports_checks_and_imports(
    house: House, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    pk, by = house.account.pk, ("--by", ada.email, "--sure")
    given: dict[str, Any] = {"stdin": whole(house), "monkeypatch": monkeypatch}

    checked = run("check", pk, *by, **given)
    before = json.loads(run("export", pk))
    run("import", pk, *by, "--publish", "--note", "Deployed", **given)
    after = json.loads(run("export", pk, "--published"))

    assert "hours" in checked
    assert before["hours"] is None
    assert after["rules"]["rules"][0]["id"] == "vip"
    broken = {"hours": {"name": "X", "time_zone": "Mars"}}
    with pytest.raises(CommandError, match=r"hours\.time_zone"):
        run("import", pk, *by, stdin=broken, monkeypatch=monkeypatch)
    with pytest.raises(CommandError, match="active admin"):
        run("import", pk, "--by", house.bob.email, **given)
    with pytest.raises(CommandError, match="no such inbox"):
        run("export", make_account().pk)


# --- Who ---


def test_it_is_the_admins_of_the_account(house: House, api: Client, login: Login) -> None:
    TeamInbox.objects.update(supervisors_may_set_up=True)
    other = make_account("Umbrella")
    otto = make_user(other, "Otto", works_as=User.Role.ACCOUNT_ADMIN)
    make_sender(make_inbox(other, "Elsewhere"))
    Team.objects.create(account=house.account, name="Elsewhere")

    for user in (house.sue, house.alice, otto):
        assert login(user).get(path(house.inbox)).status_code == 404
        assert login(user).get(PAGE).status_code == 404
        assert login(user).get(f"{PAGE}download/").status_code == 404
