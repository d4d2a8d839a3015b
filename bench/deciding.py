"""How long does one decision take with 200 rules of ten conditions? CPU time of this thread.

None of the rules matches, so every condition is judged and noted. Textbook: the same conditions in
dictionaries, a lower-cased text and Python's `re` for each of them, and a list of what came out.
Floor F5: as many bare calls that look for a word in the text.
"""

from __future__ import annotations

import gc
import random
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bench.plan import Plan
from bench.report import Cell, Check, Row
from routing.deciding import decide
from routing.documents import read_rulebook
from routing.facts import Customer, Directory, Facts, Person, Text

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
RULES = 200
PERCENTS = {"p50": 0.5, "p99": 0.99}
WORDS = (
    *("hello", "please", "my", "order", "has", "not", "arrived", "where", "is", "it", "thank"),
    *("you", "i", "would", "like", "to", "talk", "about", "the", "bill", "of", "last", "month"),
)
Json = dict[str, Any]


def measure(plan: Plan) -> list[Row]:
    """Measure the rows of this file; nothing but this process takes part."""
    rows = [_row(percent) for percent in PERCENTS]
    documents = [_rule(number) for number in range(RULES)]
    ours, textbook = _ours(documents), _textbook(documents)
    for repeat in range(plan.repeats):
        texts = _texts(plan.seed + repeat, count=plan.requests * 8)
        for judge, name in ((ours, "ours"), (textbook, "textbook"), (_floor, "floor")):
            took = _times(judge, texts)
            for row, share in zip(rows, PERCENTS.values(), strict=True):
                getattr(row, name).add(took[min(int(len(took) * share), len(took) - 1)])
    verdicts = ours(_texts(1, count=1)[0]), textbook(_texts(1, count=1)[0])
    for row in rows:
        row.checks.append(Check("both say the same of every condition", verdicts[0] == verdicts[1]))
    return rows


def _row(percent: str) -> Row:
    return Row(
        f"decide {percent}",
        f"{RULES} rules of ten conditions, none of which matches, {percent}",
        "ms",
        is_more_better=False,
        ours=Cell("ours"),
        floor=Cell("F5: 2,000 bare calls"),
        textbook=Cell("textbook: dictionaries, lower() and re for each condition"),
    )


def _rule(number: int) -> Json:
    tests: list[Json] = [
        {"fact": "text", "test": "contains_any", "value": [f"word{number}", "paid twice"]},
        {"fact": "text", "test": "contains_all", "value": [f"other{number}", "order"]},
        {"fact": "text", "test": "matches", "value": rf"invoice\s*#?{number}\d{{4}}"},
        {"fact": "text", "test": "equals", "value": f"menu {number}"},
        {"fact": "text", "test": "starts_with", "value": [f"#{number}", "!go"]},
        {"fact": "language", "test": "is_any", "value": ["es", "fr"]},
        {"fact": "number", "test": "starts_with", "value": ["+34", f"+4477{number}"]},
        {"fact": "country", "test": "is_any", "value": ["ES", "FR"]},
        {"fact": "tag", "test": "has_any", "value": [f"vip {number}", "gold"]},
        {"fact": "attribute", "name": "city", "test": "equals", "value": f"Town {number}"},
    ]
    return {"id": f"r{number}", "name": f"Rule {number}", "if": {"any": tests}, "then": {}}


def _texts(seed: int, *, count: int) -> list[str]:
    rng = random.Random(seed)
    return [f"{' '.join(rng.choices(WORDS, k=25))} {rng.random()}" for _ in range(count)]


def _times(judge: Callable[[str], object], texts: list[str]) -> list[float]:
    judge(texts[0])  # what is made ready once is ready
    gc.collect()
    took = []
    for text in texts:
        begun = time.thread_time()
        judge(text)
        took.append(1000 * (time.thread_time() - begun))
    return sorted(took)


def _ours(documents: list[Json]) -> Callable[[str], list[bool]]:
    rules = read_rulebook({"rules": documents})
    people = {number: Person(number, f"Person {number}") for number in range(50)}
    directory = Directory(people, 1, {1: tuple(people)})
    maria = Customer(number="+14155550100", country="US", attributes={"city": "Boston"})

    def judge(text: str) -> list[bool]:
        facts = Facts(seed=text, text=Text(text, "en", 0.99), customer=maria)
        plan = decide(facts, rules, directory, now=NOW)
        return [came == 1 for asked in plan.trace for came in asked.seen]

    return judge


def _floor(text: str) -> list[bool]:
    return [_is_in(text, "word") for _ in range(RULES * 10)]


def _is_in(text: str, word: str) -> bool:
    return word in text


def _textbook(documents: list[Json]) -> Callable[[str], list[bool]]:
    maria: Json = {"number": "+14155550100", "country": "US", "language": "en", "tag": []}

    def judge(text: str) -> list[bool]:
        trace = []
        for rule in documents:
            for test in rule["if"]["any"]:
                actual = {**maria, "text": text, "attribute": "Boston"}[test["fact"]]
                holds = _TEXTBOOK[test["test"]](actual, test["value"])
                trace.append({"rule": rule["name"], "actual": actual, "holds": holds})
        return [one["holds"] for one in trace]

    return judge


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word.lower())}\b", text.lower()) is not None


_TEXTBOOK: dict[str, Callable[[Any, Any], bool]] = {
    "contains_any": lambda text, words: any(_has_word(text, word) for word in words),
    "contains_all": lambda text, words: all(_has_word(text, word) for word in words),
    "matches": lambda text, pattern: re.search(pattern, text, re.IGNORECASE) is not None,
    "equals": lambda text, given: text.lower() == given.lower(),
    "starts_with": lambda text, words: text.lower().startswith(tuple(map(str.lower, words))),
    "is_any": lambda one, given: one in given,
    "has_any": lambda some, given: bool(set(some) & set(given)),
}
