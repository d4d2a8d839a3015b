"""Does docs/rules.md name every fact, test, target and key, and does its example read?"""

import json
import re
from pathlib import Path

import pytest

from routing.conditions import FACTS
from routing.documents import read_rulebook
from routing.facts import Trigger
from routing.portable import Known, with_ids
from routing.rules import Target

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
NAMED = set(re.findall(r"`([a-z_]+)`", PAGE))
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("fact", FACTS)
def test_every_fact_stands_beside_its_tests(fact: str) -> None:
    [row] = [row for row in ROWS if f"`{fact}`" in row.split("|")[1] and "is left" not in row][:1]
    assert set(FACTS[fact].tests) <= set(re.findall(r"`([a-z_]+)`", row))


def test_every_target_trigger_and_action_is_named() -> None:
    actions = {"to", "tags", "priority", "reply", "bot_name", "note", "notify", "close"}
    actions |= {"snooze_minutes", "escalation", "webhook"}

    assert {one.value for one in Target} | {one.value for one in Trigger} | actions <= NAMED


def test_the_example_reads_in_an_account_with_these_people() -> None:
    [example] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    known = Known({1: "anna@example.com"}, {2: "Sales"})

    document, unknown = with_ids(json.loads(example), known)

    assert unknown == ()
    assert [rule.id for rule in read_rulebook(document).rules] == ["premium", "mark-night"]
