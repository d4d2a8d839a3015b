"""Is every row of a file read as it is written, and what is not clear named with its line?"""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.consent_files import (
    ConsentFileError,
    Mapped,
    Read,
    guess_columns,
    read_rows,
    read_sheet,
)

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
A = "+14155550101"


def read(text: str, **more: Any) -> Read:
    sheet = read_sheet(text.encode())
    columns = guess_columns(sheet.header)
    given: dict[str, Any] = {"columns": columns, **more}
    if "action" not in columns:
        given.setdefault("action", "opt_out")
    return read_rows(sheet, Mapped(**given), now=NOW)


@pytest.mark.parametrize(
    ("cells", "field", "reason"),
    [
        ("+12,opt_out,,", "address", "This is not a phone number."),
        (",opt_out,,", "address", "There is no phone number."),
        ("4155550101,opt_out,,", "address", "with its country code"),
        ("+9991234567890,opt_out,,", "address", "is not a phone number."),
        ("=1+1,opt_out,,", "address", "begins like a formula"),
        ("@SUM(A1),opt_out,,", "address", "begins like a formula"),
        ("+A1+cmd,opt_out,,", "address", "begins like a formula"),
        (f"{A},=opt_out,,", "action", "begins like a formula"),
        (f"{A},maybe,,", "action", "neither opt_out nor opt_in"),
        (f"{A},,,", "action", "is empty"),
        (f"{A},opt_out,2026-01-01T10:00:00,", "occurred_at", "has no time zone"),
        (f"{A},opt_out,2026-01-01,", "occurred_at", "has no time zone"),
        (f"{A},opt_out,01/02/2026,", "occurred_at", "no moment like"),
        (f"{A},opt_out,2026-11-27T00:00:00Z,", "occurred_at", "lies in the future"),
        (f"{A},opt_out,1999-12-31T23:59:59Z,", "occurred_at", "before the year 2000"),
        (f"{A},opt_out,0001-01-01T00:00:00+23:59,", "occurred_at", "The date lies"),
        (f"{A},opt_out,,fax", "channel", "none of sms, whatsapp and both"),
        (f"{A},opt_in,,both", "channel", "for one channel"),
        (f"{A},opt_out,,,more", "", "more cells than there are columns"),
        (f"{A},{'x' * 1001},,", "action", "more than 1000 characters"),
    ],
)
def test_a_row_that_is_not_clear_is_named(cells: str, field: str, reason: str) -> None:
    found = read(f"phone,action,date,channel\n{A},opt_out,,\n{cells}\n+14155550199,stop,,\n")

    assert [row.line for row in found.outs] == [2, 4]
    (problem,) = found.problems
    assert (problem.line, problem.field) == (3, field)
    assert reason in problem.reason
    assert A[2:] not in problem.reason + problem.cell


@pytest.mark.parametrize(
    ("cell", "country", "channel", "keys"),
    [
        (A, "", "sms", [f"sms:{A}"]),
        ("+1 (415) 555-0101", "", "sms", [f"sms:{A}"]),
        ("0014155550101", "", "sms", [f"sms:{A}"]),
        ("(415) 555-0101", "US", "sms", [f"sms:{A}"]),
        ("07700 900123", "GB", "sms", ["sms:+447700900123"]),
        (f"whatsapp:{A}", "", "sms", [f"whatsapp:{A}"]),
        (f"rcs:{A}", "", "whatsapp", [f"sms:{A}"]),
        ("US.13491234", "", "sms", ["whatsapp:US.13491234"]),
        (A, "", "both", [f"sms:{A}", f"whatsapp:{A}"]),
        ("\u200e+1\u00a0415\u2011555 0101", "US", "sms", [f"sms:{A}"]),
        ("+５５ 11 8765-4321", "", "sms", ["sms:+5511987654321"]),
    ],
)
def test_an_address_is_read_however_it_is_written(
    cell: str, country: str, channel: str, keys: list[str]
) -> None:
    found = read(f"phone\n{cell}\n", country=country, channel=channel)

    assert [row.address.consent_key for row in found.outs] == keys


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_line_ends_and_a_byte_order_mark_do_not_matter(
    mark: str, delimiter: str, end: str
) -> None:
    lines = [["phone", "action"], [A, "opt_out"], [], ["+14155550102", "opt_in"]]
    text = mark + end.join(delimiter.join(line) for line in lines)

    found = read(text)

    assert ([row.line for row in found.outs], [row.line for row in found.ins]) == ([2], [4])


def test_a_row_that_says_what_another_said_is_counted_and_not_read_again() -> None:
    found = read(f"phone,date\n{A},\n+1 415 555 0101,\n{A},2026-01-01T00:00Z\n")

    assert found.repeated == ((3, 2),)
    assert [row.line for row in found.outs] == [2, 4]


def test_a_row_begins_on_its_line_whatever_stands_in_the_cells() -> None:
    found = read(f'phone,note\n{A},"two\nlines"\n+12,x\n')

    assert found.problems[0].line == 4
    assert found.outs[0].note == "two\nlines"


@pytest.mark.parametrize(
    ("mapped", "field"),
    [
        (Mapped({}, action="opt_out"), "address"),
        (Mapped({"address": "there is none"}, action="opt_out"), "address"),
        (Mapped({"address": "phone"}), "action"),
        (Mapped({"address": "phone", "action": "phone"}), "columns"),
        (Mapped({"address": "phone", "what": "phone"}), "columns"),
        (Mapped({"address": "phone"}, action="perhaps"), "action"),
        (Mapped({"address": "phone"}, action="opt_out", channel="fax"), "channel"),
        (Mapped({"address": "phone"}, action="opt_out", country="XX"), "country"),
    ],
)
def test_how_a_file_is_read_must_be_said_wholly(mapped: Mapped, field: str) -> None:
    sheet = read_sheet(f"phone\n{A}\n".encode())

    with pytest.raises(ConsentFileError) as refused:
        read_rows(sheet, mapped, now=NOW)

    assert refused.value.field == field


@given(st.binary(max_size=300))
def test_no_bytes_are_an_exception(content: bytes) -> None:
    for prefix in (b"", b"phone,action,date\n"):
        try:
            sheet = read_sheet(prefix + content)
            columns = guess_columns(sheet.header)
            mapped = Mapped(columns, action="" if "action" in columns else "opt_out")
            read_rows(sheet, mapped, now=NOW)
        except ConsentFileError:
            continue


@given(st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=5), min_size=1, max_size=8))
def test_every_row_is_read_or_named(rows: list[list[str]]) -> None:
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    text = "phone,action,date,wording,note\n" + "\n".join(lines)
    try:
        found = read_rows(
            sheet := read_sheet(text.encode("utf-8", "ignore")),
            Mapped(guess_columns(sheet.header)),
            now=NOW,
        )
    except ConsentFileError:
        return

    named = {p.line for p in found.problems} | {line for line, _ in found.repeated}
    assert {row.line for row in found.entries} | named == {line for line, _ in sheet.rows}
