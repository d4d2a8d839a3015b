"""In which languages is a person read? Those of their place, of their inbox, and their own."""

from collections.abc import Iterable

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
    rules = rules_in_force().pack.rules_for(whereabouts(address).codes)
    theirs = (tag for rule in rules for tag in rule.facts.get("languages", "").split("|"))
    return frozenset(map(language_of, filter(None, (*theirs, *said)))) | {EVERYWHERE}
