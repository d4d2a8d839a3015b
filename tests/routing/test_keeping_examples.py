"""Are examples kept once under a name, in bounded number, and does everybody learn who did it?"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import AuditEntry
from routing.examples import Expected
from routing.keeping_examples import (
    MOST_EXAMPLES,
    ExampleError,
    delete_example,
    expect_anew,
    keep_example,
)
from routing.models import Rulebook, RuleExample
from routing.rulebooks import make_rulebook
from routing.trying import Typed, TypedError
from tests.conftest import House
from tests.factories import make_account, make_inbox

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
REFUND = Typed(NOW, "I want a refund", number="+14155550123")


@pytest.fixture
def rulebook(house: House) -> Rulebook:
    return make_rulebook(account=house.account, name="Support", by=house.sue, now=NOW)


def keep(house: House, rulebook: Rulebook, name: str = "A refund", **fields: Any) -> RuleExample:
    asked: dict[str, Any] = {
        "team": house.inbox.team,
        "typed": REFUND,
        "expected": Expected(rule="default"),
        "by": house.sue,
        "now": NOW,
    }
    return keep_example(rulebook=rulebook, name=name, **{**asked, **fields})


def test_what_is_kept_reads_the_same(house: House, rulebook: Rulebook) -> None:
    kept = keep(house, rulebook, "  A   refund ")

    value = RuleExample.objects.get(pk=kept.pk).value()

    assert (value.name, value.team) == ("A refund", house.inbox.pk)
    assert (value.typed, value.expected) == (REFUND, Expected(rule="default"))


def test_the_log_says_who_kept_it_and_not_what_it_says(house: House, rulebook: Rulebook) -> None:
    keep(house, rulebook)

    entry = AuditEntry.objects.get(action="rule_example_kept")

    assert (entry.actor, entry.subject) == (house.sue, "A refund")
    assert "4155550123" not in str(entry.data)
    assert "refund" not in str(entry.data)


def test_a_name_stands_once(house: House, rulebook: Rulebook) -> None:
    keep(house, rulebook)

    with pytest.raises(ExampleError, match="of this name already"):
        keep(house, rulebook, "a REFUND")


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\0b"])
def test_a_name_is_asked_for(house: House, rulebook: Rulebook, name: str) -> None:
    with pytest.raises(ExampleError, match="name of up to 80"):
        keep(house, rulebook, name)


def test_there_are_only_so_many(house: House, rulebook: Rulebook) -> None:
    first = keep(house, rulebook)
    RuleExample.objects.bulk_create(
        RuleExample(
            account=house.account,
            rulebook=rulebook,
            team=house.inbox.team,
            name=f"Example {n}",
            facts=first.facts,
            expected=first.expected,
            changed_by=house.sue,
            created_at=NOW,
            changed_at=NOW,
        )
        for n in range(MOST_EXAMPLES - 1)
    )

    with pytest.raises(ExampleError, match="There are 100 examples"):
        keep(house, rulebook, "One more")


def test_what_cannot_be_read_again_is_not_kept(house: House, rulebook: Rulebook) -> None:
    with pytest.raises(TypedError):
        keep(house, rulebook, typed=replace(REFUND, text="x" * 1601))
    with pytest.raises(TypedError):
        keep(house, rulebook, expected=Expected())

    assert not RuleExample.objects.exists()


def test_an_inbox_of_another_account_is_nobodys_example(house: House, rulebook: Rulebook) -> None:
    theirs = make_inbox(make_account("Umbrella"), "Support")

    with pytest.raises(ValueError, match="own account"):
        keep(house, rulebook, team=theirs.team)


def test_of_two_who_change_it_the_second_is_told(house: House, rulebook: Rulebook) -> None:
    kept = keep(house, rulebook)
    anew: dict[str, Any] = {"example": kept, "version": kept.version, "by": house.sue, "now": NOW}

    changed = expect_anew(expected=Expected(reply=""), **anew)

    assert changed.value().expected == Expected(reply="")
    with pytest.raises(ExampleError, match="changed this example meanwhile"):
        expect_anew(expected=Expected(rule="a"), **anew)


def test_it_is_deleted_once(house: House, rulebook: Rulebook) -> None:
    kept = keep(house, rulebook)

    delete_example(example=kept, by=house.sue, now=NOW)

    assert not RuleExample.objects.exists()
    with pytest.raises(ExampleError, match="deleted this example"):
        delete_example(example=kept, by=house.sue, now=NOW)
