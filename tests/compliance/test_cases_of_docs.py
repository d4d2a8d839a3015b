"""Does every test that docs/compliance-cases.md names exist?"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/compliance-cases.md"


def test_every_case_stands_there_and_every_named_test_exists() -> None:
    page = PAGE.read_text(encoding="utf-8")
    numbers = [int(found) for found in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)]
    named = set(re.findall(r"`(test_\w+)`", page))
    files = set(re.findall(r"`(test_\w+\.py)`", page))
    written = "\n".join(one.read_text(encoding="utf-8") for one in ROOT.glob("tests/**/*.py"))

    assert numbers == list(range(1, 41))
    missing = {name for name in named if f"def {name}(" not in written}
    assert not missing
    assert all(any(ROOT.glob(f"tests/**/{name}")) for name in files)


def test_every_row_of_bad_input_is_shown_and_every_test_of_it_is_named() -> None:
    page = PAGE.read_text(encoding="utf-8").partition("## Bad input")[2].partition("## ")[0]
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    named = set(re.findall(r"`(test_\w+)`", page))
    file = (ROOT / "tests/compliance/test_bad_input.py").read_text(encoding="utf-8")
    there = set(re.findall(r"^def (test_\w+)\(", file, re.MULTILINE))

    assert len(rows) == 17
    assert all("`test_" in row for row in rows)
    assert named == there - {"test_what_is_no_number_on_purpose_has_nothing_wrong"}


def test_every_invariant_is_shown() -> None:
    page = PAGE.read_text(encoding="utf-8").partition("## What always holds")[2]
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]

    assert len(rows) == 5
    assert all("`test_" in row for row in rows)
