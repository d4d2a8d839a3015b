"""Does a spreadsheet run what a customer typed? No cell of ours is a formula."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.exports import csv_lines, csv_response, defused

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
TROUBLE = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@pytest.mark.parametrize("first", [*TROUBLE, " =", "\u00a0="])
def test_a_cell_that_begins_like_a_formula_is_text(first: str) -> None:
    assert defused(f"{first}cmd|' /C calc'!A0") == f"'{first}cmd|' /C calc'!A0"


def test_what_is_no_formula_stays_as_it_is() -> None:
    moment = datetime(2026, 11, 26, 9, 5, 1, tzinfo=UTC)
    cells = ["Acme", "a=b", "", None, 3, -3, 2.5, True, moment, "1\0"]

    assert [defused(cell) for cell in cells] == [
        "Acme", "a=b", "", "", "3", "-3", "2.5", "True", "2026-11-26 09:05:01Z", "1",
    ]  # fmt: skip


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), min_size=1, max_size=5))
def test_no_cell_of_a_file_begins_like_a_formula(rows: list[list[str]]) -> None:
    text = "".join(csv_lines(rows[0], rows[1:])).removeprefix("\ufeff")

    for row in csv.reader(io.StringIO(text, newline="")):
        assert not any(cell.startswith(TROUBLE) for cell in row)
        assert len(row) == 2


def test_a_file_is_sent_line_by_line_and_kept_by_nobody() -> None:
    sent: list[int] = []

    def rows():
        for n in range(3):
            sent.append(n)
            yield [n, "=1+1"]

    answer = csv_response('Ümläut "of; Acme', ["=id", "text"], rows())
    parts: Any = iter(answer)

    assert sent == []
    assert next(parts) == "\ufeff'=id,text\r\n".encode()
    assert next(parts) == b"0,'=1+1\r\n"
    assert sent == [0]
    assert answer["Content-Disposition"] == 'attachment; filename="ml-ut-of-Acme.csv"'
    assert answer["Cache-Control"] == "no-store"
