"""Is a pack of rules read whole, or refused with every problem that it has?"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from compliance.jurisdictions import FORMAT, PARENTS, PackError, read_pack, shipped_pack

COLUMNS = {
    "name": "Somewhere",
    "promo_window": "mon-sun=08:00-20:00",
    "notification_window": "any",
    "auto_reply_window": "any",
    "conversational_reply_window": "any",
    "promo_window_status": "product",
    "holiday_calendar": "",
    "status": "product",
    "last_reviewed": "2026-11-23",
    "promo_consent": "express",
}


def document(*codes: str) -> dict[str, Any]:
    rows = [{"code": code, **COLUMNS} for code in (*codes, "ZZ")]
    return {"format": FORMAT, "version": "1", "rows": rows}


def test_the_shipped_pack_knows_its_countries() -> None:
    pack = shipped_pack()

    assert len(pack.rows) == 43
    assert {"US", "US-*", "GB", "FR", "ZZ"} <= set(pack.rows)
    assert pack.rows["FR"].status == "sourced"
    assert pack.rows["FR"].facts["opt_out_keywords"].startswith("fr=")
    assert set(PARENTS.values()) <= set(pack.rows)


@pytest.mark.parametrize(
    ("codes", "rows"),
    [
        (["US", "US-FL"], ["US", "US-FL"]),
        (["US-FL"], ["US", "US-FL"]),
        (["US-*"], ["US", "US-*"]),
        (["US-NY"], ["US"]),
        (["PR"], ["US"]),
        (["RE", "FR"], ["FR"]),
        (["XX"], ["ZZ"]),
        (["GB", "XX"], ["GB", "ZZ"]),
        ([], ["ZZ"]),
    ],
)
def test_which_rows_count(codes: list[str], rows: list[str]) -> None:
    assert [row.code for row in shipped_pack().rules_for(codes)] == rows


def test_a_holiday_of_any_state_counts_where_the_row_says_so() -> None:
    germany = shipped_pack().rows["DE"].hours("promotional")
    france = shipped_pack().rows["FR"].hours("promotional")

    assert germany.is_holiday(date(2026, 8, 15))  # in Bavaria and the Saarland
    assert france.is_holiday(date(2026, 8, 15))
    assert not germany.is_holiday(date(2026, 7, 14))
    assert france.is_holiday(date(2026, 7, 14))


def cut(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda whole: whole["rows"][0].pop(name)


def put(name: str, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda whole: whole["rows"][0].update({name: value})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda whole: whole.update(format=2), "no pack of jurisdictions"),
        (lambda whole: whole.update(version=""), "no version"),
        (lambda whole: whole["rows"].pop(), "no row ZZ"),
        (lambda whole: whole.update(rows=None), "no row ZZ"),
        (lambda whole: whole["rows"].append(whole["rows"][0]), "is there twice"),
        (lambda whole: whole["rows"].append(7), "is not a row of texts"),
        (put("code", "usa"), "has a code that is neither"),
        (put("code", "FR-X"), "its country FR has no row"),
        (put("promo_window", "mon-fri=08:00-20:00"), "promo_window: Nothing is said of sat, sun"),
        (put("notification_window", "always"), "notification_window:"),
        (put("holiday_calendar", "QQ"), "the holidays of QQ are not known"),
        (put("last_reviewed", "yesterday"), "no date"),
        (put("status", 3), "is not a row of texts"),
        (cut("promo_window"), "lacks promo_window"),
        (cut("status"), "lacks status"),
        (cut("promo_consent"), "promo_consent: “” is no kind of consent"),
        (put("promo_consent", "a nod"), "promo_consent: “a nod” is no kind of consent"),
    ],
)
def test_a_pack_that_is_wrong_is_refused_in_words(
    spoil: Callable[[dict[str, Any]], object], words: str
) -> None:
    whole = copy.deepcopy(document("US"))
    spoil(whole)

    with pytest.raises(PackError) as refused:
        read_pack(whole)
    assert words in " ".join(refused.value.problems)


@pytest.mark.parametrize("whole", [None, [], "pack", {}, {"format": 1, "rows": {}}])
def test_what_is_no_pack_at_all_is_refused(whole: Any) -> None:
    with pytest.raises(PackError):
        read_pack(whole)


def test_every_problem_is_told_at_once() -> None:
    whole = document("US", "GB")
    for row in whole["rows"]:
        row["promo_window"] = "never"

    with pytest.raises(PackError) as refused:
        read_pack(whole)
    assert [words.split(":")[0] for words in refused.value.problems[:3]] == [
        "Row 1 (US)",
        "Row 2 (GB)",
        "Row 3 (ZZ)",
    ]


def test_a_table_becomes_a_pack(tmp_path: Path, capsys: Any) -> None:
    table = tmp_path / "rules.csv"
    rows = [",".join(["code", *COLUMNS]), ",".join(["ZZ", *COLUMNS.values()])]
    table.write_text("\ufeff" + "\n".join(rows))

    call_command("make_jurisdiction_pack", table, pack_version="2027-01-01")

    pack = read_pack(json.loads(capsys.readouterr().out))
    assert (pack.version, list(pack.rows)) == ("2027-01-01", ["ZZ"])


@pytest.mark.parametrize(
    ("text", "words"),
    [("code,name\nUS,x\n", "lacks"), ("code,name\nUS,x,y\n", "more or fewer cells")],
)
def test_a_table_that_is_wrong_makes_none(tmp_path: Path, text: str, words: str) -> None:
    table = tmp_path / "rules.csv"
    table.write_text(text)

    with pytest.raises(CommandError, match=words):
        call_command("make_jurisdiction_pack", table, pack_version="1")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("make_jurisdiction_pack", tmp_path / "none.csv", pack_version="1")
