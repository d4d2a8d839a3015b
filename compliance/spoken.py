"""In which languages is a person read? Those of their place, of their inbox, and their own."""

from collections.abc import Iterable
from functools import lru_cache

from compliance.addresses import Address
from compliance.in_force import rules_in_force
from compliance.keyword_table import language_of
from compliance.lexicon import EVERYWHERE
from compliance.whereabouts import whereabouts


def languages_for(address: Address, said: Iterable[str] = ()) -> frozenset[str]:
    """Return the languages whose keywords count for an address.

    `said` are tags such as `pt-BR` that the inbox, the account or the contact's card names; blanks
    do not matter.
    """
    version = rules_in_force().version
    return _languages(whereabouts(address).codes, frozenset(filter(None, said)), version)


def languages_of_country(country: str) -> tuple[str, ...]:
    """Return the languages that the row of a country names; of no country none."""
    rules = rules_in_force().pack.rules_for([country]) if country else ()
    return tuple(tag for rule in rules for tag in rule.facts.get("languages", "").split("|") if tag)


@lru_cache(maxsize=1024)
def _languages(codes: tuple[str, ...], said: frozenset[str], version: str) -> frozenset[str]:
    """Return the languages of these rows and tags; once for each `version` of the rules."""
    rules = rules_in_force().pack.rules_for(codes)
    theirs = (tag for rule in rules for tag in rule.facts.get("languages", "").split("|"))
    return frozenset(map(language_of, filter(None, (*theirs, *said)))) | {EVERYWHERE}
