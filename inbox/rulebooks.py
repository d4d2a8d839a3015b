"""Which rules does an inbox follow now? Published versions, read once by each process."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from django.db.models import Q, QuerySet

from accounts.access import feature_is_on
from accounts.models import Feature
from accounts.prepared import Prepared
from inbox.models import TeamInbox
from routing.documents import DocumentError
from routing.models import Rulebook, RulebookVersion
from routing.rules import Rule, Rules, Step, Target

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class InForce:
    """The account's rules that are asked first and the inbox's own, as they hold together.

    `always_first` and `own` are ids of versions, where there are any.
    """

    rules: Rules = field(default_factory=Rules)
    always_first: int | None = None
    own: int | None = None

    @cached_property
    def asked(self) -> tuple[Rule, ...]:
        """Return the rules that are on."""
        return self.rules.in_order()

    @cached_property
    def facts(self) -> frozenset[str]:
        """Name the facts that any rule asks for."""
        return frozenset(
            condition.fact for rule in self.asked for condition in rule.condition.conditions()
        )

    @cached_property
    def languages(self) -> frozenset[str]:
        """Return the languages that rules tell apart."""
        return frozenset(
            str(code)
            for rule in self.asked
            for condition in rule.condition.conditions()
            if condition.fact == "language"
            for code in _several(condition.value)
        )

    def steps(self) -> Iterator[Step]:
        """Walk through every step of every ladder."""
        for rule in self.asked:
            yield from rule.actions.ladder

    @cached_property
    def targets(self) -> frozenset[Target]:
        """Return the kinds of targets that ladders name."""
        return frozenset(step.to for step in self.steps())

    def version_of(self, rule_id: str) -> int | None:
        """Return the version that holds a rule."""
        is_first = any(rule.id == rule_id for rule in self.rules.always_first)
        return self.always_first if is_first else self.own


NONE = InForce()


def _published(rulebook: Any, account: Any) -> "QuerySet[Any, Any]":
    return Rulebook.objects.filter(
        Q(pk=rulebook) | Q(is_always_first=True), account=account, published__isnull=False
    ).values_list("published_id", "is_always_first")


_PUBLISHED = Prepared(_published)


def rules_for(inbox: TeamInbox, *, now: datetime) -> InForce:
    """Return the rules that an inbox follows at `now`: none while custom routing is off."""
    published = dict[bool, int]()
    for version, is_first in _PUBLISHED.all(rulebook=inbox.rulebook_id, account=inbox.account_id):
        published[is_first] = version
    if not published or not feature_is_on(inbox.account_id, Feature.CUSTOM_ROUTING, now=now):
        return NONE
    try:
        return in_force(published.get(True), published.get(False))
    except DocumentError:
        # An operator hears of it; the customer's words reach the whole team.
        logger.exception("rules of inbox %s cannot be read", inbox.pk)
        return NONE


@lru_cache(maxsize=500)
def in_force(always_first: int | None, own: int | None) -> InForce:
    """Return these two versions (by id) as they hold together. They never change: kept for good."""
    first, rules = _rules(always_first), _rules(own)
    together = Rules(
        version=rules.version,
        always_first=(*first.always_first, *first.rules),
        rules=(*rules.always_first, *rules.rules),
    )
    return InForce(together, always_first, own)


@lru_cache(maxsize=500)
def _rules(version: int | None) -> Rules:
    return Rules() if version is None else RulebookVersion.objects.get(pk=version).rules()


def _several(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)
