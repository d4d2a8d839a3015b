"""Whom did an admin choose? A list of people that grows by typing a name or an e-mail address.

An account may have thousands of people: nobody wants them all as boxes in every step of a ladder.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.numbers import number_in
from routing.facts import Person

_ADDRESS = re.compile(r"[(<]([^()<>\s]+@[^()<>\s]+)[)>]\s*$")


@dataclass(frozen=True)
class Everybody:
    """The people of an account, as they are found by what somebody types."""

    people: Mapping[int, Person] = field(default_factory=dict)

    def options(self) -> list[str]:
        """Return those who can be chosen, as a browser offers them."""
        named = (f"{one.name} ({one.email})" for one in self.people.values() if one.is_active)
        return sorted(named, key=str.casefold)

    def find(self, typed: str) -> Person:
        """Return who is meant. Raises ValueError with words if that is nobody, or not clear."""
        found = _ADDRESS.search(typed)
        wanted = (found[1] if found else typed).strip().casefold()
        by_email = [one for one in self.people.values() if one.email.casefold() == wanted]
        by_name = [one for one in self.people.values() if one.name.casefold() == wanted]
        those = by_email or by_name
        if not those:
            raise ValueError(_("Nobody in this account is called “%s”.") % typed[:80])
        if len(those) > 1:
            raise ValueError(
                _("Several people are called “%s”: write the e-mail address.") % typed[:80]
            )
        return those[0]

    def label(self, person_id: int) -> str:
        """Name somebody, and say what is in the way of their getting anything."""
        person = self.people.get(person_id)
        if person is None:
            return _("Somebody who is not in this account")
        if not person.is_active:
            return _("%s (deactivated)") % person.name
        return person.name if person.is_licensed else _("%s (no licence)") % person.name


@dataclass
class PeopleField:
    """Who is chosen at one place, and what is being typed there."""

    ids: list[int] = field(default_factory=list)
    chosen: list[tuple[int, str]] = field(default_factory=list)
    typed: str = ""
    error: str = ""
    key: str = ""
    has_focus: bool = False

    @classmethod
    def of(cls, ids: Iterable[int], everybody: Everybody) -> "PeopleField":
        """Show who is chosen."""
        known = list(ids)
        return cls(known, [(one, everybody.label(one)) for one in known])

    @classmethod
    def posted(cls, data: QueryDict, key: str, everybody: Everybody) -> "PeopleField":
        """Take what a browser sent: who is still ticked, and whom somebody typed besides."""
        ids = [one for text in data.getlist(f"{key}-people") if (one := number_in(text))]
        typed, error = data.get(f"{key}-person", "").strip(), ""
        if typed:
            try:
                ids.append(everybody.find(typed).id)
                typed = ""
            except ValueError as problem:
                error = str(problem)
        found = cls.of(dict.fromkeys(ids), everybody)
        found.typed, found.error, found.key = typed, error, key
        return found
