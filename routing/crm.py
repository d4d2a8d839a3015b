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

from accounts.english import noop
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
        yield noop(
            "The address must be plain ASCII without spaces, at most %(longest_url)s characters."
        ) % {"longest_url": LONGEST_URL}
        return
    try:
        parts = urlsplit(url)
        is_sound = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_sound = False
    if not is_sound or parts.scheme not in ("https", "http"):
        yield noop("The address must begin with https:// and a host.")
    elif "{" in parts.netloc or "@" in parts.netloc or "\\" in url or parts.fragment:
        yield noop(
            "The host of the address must be fixed; no log-in and no # may be in the address."
        )
    yield from _of_template(url, noop("the address"))


def _of_method(connector: Connector) -> Iterator[str]:
    if connector.method not in ("GET", "POST"):
        yield noop("The method must be GET or POST.")
    if connector.body is None:
        return
    if connector.method == "GET":
        yield noop("A GET request has no body.")
    try:
        text = json.dumps(connector.body, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        yield noop("The body must be JSON.")
        return
    if len(text) > LARGEST_BODY:
        yield noop("The body is larger than %(largest_body)s kB.") % {
            "largest_body": LARGEST_BODY // 1024
        }
    yield from _of_template("\n".join(_texts(connector.body)), noop("the body"))


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, list | dict):
        for one in part.values() if isinstance(part, dict) else part:
            yield from _texts(one)


def _of_template(text: str, where: str) -> Iterator[str]:
    for name in dict.fromkeys(_VARIABLE.findall(text)):
        if name.startswith(_SECRET):
            yield noop("A secret belongs in a header, not in %(where)s.") % {"where": where}
        elif name not in VARIABLES:
            there_are = ", ".join(sorted(VARIABLES))
            yield noop("{{%(name)s}} in %(where)s is not known. There are: %(there_are)s.") % {
                "name": name,
                "where": where,
                "there_are": there_are,
            }
    rest = _VARIABLE.sub("", text)
    if "{{" in rest or "}}" in rest:
        yield noop("Braces in %(where)s are not closed, or hold what is no name.") % {
            "where": where
        }


def _of_headers(headers: Mapping[str, str], secrets: Mapping[str, str] | None) -> Iterator[str]:
    if len(headers) > MOST_HEADERS:
        yield noop("There are more than %(most_headers)s headers.") % {"most_headers": MOST_HEADERS}
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            yield noop("“%(name)s” is no name of a header.") % {"name": name[:40]}
        elif name.lower() in _OURS or name.lower().startswith("proxy-"):
            yield noop("The header %(name)s is set by the connection itself.") % {"name": name}
        elif not _is_header_value(value):
            yield noop("The value of the header %(name)s must be one line of plain ASCII.") % {
                "name": name
            }
        elif _TELLING.search(name) and _SECRET not in value:
            yield noop(
                "What the header %(name)s says is a secret: write {{secret.name}} in it."
            ) % {"name": name}
        yield from _of_variables(name, value, secrets)


def _of_variables(name: str, value: str, secrets: Mapping[str, str] | None) -> Iterator[str]:
    for variable in _VARIABLE.findall(value):
        if not variable.startswith(_SECRET):
            yield noop("The header %(name)s may hold secrets only, not {{%(variable)s}}.") % {
                "name": name,
                "variable": variable,
            }
        elif secrets is not None and not secrets.get(variable.removeprefix(_SECRET)):
            yield noop("The secret “%(removeprefix)s” is not set.") % {
                "removeprefix": variable.removeprefix(_SECRET)
            }


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
        raise CannotAskError(noop("What is known of the contact cannot be part of an address."))
    if len(filled) > LONGEST_URL:
        raise CannotAskError(noop("The address would be too long."))
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
        raise CannotAskError(
            noop("The %(replace)s is not known.") % {"replace": name.replace(".", "’s ")}
        )
    return value.encode("utf-8", "replace").decode()


def _with_secrets(name: str, text: str, secrets: Mapping[str, str]) -> str:
    value = _fill(text, lambda variable: secrets[variable.removeprefix(_SECRET)])
    if not _is_header_value(value):
        raise CannotAskError(
            noop("The secret in the header %(name)s must be one line of plain ASCII.")
            % {"name": name}
        )
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
        return noop("It does not accept our credentials (%(status)s).") % {"status": status}
    if status == 429:
        return noop("It is asked too often (429).")
    if 300 <= status < 400:
        return noop(
            "It sends us elsewhere (%(status)s), which we do not follow. Enter the final address."
        ) % {"status": status}
    return noop("It answered with an error (%(status)s).") % {"status": status}
