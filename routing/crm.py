"""How is a CRM asked about a contact, and which typed facts are in its answer?

A connector is a definition that an account's admin writes: where to ask, with which headers, and
which places of the answer are which facts. HubSpot and Salesforce are two definitions of ours. Only
what is known of the contact itself may be part of a question: answers are kept per contact.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import phonenumbers

from routing.crm_fields import Field, Reading, facts_of, fields_problems, look_up
from routing.facts import Answer, Customer
from routing.json_answers import AnswerError, read_json

LONGEST_URL = 2000
LONGEST_HEADER = 4000
LARGEST_BODY = 16 * 1024
MOST_HEADERS = 20
VARIABLES = frozenset(
    (
        "contact.id",
        "contact.number",
        "contact.digits",
        "contact.national",
        "contact.name",
        "contact.language",
        "contact.country",
    )
)
_VARIABLE = re.compile(r"\{\{\s*([a-z0-9_.]+)\s*\}\}")
_SECRET = "secret."  # noqa: S105
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,80}")
# Names of headers that open doors. What is no secret of ours would be shown with the definition.
_TELLING = re.compile(r"auth|cookie|key|token|secret|password", re.IGNORECASE)
# What the connection itself says.
_OURS = frozenset(
    (
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "accept-encoding",
        "expect",
        "upgrade",
        "te",
        "trailer",
    )
)


class CannotAskError(Exception):
    """A question cannot be put. `reason` is fit for a person and holds no secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Connector:
    """How to ask: `{{contact.number}}` may stand in the address and the body.

    `{{secret.token}}` may stand in headers only. `body` is JSON whose texts are templates.
    """

    url: str
    fields: tuple[Field, ...]
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class Request:
    """What goes over the wire. Headers may hold secrets, the rest what is known of a person."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


def values_of(customer: Customer, *, contact_id: str) -> Mapping[str, str]:
    """Return what a question may say of a contact, by variable; what is not known is blank."""
    return {
        "contact.id": contact_id,
        "contact.number": customer.number,
        "contact.digits": customer.number.removeprefix("+"),
        "contact.national": _national(customer.number),
        "contact.name": customer.name,
        "contact.language": customer.language,
        "contact.country": customer.country,
    }


def _national(number: str) -> str:
    """Return a number as it is dialled within its country, without a leading zero."""
    try:
        return phonenumbers.national_significant_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return ""


# --- Connectors that we wrote ---


def hubspot(fields: Sequence[Field], *, base: str = "https://api.hubapi.com") -> Connector:
    """Return the connector for HubSpot's contacts; the path of a field is a property's name.

    Source: https://developers.hubspot.com/docs/api-reference/2026-03/crm/search-the-crm
    """
    asked = {
        "phone": "{{contact.number}}",
        "mobilephone": "{{contact.number}}",
        "hs_searchable_calculated_phone_number": "{{contact.national}}",
    }
    groups = [
        {"filters": [{"propertyName": name, "operator": "EQ", "value": value}]}
        for name, value in asked.items()
    ]
    return Connector(
        url=f"{base}/crm/v3/objects/contacts/search",
        method="POST",
        headers={"Authorization": "Bearer {{secret.token}}"},
        body={"filterGroups": groups, "properties": [one.path for one in fields], "limit": 1},
        fields=tuple(
            Field(one.name, f'results[0].properties["{one.path}"]', one.kind) for one in fields
        ),
    )


def salesforce(
    fields: Sequence[Field], *, base: str, what: str = "Contact", version: str = "60.0"
) -> Connector:
    """Return the connector for Salesforce; the path of a field is its API name.

    `base` is the address of the company's own Salesforce, `what` the kind of object that is
    searched by phone. Source: "Parameterized Search" of the REST API Developer Guide.
    """
    names = ",".join(one.path for one in fields)
    return Connector(
        url=(
            f"{base}/services/data/v{version}/parameterizedSearch/?q={{{{contact.digits}}}}"
            f"&in=PHONE&sobject={what}&{what}.fields={names}&{what}.limit=1"
        ),
        headers={"Authorization": "Bearer {{secret.token}}"},
        fields=tuple(Field(one.name, f"searchRecords[0].{one.path}", one.kind) for one in fields),
    )


# --- Is a definition sound? ---


def problems(connector: Connector, secrets: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Say in words what is wrong with a definition; empty if nothing is.

    Without `secrets` any secret counts as set.
    """
    return (
        *_of_url(connector.url),
        *_of_method(connector),
        *_of_headers(connector.headers, secrets),
        *fields_problems(connector.fields),
    )


def _of_url(url: str) -> Iterator[str]:
    fixed = _VARIABLE.sub("", url)
    if len(url) > LONGEST_URL or not (url.isascii() and fixed.isprintable()) or " " in fixed:
        yield f"The address must be plain ASCII without spaces, at most {LONGEST_URL} characters."
        return
    try:
        parts = urlsplit(url)
        is_sound = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_sound = False
    if not is_sound or parts.scheme not in ("https", "http"):
        yield "The address must begin with https:// and a host."
    elif "{" in parts.netloc or "@" in parts.netloc or "\\" in url or parts.fragment:
        yield "The host of the address must be fixed; no log-in and no # may be in the address."
    yield from _of_template(url, "the address")


