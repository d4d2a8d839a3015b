"""Is a pack let in only if somebody trusted signed it, it is newer, and right in every row?"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from compliance.differing import CellChange, counts_of, differences
from compliance.jurisdictions import PackError, pack_from_table, read_pack, shipped_text
from compliance.signing import (
    KeyFileError,
    SignatureError,
    is_public_key,
    key_as_text,
    key_id,
    new_key,
    public_key_of,
    read_key,
    sign,
    signed_bytes,
    signer_of,
)
from compliance.vetting import VersionError, is_newer, order_of, read_signed, vet

KEY, OTHER = new_key(), new_key()
TRUSTED = [public_key_of(KEY)]
TODAY, IN_FORCE = date(2027, 1, 20), "2026-11-23"
Spoil = Callable[[dict[str, Any]], object]


def pack(version: str = "2027-01-15", **cells: str) -> dict[str, Any]:
    """Return a pack like the one shipped, of another version; `cells` change its first row."""
    document = json.loads(shipped_text())
    document["version"] = version
    document["rows"][0].update(cells)
    return document


def as_file(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def judged(content: bytes) -> tuple[str, ...]:
    return vet(content, keys=TRUSTED, in_force=IN_FORCE, today=TODAY).problems


def test_a_pack_that_is_signed_newer_and_right_is_let_in() -> None:
    found = vet(as_file(sign(pack(), KEY)), keys=TRUSTED, in_force=IN_FORCE, today=TODAY)

    assert found.problems == ()
    assert found.pack is not None
    assert (found.version, found.signer) == ("2027-01-15", key_id(TRUSTED[0]))
    assert found.pack == read_pack(pack())


def cut(document: dict[str, Any]) -> None:
    document["signature"]["ed25519"] = document["signature"]["ed25519"][:40]


def change(document: dict[str, Any]) -> None:
    document["rows"][0]["promo_window"] = "any"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda d: d.pop("signature"), "not signed"),
        (lambda d: d.update(signature="yes"), "not signed"),
        (lambda d: d.update(signature={}), "not trusted"),
        (lambda d: d.update(sign(d, OTHER)), "not trusted"),
        (lambda d: d["signature"].update(key=key_id(public_key_of(OTHER))), "not trusted"),
        (lambda d: d["signature"].update(ed25519=7), "does not fit"),
        (lambda d: d["signature"].update(ed25519="…"), "does not fit"),
        (cut, "does not fit"),
        (change, "does not fit"),
        (lambda d: d.update(version="2027-01-16"), "does not fit"),
        (lambda d: d["rows"].pop(3), "does not fit"),
        (lambda d: d["rows"].reverse(), "does not fit"),
        (lambda d: d.update(note="x"), "does not fit"),
    ],
)
def test_a_pack_that_is_not_signed_as_it_is_stays_out(spoil: Spoil, words: str) -> None:
    """Section 14: unsigned."""
    document = sign(pack(), KEY)
    spoil(document)

    assert words in judged(as_file(document))[0]


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("2026-11-22", "older than 2026-11-23"),
        ("2020-01-01.9", "older than 2026-11-23"),
        ("2026-11-23", "is in force, with other rules"),
        ("2027-01-22", "lies in the future"),
        ("2099-01-01", "lies in the future"),
        ("2027-02-30", "is no day like"),
        ("latest", "is no day like"),
        ("2027-01-15.0", "is no day like"),
        ("２０２７-01-15", "is no day like"),
        ("", "is no day like"),
    ],
)
def test_a_pack_that_is_not_newer_stays_out(version: str, words: str) -> None:
    """Section 14: older."""
    assert words in " ".join(judged(as_file(sign(pack(version), KEY))))


@pytest.mark.parametrize("version", ["2026-11-23.2", "2026-11-24", "2027-01-21", "2027-01-20.17"])
def test_a_version_is_newer_by_its_day_and_then_by_its_number(version: str) -> None:
    assert judged(as_file(sign(pack(version), KEY))) == ()


def test_versions_have_an_order() -> None:
    versions = ["2027-01-15.10", "2026-12-31", "2027-01-15", "2027-01-15.2"]

    assert sorted(versions, key=order_of) == [
        "2026-12-31",
        "2027-01-15",
        "2027-01-15.2",
        "2027-01-15.10",
    ]
    assert not is_newer("2027-01-15", "2027-01-15")
    with pytest.raises(VersionError):
        order_of("1")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"promo_window": "mon-sun=20:00-08:00"}, "ends before it starts"),
        ({"promo_consent": "a nod"}, "no kind of consent"),
        ({"status": "certain"}, "it is one of sourced"),
        ({"last_reviewed": "2027-03-01"}, "last_reviewed lies in the future"),
        ({"last_reviewed": "soon"}, "no date"),
        ({"most_a_day": "0"}, "most_a_day: “0” is no number"),
        ({"most_a_day": "many"}, "most_a_day: “many” is no number"),
        ({"notes": "x" * 5_000}, "more than 4000 characters in notes"),
    ],
)
def test_a_pack_that_fails_its_schema_stays_out(cells: dict[str, str], words: str) -> None:
    """Section 14: failing its schema."""
    [problem] = judged(as_file(sign(pack(**cells), KEY)))

    assert "Row" in problem
    assert words in problem


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"[]", "no pack"),
        (b"null", "no pack"),
        (b'{"format": 1}', "not signed"),
        (b'{"format": 1, "rows": {}, "rows": []}', "stands twice"),
        (b'{"format": NaN}', "number"),
        (b'{"version": "\\ud800"}', "half a character"),
        (b"[" * 100_000, "cannot be read"),
        (b'{"format": ' + b"9" * 10_000 + b"}", "cannot be read"),
        (b" " * (4 * 1024 * 1024 + 1), "larger than 4 MB"),
        (as_file({"format": 1, "version": "2027-01-15", "rows": "many"}), "no list"),
        (as_file({"format": 1, "version": 7, "rows": []}), "no day"),
        (as_file({"format": 1, "version": "2027-01-15", "rows": [{}] * 2_001}), "2001 rows"),
    ],
)
def test_what_is_no_pack_at_all_stays_out_in_words(content: bytes, words: str) -> None:
    assert words in " ".join(judged(content))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_is_given_is_judged_and_never_an_error(content: bytes) -> None:
    assert judged(content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["format", "version", "rows", "signature"]), json_values, max_size=4
    )
)
def test_whatever_json_is_given_is_judged_and_never_an_error(document: dict[str, Any]) -> None:
    assert judged(as_file(document))
    assert judged(as_file(sign(document, KEY)))


def test_every_problem_is_told_at_once() -> None:
    document = pack("2026-01-01", promo_window="never", status="certain")

    assert len(judged(as_file(document))) == 4


def test_without_a_trusted_key_nothing_is_let_in() -> None:
    content = as_file(sign(pack(), KEY))
    for keys in ([], ["abc"], [""], ["not base64 …"]):
        found = vet(content, keys=keys, in_force=IN_FORCE, today=TODAY)
        assert found.problems == ("No key is trusted: name one in JURISDICTION_PACK_KEYS.",)


def test_one_of_several_keys_is_enough() -> None:
    keys = ["broken", public_key_of(OTHER), *TRUSTED]

    assert signer_of(sign(pack(), KEY), keys) == key_id(TRUSTED[0])
    assert signer_of(sign(pack(), OTHER), keys) == key_id(keys[1])


def test_how_a_file_is_laid_out_does_not_matter_to_its_signature() -> None:
    signed = sign(pack(), KEY)
    other = json.dumps(dict(reversed(signed.items())), indent=4, ensure_ascii=True)

    assert judged(b"\xef\xbb\xbf" + other.encode()) == ()
    assert read_signed(other, TRUSTED) == read_pack(pack())
    with pytest.raises(PackError, match="not trusted"):
        read_signed(other, [public_key_of(OTHER)])


def test_a_signature_under_something_else_is_none_under_a_pack() -> None:
    document = pack()
    bare = signed_bytes(document).partition(b"\n")[2]
    value = base64.b64encode(KEY.sign(bare)).decode()
    document["signature"] = {"key": key_id(TRUSTED[0]), "ed25519": value}

    with pytest.raises(SignatureError):
        signer_of(document, TRUSTED)


def test_a_key_lies_in_a_file_and_comes_back() -> None:
    assert public_key_of(read_key(key_as_text(KEY))) == TRUSTED[0]
    assert is_public_key(TRUSTED[0])
    for text in ("", "no key", "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"):
        with pytest.raises(KeyFileError):
            read_key(text)


# --- The commands --------------------------------------------------------------------------------


def test_a_key_is_made_and_a_pack_signed_by_command(tmp_path: Path, capsys: Any) -> None:
    key, file = tmp_path / "key.pem", tmp_path / "pack.json"
    file.write_bytes(as_file(pack()))

    call_command("sign_jurisdiction_pack", new_key=key)
    name, _, public = capsys.readouterr().out.strip().partition("=")
    call_command("sign_jurisdiction_pack", file, key=key)
    signed = capsys.readouterr().out

    assert name == "JURISDICTION_PACK_KEYS"
    assert key.stat().st_mode & 0o777 == 0o600
    assert vet(signed.encode(), keys=[public], in_force=IN_FORCE, today=TODAY).problems == ()
    # Never over a key that is there.
    with pytest.raises(CommandError, match="cannot be kept"):
        call_command("sign_jurisdiction_pack", new_key=key)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (as_file(pack("1")), "is no day like"),
        (as_file(pack(promo_window="never")), "Row 1"),
        (b"{", "cannot be read"),
        (b"\xff", "cannot be read"),
    ],
)
def test_what_could_not_be_installed_is_not_signed(
    tmp_path: Path, content: bytes, words: str
) -> None:
    key, file = tmp_path / "key.pem", tmp_path / "pack.json"
    key.write_text(key_as_text(KEY))
    file.write_bytes(content)

    with pytest.raises(CommandError, match=words):
        call_command("sign_jurisdiction_pack", file, key=key)


def test_the_signing_command_says_what_it_needs(tmp_path: Path) -> None:
    file, key = tmp_path / "pack.json", tmp_path / "key.pem"
    file.write_bytes(as_file(pack()))
    key.write_text("no key")

    for asked in ({}, {"key": key}, {"pack": file}, {"pack": file, "new_key": key}):
        with pytest.raises(CommandError, match="--new-key KEY.pem"):
            call_command("sign_jurisdiction_pack", **asked)
    with pytest.raises(CommandError, match="no private key"):
        call_command("sign_jurisdiction_pack", file, key=key)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("sign_jurisdiction_pack", file, key=tmp_path / "none.pem")


def test_the_way_from_a_table_to_a_signed_pack_is_whole() -> None:
    rows = read_pack(json.loads(shipped_text())).rows
    columns = list(next(iter(rows.values())).cells)
    quoted = [",".join(f'"{row.cells[name]}"' for name in columns) for row in rows.values()]
    table = "\n".join([",".join(columns), *quoted])

    document = pack_from_table(table, version="2027-01-15")

    assert judged(as_file(sign(document, KEY))) == ()


# --- Differences ---------------------------------------------------------------------------------


def test_differences_are_told_row_by_row_and_column_by_column() -> None:
    document = copy.deepcopy(pack())
    rows = {row["code"]: row for row in document["rows"]}
    rows["US"].update(promo_window="mon-sun=09:00-20:00", notes="Looked at again.")
    rows["FR"].update(promo_window="mon-sat=07:00-20:00;sun=none;hol=none")
    rows["IT"].update(promo_window="mon-sat=07:00-20:00;sun=none")
    rows["GB"].update(promo_consent="express")
    document["rows"] = [row for row in document["rows"] if row["code"] != "US-TX"]
    document["rows"].append({**rows["US-FL"], "code": "US-GA", "name": "Georgia"})

    found = differences(read_pack(json.loads(shipped_text())), read_pack(document))

    told = {change.code: change for change in found}
    assert list(told) == ["FR", "GB", "IT", "US", "US-GA", "US-TX"]
    assert counts_of(found) == {"added": 1, "changed": 4, "removed": 1}
    assert told["US"].cells[0] == CellChange(
        "promo_window", "mon-sun=08:00-21:00", "mon-sun=09:00-20:00", "stricter"
    )
    assert told["US"].cells[1].column == "notes"
    assert told["US"].cells[1].tone == ""
    assert told["FR"].cells[0].tone == "looser"
    assert told["IT"].cells[0].tone == "other"
    # Said in other words: the gate asks for the same.
    assert [(cell.column, cell.tone) for cell in told["GB"].cells] == [("promo_consent", "")]
    assert {cell.before for cell in told["US-GA"].cells} == {""}
    assert {cell.after for cell in told["US-TX"].cells} == {""}


def test_two_packs_that_say_the_same_do_not_differ() -> None:
    assert differences(read_pack(pack()), read_pack(json.loads(shipped_text()))) == []
