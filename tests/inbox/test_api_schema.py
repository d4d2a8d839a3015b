"""Is the description of the API (docs/protocol/openapi.yml) true, of all it takes and answers?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator
from openapi_schema_validator import OAS30Validator

from accounts.models import User
from inbox.api_urls import of_settings
from inbox.models import CannedReply, TeamInbox
from tests.conftest import House
from tests.factories import make_rules, make_user
from tests.inbox.test_api_definitions import CRM, MESSAGE, OFFICE
from tests.inbox.test_one_document import whole

pytestmark = pytest.mark.django_db
FILE = Path(__file__).parents[2] / "docs/protocol/openapi.yml"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    generated: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return generated


def test_the_file_is_what_the_code_says(tmp_path: Path) -> None:
    made = tmp_path / "openapi.yml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(made))

    assert made.read_text() == FILE.read_text(), (
        "write it anew: manage.py spectacular --file docs/protocol/openapi.yml"
    )


def test_every_address_is_described(schema: dict[str, Any]) -> None:
    for entry in of_settings:
        wanted = "/api/v1/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(entry.pattern))
        path = wanted.replace("{pk}", "{id}")
        assert path in schema["paths"], path
        for operation in schema["paths"][path].values():
            assert {"apiKey": []} in operation["security"]


def resolved(part: Any, schema: dict[str, Any]) -> Any:
    """Put what a schema refers to in its place, and let nothing else stand beside it."""
    if isinstance(part, list):
        return [resolved(one, schema) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return resolved(schema["components"]["schemas"][name], schema)
    found = {key: resolved(one, schema) for key, one in part.items()}
    if len(one_of := found.pop("allOf", [])) == 1:
        # What may be null as well is written so in OpenAPI 3.0.
        found = {**one_of[0], **found}
    if "properties" in found:
        found.setdefault("additionalProperties", False)
    return found


def calls(house: House) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """What a program would ask, in an order in which all of it is there."""
    own = {"public_id": house.inbox.public_id}
    yield "GET", "api_rules", own, {}
    document = {"rules": [{"id": "a", "name": "A", "then": {"tags": ["x"]}}]}
    yield "PUT", "api_rules", own, {"document": document, "version": 2, "check": True}
    yield "PUT", "api_rules", own, {"document": document, "version": 2}
    yield "PUT", "api_rules", own, {"document": document, "version": 1}
    yield "PUT", "api_rules", own, {"document": {"rules": [{}]}, "version": 3}
    yield "POST", "api_rules_publish", own, {"version": 1}
    wrong = {"rules": [{"id": "a", "name": "A", "then": {"escalation": "No"}}]}
    yield "PUT", "api_rules", own, {"document": wrong, "version": 3}
    yield "POST", "api_rules_publish", own, {"version": 4}
    yield "GET", "api_rules_versions", own, {}
    yield "GET", "api_first_rules", {}, {}
    yield "GET", "api_replies", own, {}
    yield "PUT", "api_replies", own, {"document": {"format": 1}, "version": "old"}
    yield "POST", "api_verdicts", own, {"text": "Hello"}
    yield "POST", "api_verdicts", own, {"purpose": "newsletter", "is_first": True}
    yield "GET", "api_document", own, {}
    yield "PUT", "api_document", own, {"document": {}, "version": "old"}
    yield "POST", "api_policies", {}, {"name": "A", "document": {"format": 1, "steps": [{}]}}
    notify = {"format": 1, "steps": [{"after": 5, "do": "notify"}]}
    for check in (True, False):
        body = {"name": "A", "document": notify, "sure": True, "check": check}
        yield "POST", "api_policies", {}, body
    yield "GET", "api_policies", {}, {}
    yield "POST", "api_hours_list", {}, {"document": OFFICE, "check": True}
    yield "POST", "api_hours_list", {}, {"document": OFFICE}
    yield "POST", "api_hours_list", {}, {"document": OFFICE}
    yield "GET", "api_hours_list", {}, {}
    example = {"name": "A", "message": MESSAGE, "expected": {"rule": "default"}}
    yield "POST", "api_examples", own, example
    yield "POST", "api_examples", own, {**example, "expected": {}}
    yield "GET", "api_examples", own, {}
    yield "POST", "api_data_actions", {}, {"name": "Code", "url": "https://code.example.com/"}
    yield "POST", "api_data_actions", {}, {"name": "Code", "url": "https://code.example.com/"}
    yield "GET", "api_data_actions", {}, {}
    yield "POST", "api_connectors", {}, CRM
    yield "GET", "api_connectors", {}, {}
    yield "POST", "api_tables", {}, {"name": "T", "csv": "number,a\n+14155550101,b\nx,y\n"}
    yield "GET", "api_tables", {}, {}
    yield "GET", "api_consent_as_of", {}, {"address": "+14155550100"}
    yield "GET", "api_consent_as_of", {}, {"address": "nobody"}
    told = {"kind": "opt_in", "address": "+14155550100", "source": "verbal"}
    wording = {"id": "call", "text": "May we text you offers?"}
    yield "POST", "api_consents", {}, told
    yield "POST", "api_consents", {}, {**told, "basis": "express", "wording": wording}
    yield "POST", "api_consents", {}, {**told, "kind": "opt_out", "check": True}
    yield "POST", "api_consents", {}, {**told, "kind": "opt_out"}
    settled = {
        "double_opt_in": True,
        "opt_out_scope": "every",
        "clarifying_text": True,
        "programmes": [{"name": "News"}, {"name": "Reminders"}],
        "texts": {},
        "version": 0,
    }
    yield "PUT", "api_asking", {}, {**settled, "check": True}
    yield "PUT", "api_asking", {}, settled
    yield "PUT", "api_asking", {}, settled
    yield "PUT", "api_asking", {}, {**settled, "programmes": [], "version": 1}
    yield "GET", "api_asking", {}, {}
    yield "POST", "api_consents", {}, {**told, "basis": "express", "wording": wording}
    word = {"action": "opt_out", "word": "genug", "language": "de", "country": ""}
    ready = {"shortcut": "hours", "body": "We are open from 9 to 5."}
    yield "POST", "api_canned_replies", {}, {**ready, "check": True}
    yield "POST", "api_canned_replies", {}, {**ready, "inbox": str(house.inbox.public_id)}
    yield "POST", "api_canned_replies", {}, {**ready, "shortcut": "to be"}
    yield "GET", "api_canned_replies", {}, {}
    reply = {"public_id": CannedReply.objects.get().public_id}
    yield "GET", "api_canned_reply", reply, {}
    yield "PUT", "api_canned_reply", reply, {**ready, "version": 1}
    yield "PUT", "api_canned_reply", reply, {**ready, "version": 1}
    yield "PUT", "api_keywords", {}, {"keywords": [word], "check": True}
    yield "PUT", "api_keywords", {}, {"keywords": [word]}
    yield "PUT", "api_keywords", {}, {"keywords": [word], "version": "old"}
    yield "GET", "api_keywords", {}, {}
    yield "POST", "api_keywords_try", {}, {"text": "please stop texting me"}


def test_what_is_answered_has_the_shape_that_is_described(
    house: House, schema: dict[str, Any]
) -> None:
    ada = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    make_rules(house.inbox)
    api = Client()
    api.force_login(ada)
    heard: set[int] = set()

    for method, name, kwargs, body in calls(house):
        route = next(one for one in of_settings if one.name == name)
        path = "/api/v1/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(route.pattern))
        data = json.dumps(body) if body else ""
        address = reverse(name, kwargs=kwargs)
        if method == "GET":
            answer = api.get(address, body)
        else:
            answer = api.generic(method, address, data, content_type="application/json")
        told = schema["paths"][path.replace("{pk}", "{id}")][method.lower()]
        responses = told["responses"]
        assert str(answer.status_code) in responses, (name, method, answer.content)
        shape = responses[str(answer.status_code)]["content"]["application/json"]["schema"]
        OAS30Validator(resolved(shape, schema)).validate(answer.json())
        if body and method != "GET":
            takes = told["requestBody"]["content"]["application/json"]["schema"]
            OAS30Validator(resolved(takes, schema)).validate(body)
        heard.add(answer.status_code)

    assert heard == {200, 201, 400, 409, 422}


def test_a_document_that_is_taken_in_is_answered_as_described(
    house: House, schema: dict[str, Any]
) -> None:
    api = Client()
    api.force_login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))
    path = reverse("api_document", kwargs={"public_id": house.inbox.public_id})
    body = {"document": whole(house), "version": api.get(path).json()["version"], "sure": True}

    answer = api.put(path, json.dumps(body), content_type="application/json")

    described = schema["paths"]["/api/v1/inboxes/{public_id}/document/"]["put"]["responses"]["200"]
    shape = described["content"]["application/json"]["schema"]
    OAS30Validator(resolved(shape, schema)).validate(answer.json())
    assert TeamInbox.objects.get(pk=house.inbox.pk).hours is not None


def test_the_description_is_served(house: House) -> None:
    api = Client()
    api.force_login(house.alice)

    answer = api.get("/api/v1/schema/")

    assert yaml.safe_load(answer.content)["info"]["title"] == "Team Inbox API"
    assert Client().get("/api/v1/schema/").status_code == 401
