"""Which languages may be chosen for texts and for customers, and what are they called?"""

from collections.abc import Iterable
from functools import cache

from django.conf.locale import LANG_INFO

from routing.reading import is_language


@cache
def languages() -> tuple[tuple[str, str], ...]:
    """Return the languages that can be chosen, each in its own name."""
    names = {
        _code(code): str(about["name_local"]).capitalize()
        for code, about in LANG_INFO.items()
        if "name_local" in about and is_language(_code(code))
    }
    return tuple(sorted(names.items(), key=lambda one: one[1].casefold()))


def languages_with(codes: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return what can be chosen, and what is chosen already: documents may name any language."""
    known = dict(languages())
    others = sorted({code for code in codes if code and code not in known})
    return (*languages(), *((code, language_name(code)) for code in others))


def language_name(code: str) -> str:
    """Return a language in its own name; its code where that says more."""
    known = dict(languages())
    base = known.get(code.partition("-")[0], "")
    return known.get(code) or (f"{base} ({code})" if base else code)


def _code(name: str) -> str:
    """Return Django's name of a language as documents write it: pt-BR, zh-Hant."""
    base, dash, rest = name.partition("-")
    return f"{base}{dash}{rest.upper() if len(rest) == 2 else rest.capitalize()}"
