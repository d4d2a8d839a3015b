"""How is a CRM asked, and what do we learn from it? Definitions, questions and answers."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.crm import (
    CannotAskError,
    Connector,
    build_request,
    hubspot,
    problems,
    read_answer,
    salesforce,
    values_of,
)
from routing.crm_fields import Field, FieldKind, Reading, fields_problems, look_up, read_row
from routing.facts import Answer, Customer

SECRETS = {"token": "tok-123"}
TIER = Field("tier", "customer.tier")
CONNECTOR = Connector(
    "https://crm.example.com/v1/contacts/{{contact.number}}?name={{ contact.name }}",
    (TIER,),
    headers={"Authorization": "Bearer {{secret.token}}"},
)
ZOE = values_of(
    Customer(number="+4917612345678", name="Zoë & Söhne", country="DE", language="de"),
    contact_id="c1",
)


def test_what_is_put_into_an_address_is_encoded_and_into_headers_secret() -> None:
    request = build_request(CONNECTOR, ZOE, SECRETS)

    assert request.url == (
        "https://crm.example.com/v1/contacts/%2B4917612345678?name=Zo%C3%AB%20%26%20S%C3%B6hne"
    )
    assert request.headers == {"Accept": "application/json", "Authorization": "Bearer tok-123"}
    assert (request.method, request.body) == ("GET", None)
    assert "tok-123" not in repr(request)
    assert "4917612345678" not in repr(request)


def test_a_body_is_filled_in_as_json() -> None:
    connector = replace(
        CONNECTOR,
        url="https://crm.example.com/search",
        method="POST",
        body={"q": ["by {{contact.name}}", 3, None], "{{contact.id}}": True},
    )

    request = build_request(connector, {**ZOE, "contact.name": 'a"}, "x": {'}, SECRETS)

    assert json.loads(request.body or b"") == {
        "q": ['by a"}, "x": {', 3, None],
        "{{contact.id}}": True,
    }
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("name", ["..", ".", "../..", "a/../../b", "..\\x"])
def test_nobody_climbs_out_of_the_path_by_their_name(name: str) -> None:
    connector = replace(CONNECTOR, url="https://crm.example.com/by-name/{{contact.name}}/x")

    with pytest.raises(CannotAskError):
        build_request(connector, {**ZOE, "contact.name": name}, SECRETS)


@given(st.text(min_size=1, max_size=20))
def test_whatever_the_name_it_changes_neither_host_nor_path_nor_parameters(name: str) -> None:
    try:
        request = build_request(CONNECTOR, {**ZOE, "contact.name": name}, SECRETS)
    except CannotAskError:
        return

    parts = urlsplit(request.url)
    assert (parts.netloc, unquote(parts.path)) == ("crm.example.com", "/v1/contacts/+4917612345678")
    assert parse_qs(parts.query, keep_blank_values=True, errors="surrogateescape") == {
        "name": [name.encode("utf-8", "replace").decode()]
    }


def test_what_is_not_known_cannot_be_asked_with() -> None:
    with pytest.raises(CannotAskError, match="The contact’s number is not known"):
        build_request(CONNECTOR, values_of(Customer(name="Zoë"), contact_id="c1"), SECRETS)


@pytest.mark.parametrize("secret", ["a\r\nX-Evil: 1", "ü", "a\0"])
def test_a_secret_adds_no_header(secret: str) -> None:
    with pytest.raises(CannotAskError) as caught:
        build_request(CONNECTOR, ZOE, {"token": secret})

    assert "one line" in caught.value.reason
    assert secret not in caught.value.reason


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"url": "ftp://crm.example.com/"}, "must begin with https://"),
        ({"url": "https:///x"}, "must begin with https://"),
        ({"url": "https://crm.example.com:99999/"}, "must begin with https://"),
        ({"url": "https://[::1/"}, "must begin with https://"),
        ({"url": "https://{{contact.country}}.example.com/"}, "must be fixed"),
        ({"url": "https://a:b@crm.example.com/"}, "must be fixed"),
        ({"url": "https://crm.example.com\\@evil.example.com/"}, "must be fixed"),
        ({"url": "https://crm.example.com/#x"}, "must be fixed"),
        ({"url": "https://crm.example.com/a b"}, "without spaces"),
        ({"url": "https://crm.example.com/\r\nX: 1"}, "without spaces"),
        ({"url": "https://crm.exämple.com/"}, "plain ASCII"),
        ({"url": "https://crm.example.com/" + "a" * 2000}, "at most 2000"),
        ({"url": "https://crm.example.com/{{contact.phone}}"}, "{{contact.phone}} in the address"),
        ({"url": "https://crm.example.com/{{secret.token}}"}, "A secret belongs in a header"),
        ({"url": "https://crm.example.com/{{contact.number"}, "not closed"),
        ({"method": "DELETE"}, "GET or POST"),
        ({"body": {}}, "A GET request has no body"),
        ({"method": "POST", "body": {"a": float("nan")}}, "must be JSON"),
        ({"method": "POST", "body": {"a": object()}}, "must be JSON"),
        ({"method": "POST", "body": {"a": "x" * 20_000}}, "larger than 16 kB"),
        ({"method": "POST", "body": ["{{secret.token}}"]}, "A secret belongs in a header"),
        ({"method": "POST", "body": ["{{contact.x}}"]}, "{{contact.x}} in the body"),
        ({"method": "POST", "body": {"a": {"b": "{{contact"}}}, "in the body are not closed"),
        ({"headers": {"X Y": "1"}}, "no name of a header"),
        ({"headers": {"Host": "evil.example.com"}}, "set by the connection"),
        ({"headers": {"proxy-authorization": "x"}}, "set by the connection"),
        ({"headers": {"X": "a\nb"}}, "one line of plain ASCII"),
        ({"headers": {"Authorization": "Bearer abc"}}, "says is a secret"),
        ({"headers": {"X-Api-Key": "abc"}}, "says is a secret"),
        ({"headers": {"X": "{{secret.other}}"}}, "The secret “other” is not set"),
        ({"headers": {"X": "{{contact.name}}"}}, "secrets only"),
        ({"headers": {f"X-{n}": "1" for n in range(21)}}, "more than 20 headers"),
        ({"fields": ()}, "at least one fact"),
        ({"fields": (TIER, TIER)}, "two facts named “tier”"),
        ({"fields": (Field("Tier", "a"),)}, "no name of a fact"),
        ({"fields": (Field("tier", "a..b"),)}, "no path"),
        ({"fields": (Field("tier", ""),)}, "no path"),
        ({"fields": (Field("tier", "a[x]"),)}, "no path"),
    ],
)
def test_a_definition_that_is_wrong_says_what(changed: dict[str, Any], words: str) -> None:
    connector = replace(CONNECTOR, **changed)

    assert any(words in problem for problem in problems(connector, SECRETS))
    with pytest.raises(CannotAskError):
        build_request(connector, ZOE, SECRETS)


def test_a_sound_definition_has_no_problems() -> None:
    nested = replace(CONNECTOR, method="POST", body={"a": {"b": {"c": "{{contact.name}}"}}})

    assert problems(nested, SECRETS) == ()
    assert problems(CONNECTOR, SECRETS) == ()
    assert problems(CONNECTOR) == ()
    assert list(fields_problems(CONNECTOR.fields)) == []


# --- Answers ---


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", {"b": [1, {"c d": "x"}]}),
        ("$.a.b[0]", 1),
        ('a.b[1]["c d"]', "x"),
        ("a.b[2]", None),
        ("a[0]", None),
        ("a.b.c", None),
        ("x.y", None),
    ],
)
def test_a_path_finds_its_place(path: str, found: Any) -> None:
    assert look_up({"a": {"b": [1, {"c d": "x"}]}}, path) == found


def test_a_list_can_be_the_whole_answer() -> None:
    connector = replace(CONNECTOR, fields=(Field("tier", "[0].tier"),))

    assert read_answer(connector, 200, b'[{"tier": "gold"}]').answer == Answer({"tier": "gold"})
    assert read_answer(connector, 200, b"[]").answer == Answer()


@pytest.mark.parametrize(
    ("kind", "value", "fact"),
    [
        (FieldKind.TEXT, " gold ", "gold"),
        (FieldKind.TEXT, 7, "7"),
        (FieldKind.NUMBER, 7, 7),
        (FieldKind.NUMBER, "7", 7),
        (FieldKind.NUMBER, " -7.50 ", -7.5),
        (FieldKind.YES_NO, True, True),
        (FieldKind.YES_NO, "FALSE", False),
        (FieldKind.YES_NO, 1, True),
        (FieldKind.LIST, ["a", " b", ""], ("a", "b")),
        (FieldKind.LIST, "a;b", ("a", "b")),
        (FieldKind.DATE, "2026-11-26", "2026-11-26"),
        (FieldKind.DATE, "2026-11-26T23:00:00Z", "2026-11-26"),
    ],
)
def test_facts_have_their_kind(kind: FieldKind, value: Any, fact: Any) -> None:
    content = json.dumps({"x": value}).encode()

    reading = read_answer(replace(CONNECTOR, fields=(Field("x", "x", kind),)), 200, content)

    assert reading == Reading(Answer({"x": fact}))
    assert type(reading.answer.fields["x"]) is type(fact)


@pytest.mark.parametrize("kind", list(FieldKind))
@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_is_blank_is_no_fact(kind: FieldKind, value: Any) -> None:
    content = json.dumps({"x": value}).encode()

    reading = read_answer(replace(CONNECTOR, fields=(Field("x", "x", kind),)), 200, content)

    assert reading == Reading(Answer())


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FieldKind.TEXT, {"a": 1}),
        (FieldKind.TEXT, True),
        (FieldKind.TEXT, "x" * 1001),
        (FieldKind.NUMBER, "seven"),
        (FieldKind.NUMBER, "1e5"),
        (FieldKind.NUMBER, True),
        (FieldKind.YES_NO, "perhaps"),
        (FieldKind.YES_NO, []),
        (FieldKind.LIST, [{"a": 1}]),
        (FieldKind.LIST, ["a"] * 51),
        (FieldKind.LIST, 7),
        (FieldKind.DATE, "tomorrow"),
        (FieldKind.DATE, 1764115200000),
    ],
)
def test_what_does_not_fit_its_kind_is_left_out_and_said(kind: FieldKind, value: Any) -> None:
    fields = (Field("x", "x", kind), Field("y", "y"))
    content = json.dumps({"x": value, "y": "there"}).encode()

    reading = read_answer(replace(CONNECTOR, fields=fields), 200, content)

    assert reading.answer == Answer({"y": "there"})
    assert reading.left_out == (f"x is no {kind.value.replace('_', '/')}",)


@pytest.mark.parametrize(
    ("status", "content", "failure"),
    [
        (200, b"<html>", "a web page"),
        (200, b"", "not JSON"),
        (200, b'{"customer": {"tier": NaN}}', "NaN"),
        (200, b"[" * 50_000, "nested too deeply"),
        (200, b" " * 70_000, "larger than 64 kB"),
        (301, b"", "sends us elsewhere (301)"),
        (401, b"{}", "our credentials (401)"),
        (429, b"", "too often"),
        (500, b"{}", "an error (500)"),
        (100, b"", "an error (100)"),
    ],
)
def test_an_answer_that_says_nothing_says_why(status: int, content: bytes, failure: str) -> None:
    reading = read_answer(CONNECTOR, status, content)

    assert failure in reading.answer.failure
    assert reading.answer.fields == {}


@pytest.mark.parametrize("status", [204, 404, 410])
def test_that_nobody_is_known_is_an_answer(status: int) -> None:
    assert read_answer(CONNECTOR, status, b"whatever") == Reading(Answer())


def test_a_row_of_a_table_gives_facts() -> None:
    fields = (Field("tier", "tier"), Field("seats", "seats", FieldKind.NUMBER))

    assert read_row(fields, {"tier": "gold", "seats": "7"}).answer == Answer(
        {"tier": "gold", "seats": 7}
    )
    assert read_row(fields, {"tier": "gold"}).answer == Answer({"tier": "gold"})
    assert read_row(fields, None) == Reading(Answer())


# --- The connectors that we wrote ---


def test_hubspot_is_searched_by_phone() -> None:
    fields = [Field("tier", "customer_tier"), Field("seats", "seats", FieldKind.NUMBER)]
    connector = hubspot(fields)

    request = build_request(connector, ZOE, SECRETS)
    body = json.loads(request.body or b"")
    found = {"total": 1, "results": [{"properties": {"customer_tier": "gold", "seats": "12"}}]}

    assert problems(connector, SECRETS) == ()
    assert request.url == "https://api.hubapi.com/crm/v3/objects/contacts/search"
    assert request.headers["Authorization"] == "Bearer tok-123"
    assert body["properties"] == ["customer_tier", "seats"]
    assert [group["filters"][0]["value"] for group in body["filterGroups"]] == [
        "+4917612345678",
        "+4917612345678",
        "17612345678",
    ]
    assert read_answer(connector, 200, json.dumps(found).encode()).answer == Answer(
        {"tier": "gold", "seats": 12}
    )
    assert read_answer(connector, 200, b'{"total": 0, "results": []}').answer == Answer()


def test_salesforce_is_searched_by_phone() -> None:
    connector = salesforce(
        [Field("tier", "Tier__c"), Field("company", "Account.Name")],
        base="https://acme.my.salesforce.com",
    )

    request = build_request(connector, ZOE, SECRETS)
    found = {"searchRecords": [{"Tier__c": "gold", "Account": {"Name": "Zoë GmbH"}}]}

    assert problems(connector, SECRETS) == ()
    assert parse_qs(urlsplit(request.url).query) == {
        "q": ["4917612345678"],
        "in": ["PHONE"],
        "sobject": ["Contact"],
        "Contact.fields": ["Tier__c,Account.Name"],
        "Contact.limit": ["1"],
    }
    assert read_answer(connector, 200, json.dumps(found).encode()).answer == Answer(
        {"tier": "gold", "company": "Zoë GmbH"}
    )
    assert read_answer(connector, 200, b'{"searchRecords": []}').answer == Answer()
