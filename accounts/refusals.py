"""How does a story of this app say no? In words a person can act on, and at which field."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import IntegrityError


class RefusedError(Exception):
    """Something cannot be done as asked. `reason` is for people, `field` names what to change."""

    def __init__(self, reason: str, *, field: str = "") -> None:
        super().__init__(reason)
        self.reason, self.field = reason, field


def broken_rule(error: IntegrityError) -> str:
    """Return the name of the constraint or trigger by which the database refused."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""


@contextmanager
def in_words(rules: Mapping[str, object]) -> Iterator[None]:
    """Tell in words what only the database could see: another one was quicker.

    `rules` has the words for each rule that may be broken by that. Raises RefusedError with them.
    """
    try:
        yield
    except IntegrityError as error:
        words = rules.get(broken_rule(error))
        if words is None:
            raise
        raise RefusedError(str(words)) from error
