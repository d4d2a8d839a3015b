"""Does a reply have the shape that Twilio publishes?"""

import json
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

EXCERPT = json.loads((Path(__file__).parent / "data" / "twilio_openapi_excerpt.json").read_text())
REGISTRY: Registry[Any] = Registry().with_resource("urn:twilio", DRAFT4.create_resource(EXCERPT))


def violations(name: str, reply: dict[str, Any]) -> list[str]:
    """Return what is wrong with a reply: wrong types and patterns, missing or unknown keys."""
    found = [f"{list(one.path)}: {one.message}" for one in _validator(name).iter_errors(reply)]
    return [*found, *_key_differences(EXCERPT["responses"][name], reply, name)]


@cache
def _validator(name: str) -> OAS30Validator:
    return OAS30Validator(
        {"$ref": f"urn:twilio#/responses/{name}"}, registry=REGISTRY, format_checker=None
    )


def _key_differences(schema: dict[str, Any], value: Any, where: str) -> list[str]:
    schema = _resolved(schema)
    if isinstance(value, list):
        item = schema.get("items", {})
        return [one for element in value for one in _key_differences(item, element, where)]
    properties = schema.get("properties")
    if not isinstance(value, dict) or not properties:
        return []
    found = [f"{where}: unknown key {key}" for key in sorted(value.keys() - properties.keys())]
    # The search for numbers has no pages, although the generated schema lists their keys.
    if "available_phone_numbers" not in properties:
        missing = properties.keys() - value.keys() - {"Resources"}
        found += [f"{where}: missing key {key}" for key in sorted(missing)]
    for key in value.keys() & properties.keys():
        if "date_" in key and "rfc-2822" in str(properties[key].get("format")) and value[key]:
            assert parsedate_to_datetime(value[key]).tzinfo is not None
        if isinstance(value[key], dict | list):
            found += _key_differences(properties[key], value[key], f"{where}.{key}")
    return found


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = EXCERPT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema
