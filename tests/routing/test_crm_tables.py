"""What does a table of customers say? Whole, broken and hostile files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.crm_tables import (
    LARGEST_FILE,
    MOST_ERRORS,
    MOST_ROWS,
    RowError,
    Sheet,
    TableFileError,
    read_table,
)


@pytest.mark.parametrize(
    "content",
    [
        "Number,Tier,Seats\n+49 176 12345678,gold,7\n(0049) 30-1234567,,\n",
        "number;tier;seats\r\n+4917612345678;gold;7\r\n+49301234567;;\r\n",
        "﻿x\tTier\tSeats\n+4917612345678\t gold \t7\n\n+49301234567\n",
        '"Number","Tier","Seats"\n"+4917612345678","gold","7"\n"030 1234567"\n',
    ],
)
def test_a_table_is_read_however_it_was_exported(content: str) -> None:
    sheet = read_table(content.encode(), country="DE")

    assert [name.title() for name in sheet.columns] == ["Tier", "Seats"]
    assert {key: tuple(row.values()) for key, row in sheet.rows.items()} == {
        "+4917612345678": ("gold", "7"),
        "+49301234567": (),
    }
    assert sheet.errors == ()


def test_rows_that_cannot_be_used_are_named_with_their_line() -> None:
    content = (
        "number,note\n"
        "030 1234567,no country\n"
        '+4917612345678,"two\nlines"\n'
        "+49 176 12345678,again\n"
        "Zoë,x\n"
        "+4917612345679,a,b\n"
        f"+4917612345670,{'x' * 1001}\n"
    )

    sheet = read_table(content.encode())

    assert sheet == Sheet(
        ("note",),
        {"+4917612345678": {"note": "two\nlines"}},
        (
            RowError(2, "The first cell is no phone number."),
            RowError(5, "This number is in the file twice; the first row holds."),
            RowError(6, "The first cell is no phone number."),
            RowError(7, "This row has more cells than there are columns."),
            RowError(8, "A cell has more than 1000 characters."),
        ),
    )


def test_of_many_errors_the_first_are_listed_and_the_rest_counted() -> None:
    sheet = read_table(b"number,x\n" + b"?,1\n" * (MOST_ERRORS + 7))

    assert (len(sheet.errors), sheet.more_errors) == (MOST_ERRORS, 7)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"\xff\xfe1\x00", "not text in UTF-8"),
        (b"PK\x03\x04\x00\x00", "not a table in text form"),
        (b"x" * (LARGEST_FILE + 1), "larger than 5 MB"),
        (b"number\n+4917612345678\n", "must name the columns"),
        (b"number,tier,Tier\n", "a name of its own"),
        (b"number,,tier\n", "a name of its own"),
        (b"number," + b"x" * 41, "may have 40 characters"),
        (b"number" + b",x" * 31, "more than 30 columns"),
        (b'number,tier\n+49,"a" b\n', "Line 2 is not written as a table"),
        (b'number,tier\n+49,"a\n', "is not written as a table"),
        (b"number,tier\n+49," + b"x" * 200_000, "Line 2 is not written as a table"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_says_why(content: bytes, words: str) -> None:
    with pytest.raises(TableFileError) as caught:
        read_table(content)

    assert words in caught.value.reason


def test_there_is_an_end_to_rows() -> None:
    rows = b"".join(b"+4917%08d,x\n" % n for n in range(MOST_ROWS + 1))

    with pytest.raises(TableFileError, match="more than 50000 rows"):
        read_table(b"number,x\n" + rows)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_none(content: bytes) -> None:
    try:
        sheet = read_table(b"number,x\n" + content)
    except TableFileError:
        return
    assert all(key.startswith("+") for key in sheet.rows)
