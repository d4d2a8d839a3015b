"""Is this JSON that we can read, keep and give back? Text that anybody may have written."""

import json
import math

from django.utils.translation import gettext as _

MOST_LEVELS = 60


class JsonError(ValueError):
    """A text is no JSON, or none that can be kept. `reason` is for people; `where` may be blank."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(reason)
        self.reason, self.where = reason, where


def read_json(text: str) -> object:
    """Return what a JSON text says. Raises JsonError."""
    try:
        found: object = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        told = {"line": error.lineno, "column": error.colno}
        where = _("line %(line)d, column %(column)d") % told
        raise JsonError(_("This is no JSON: %s.") % error.msg, where) from error
    except RecursionError as error:
        raise JsonError(_("This is nested too deeply.")) from error
    except ValueError as error:  # A number of thousands of digits.
        raise JsonError(_("There is a number that is too long.")) from error
    check_json(found)
    return found


def check_json(value: object) -> None:
    """Refuse what parses and cannot be kept. Raises JsonError.

    That is: what is nested beyond any use, no number (NaN), and half a character.
    """
    level = [("", value)]
    for _level in range(MOST_LEVELS):
        for where, one in level:
            _check_one(one, where)
        level = [inner for where, one in level for inner in _inside(one, where)]
        if not level:
            return
    raise JsonError(_("This is nested too deeply."))


def _inside(value: object, where: str) -> list[tuple[str, object]]:
    """Return what stands within a value, each with its place; keys at their object's."""
    if isinstance(value, dict):
        keys = [(where, key) for key in value]
        return [*keys, *((f"{where}.{key}".strip("."), one) for key, one in value.items())]
    if isinstance(value, list):
        return [(f"{where}[{number}]", one) for number, one in enumerate(value)]
    return []


def _check_one(value: object, where: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise JsonError(_("There is a number that is none."), where)
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            shown = value.encode(errors="replace").decode()[:40]
            raise JsonError(_("There is half a character in “%s”.") % shown, where) from error
