"""What does this JSON object say, exactly?"""

import json
from collections.abc import Iterator, Mapping
from typing import TypeAlias

Json: TypeAlias = "Mapping[str, Json] | list[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = "dict[str, Json]"


class BadInputError(ValueError):
    """A configuration or control request that does not say what it must."""


class Fields:
    """A JSON object read by name and type; anything unexpected is refused with its name."""

    def __init__(self, data: Mapping[str, object], where: str = "body") -> None:
        self.data = data
        self.where = where

    @classmethod
    def parse(cls, raw: bytes | str, where: str = "body") -> "Fields":
        """Read a JSON document that must be an object; nothing at all counts as empty."""
        if not raw.strip():
            return cls({}, where)
        try:
            data = json.loads(raw)
        except ValueError as error:
            raise BadInputError(f"{where} is not JSON: {error}") from error
        if not isinstance(data, dict):
            raise BadInputError(f"{where} must be a JSON object")
        return cls(data, where)

    def __contains__(self, name: str) -> bool:
        return self.data.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """Return a string."""
        value = self.data.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self._wrong(name, "a string")
        return value

    def required(self, name: str) -> str:
        """Return a string that must be there."""
        value = self.text(name)
        if not value:
            raise BadInputError(f"{self.where} needs {name}")
        return value

    def number(self, name: str, default: float = 0.0) -> float:
        """Return a number."""
        value = self.data.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, "a number")
        return float(value)

    def integer(self, name: str, default: int = 0) -> int:
        """Return a whole number."""
        value = self.number(name, default)
        if value != int(value):
            raise self._wrong(name, "a whole number")
        return int(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean."""
        value = self.data.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def texts(self, name: str) -> list[str]:
        """Return a list of strings."""
        value = self.data.get(name) or []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._wrong(name, "a list of strings")
        return list(value)

    def strings(self, name: str) -> dict[str, str]:
        """Return an object whose values are all strings."""
        value = self.data.get(name) or {}
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise self._wrong(name, "an object of strings")
        return dict(value)

    def child(self, name: str) -> "Fields | None":
        """Return a nested object, or None if it is absent."""
        value = self.data.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._wrong(name, "an object")
        return Fields(value, f"{self.where}.{name}")

    def children(self, name: str) -> Iterator["Fields"]:
        """Yield nested objects of a list."""
        value = self.data.get(name) or []
        if not isinstance(value, list):
            raise self._wrong(name, "a list")
        for index, one in enumerate(value):
            if not isinstance(one, dict):
                raise self._wrong(f"{name}[{index}]", "an object")
            yield Fields(one, f"{self.where}.{name}[{index}]")

    def refuse_unknown(self, *known: str) -> None:
        """Raise if there is a key that nobody will read."""
        unknown = sorted(set(self.data) - set(known))
        if unknown:
            raise BadInputError(f"{self.where} has unknown keys: {', '.join(unknown)}")

    def _wrong(self, name: str, wanted: str) -> BadInputError:
        return BadInputError(f"{self.where}.{name} must be {wanted}")
