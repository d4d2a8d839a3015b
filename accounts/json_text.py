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
    level: list[object] = [value]
    for _level in range(MOST_LEVELS):
        for one in level:
            _check_one(one)
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    raise JsonError(_("This is nested too deeply."))


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


def _check_one(value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise JsonError(_("There is a number that is none."))
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            words = _("There is half a character in “%s”.")
            raise JsonError(words % value.encode(errors="replace").decode()[:40]) from error
