"""What keeps a table append-only, whoever writes to it?

pgtrigger's own `Protect` can be told to look away (`pgtrigger.ignore`, a setting that any session
may set). These cannot: they call a function of ours that asks nobody. Nor does a session that says
it replays somebody else's changes (`session_replication_role`) get past them: migrations make them
fire always (`ALWAYS`). Who owns the table can still remove a trigger, which is why the service
should not: see docs/operators.md.
"""

from typing import Any, NoReturn, TypeVar

import pgtrigger
from django.db import models

# Made by the first migration of this app that needed it.
REFUSE = "refuse_to_change_a_ledger"
# What a migration runs after it has made such a trigger.
ALWAYS = "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}"


M = TypeVar("M", bound=models.Model)


class LedgerImmutableError(Exception):
    """Somebody wants to change or delete what is recorded for good."""

    reason = "This is a ledger: nothing in it is changed or deleted. Record what is right instead."

    def __str__(self) -> str:
        return self.reason


class LedgerQuerySet(models.QuerySet[M]):
    """Rows that are only ever added: our own code hears so before the database has to say it."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Raise LedgerImmutableError."""
        raise LedgerImmutableError

    def delete(self) -> NoReturn:
        """Raise LedgerImmutableError."""
        raise LedgerImmutableError


class _Refusing(pgtrigger.Trigger):
    """A trigger that refuses, and cannot be told not to."""

    when = pgtrigger.Before

    def get_func(self, model: Any) -> str:
        """The function of pgtrigger's own, which nothing calls."""
        return "RETURN NULL;"

    def render_execute(self, model: Any) -> str:
        """Call the function that asks nobody."""
        return f"{REFUSE}()"


class Unchangeable(_Refusing):
    """No row is ever changed or deleted."""

    operation: Any = pgtrigger.Update | pgtrigger.Delete


class NeverEmptied(_Refusing):
    """The table is never emptied at once."""

    level = pgtrigger.Statement
    operation: Any = pgtrigger.Truncate


class Unalterable(_Refusing):
    """No row is ever changed; it may be deleted."""

    operation: Any = pgtrigger.Update


class Undeletable(_Refusing):
    """No row is ever deleted; it may be changed."""

    operation: Any = pgtrigger.Delete


class NeverBack(_Refusing):
    """No row is changed so that a counter of its goes back."""

    operation: Any = pgtrigger.Update

    def __init__(self, *, name: str, counter: str) -> None:
        backwards = pgtrigger.Q(**{f"new__{counter}__lt": pgtrigger.F(f"old__{counter}")})
        super().__init__(name=name, condition=backwards)