def _of_method(connector: Connector) -> Iterator[str]:
    if connector.method not in ("GET", "POST"):
        yield "The method must be GET or POST."
    if connector.body is None:
        return
    if connector.method == "GET":
        yield "A GET request has no body."
    try:
        text = json.dumps(connector.body, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        yield "The body must be JSON."
        return
    if len(text) > LARGEST_BODY:
        yield f"The body is larger than {LARGEST_BODY // 1024} kB."
    yield from _of_template("\n".join(_texts(connector.body)), "the body")


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, list | dict):
        for one in part.values() if isinstance(part, dict) else part:
            yield from _texts(one)


def _of_template(text: str, where: str) -> Iterator[str]:
    for name in dict.fromkeys(_VARIABLE.findall(text)):
        if name.startswith(_SECRET):
            yield f"A secret belongs in a header, not in {where}."
        elif name not in VARIABLES:
            there_are = ", ".join(sorted(VARIABLES))
            yield f"{{{{{name}}}}} in {where} is not known. There are: {there_are}."
    rest = _VARIABLE.sub("", text)
    if "{{" in rest or "}}" in rest:
        yield f"Braces in {where} are not closed, or hold what is no name."


def _of_headers(headers: Mapping[str, str], secrets: Mapping[str, str] | None) -> Iterator[str]:
    if len(headers) > MOST_HEADERS:
        yield f"There are more than {MOST_HEADERS} headers."
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            yield f"“{name[:40]}” is no name of a header."
        elif name.lower() in _OURS or name.lower().startswith("proxy-"):
            yield f"The header {name} is set by the connection itself."
        elif not _is_header_value(value):
            yield f"The value of the header {name} must be one line of plain ASCII."
        elif _TELLING.search(name) and _SECRET not in value:
            yield f"What the header {name} says is a secret: write {{{{secret.name}}}} in it."
        yield from _of_variables(name, value, secrets)


def _of_variables(name: str, value: str, secrets: Mapping[str, str] | None) -> Iterator[str]:
    for variable in _VARIABLE.findall(value):
        if not variable.startswith(_SECRET):
            yield f"The header {name} may hold secrets only, not {{{{{variable}}}}}."
        elif secrets is not None and not secrets.get(variable.removeprefix(_SECRET)):
            yield f"The secret “{variable.removeprefix(_SECRET)}” is not set."


def _is_header_value(value: str) -> bool:
    return len(value) <= LONGEST_HEADER and value.isascii() and value.isprintable()


# --- The question ---


def build_request(
    connector: Connector, values: Mapping[str, str], secrets: Mapping[str, str]
) -> Request:
    """Return what to send. Raises CannotAskError if something that the question needs is blank."""
    if wrong := problems(connector, secrets):
        raise CannotAskError(wrong[0])
    headers = {"Accept": "application/json"}
    body = None
    if connector.method == "POST":
        headers["Content-Type"] = "application/json"
        body = json.dumps(_filled_in(connector.body or {}, values)).encode()
    headers |= {
        name: _with_secrets(name, text, secrets) for name, text in connector.headers.items()
    }
    return Request(connector.method, _address(connector.url, values), headers, body)


def _address(url: str, values: Mapping[str, str]) -> str:
    filled = _fill(url, lambda name: quote(_needed(values, name), safe=""))
    # Dots stay as they are when encoded: a customer who calls themselves “..” climbs no path.
    known = _segments(url)
    if any(one in (".", "..") and one not in known for one in _segments(filled)):
        raise CannotAskError("What is known of the contact cannot be part of an address.")
    if len(filled) > LONGEST_URL:
        raise CannotAskError("The address would be too long.")
    return filled


def _segments(url: str) -> list[str]:
    return re.split(r"[/\\]", unquote(urlsplit(url).path))


def _filled_in(part: Any, values: Mapping[str, str]) -> Any:
    if isinstance(part, str):
        return _fill(part, lambda name: _needed(values, name))
    if isinstance(part, list):
        return [_filled_in(one, values) for one in part]
    if isinstance(part, dict):
        return {name: _filled_in(one, values) for name, one in part.items()}
    return part


def _needed(values: Mapping[str, str], name: str) -> str:
    value = values.get(name, "")
    if not value:
        raise CannotAskError(f"The {name.replace('.', '’s ')} is not known.")
    return value.encode("utf-8", "replace").decode()


def _with_secrets(name: str, text: str, secrets: Mapping[str, str]) -> str:
    value = _fill(text, lambda variable: secrets[variable.removeprefix(_SECRET)])
    if not _is_header_value(value):
        raise CannotAskError(f"The secret in the header {name} must be one line of plain ASCII.")
    return value


def _fill(text: str, value: Callable[[str], str]) -> str:
    return _VARIABLE.sub(lambda found: value(found[1]), text)


# --- The answer ---


def read_answer(connector: Connector, status: int, content: bytes) -> Reading:
    """Read the facts in an answer over HTTP.

    404 and facts that are not there mean that nobody is known, which is an answer too.
    """
    if status in (204, 404, 410):
        return Reading(Answer())
    if not 200 <= status < 300:
        return Reading(Answer(failure=refusal(status)))
    try:
        found = read_json(content)
    except AnswerError as error:
        return Reading(Answer(failure=error.reason))
    return facts_of({one: look_up(found, one.path) for one in connector.fields})


def refusal(status: int) -> str:
    """Say in words what a status other than 2xx means."""
    if status in (401, 403):
        return f"It does not accept our credentials ({status})."
    if status == 429:
        return "It is asked too often (429)."
    if 300 <= status < 400:
        return f"It sends us elsewhere ({status}), which we do not follow. Enter the final address."
    return f"It answered with an error ({status})."
