"""Does a proof pack prove what it holds, to somebody who has nothing of ours?"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Account, AuditEntry
from compliance.addresses import Address
from compliance.erasure import erase_person
from compliance.evidence import EventKind, Wording
from compliance.ledger import handle_of
from compliance.models import ConsentChain, ConsentEvent
from compliance.proof.about import About, Verified
from compliance.proof.pack import COLUMNS, proof_pack
from compliance.proof.sources import Asked, numbers_between, pack_of_period, pack_of_person
from compliance.verifying import verify_next
from tests.architecture.source import ROOT
from tests.compliance.ledgers import MARIA, WEI, by_hand, proof, tell
from tests.conftest import NOW
from tests.factories import make_account

K = EventKind
SCRIPT = ROOT / "docs" / "verify_proof.py"
Files = dict[str, bytes]
HOUR = timedelta(hours=1)
ARABIC = Wording("web-ar", "2", "ar", "أوافق على تلقي الرسائل \N{RIGHT-TO-LEFT OVERRIDE}STOP")


@pytest.fixture
def account(db: None) -> Account:
    """Maria has events 1, 3, 4 and 6; Wei 2 and 5, the second of which erased him."""
    account = make_account("Ampel & Söhne <b>")
    tell(account, proof(), at=NOW)
    tell(account, proof(wording=ARABIC), WEI, at=NOW + HOUR)
    tell(account, K.OPT_OUT, words="=BASTA()", at=NOW + 2 * HOUR)
    tell(account, K.OPT_IN, at=NOW + 3 * HOUR)
    erase_person(account_id=account.pk, addresses=[WEI], now=NOW + 4 * HOUR)
    tell(account, proof(programme="offers", note="<script>alert(1)</script>"), at=NOW + 5 * HOUR)
    return account


def asked(account: Account, **more: Any) -> Asked:
    given = {"by": "Audrey", "reason": "A complaint", "now": NOW + timedelta(days=1)}
    return Asked(account, **{**given, **more})


def handles(account: Account, *addresses: Address) -> list[str]:
    return [handle_of(account.pk, one) or "" for one in addresses]


def of_person(account: Account, *addresses: Address, **more: Any) -> Files:
    found = handles(account, *(addresses or (MARIA,)))
    return unpacked(pack_of_person(asked(account), found, **more))


def of_period(account: Account, since: datetime, until: datetime) -> Files:
    return unpacked(pack_of_period(asked(account), since, until))


def unpacked(pieces: Iterable[bytes]) -> Files:
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as pack:
        assert pack.testzip() is None
        return {name: pack.read(name) for name in pack.namelist()}


def packed(files: Files, *, with_new_sums: bool = True) -> bytes:
    """Make a zip of files, as somebody would who knows how the manifest is made."""
    if with_new_sums:
        rest = {name: data for name, data in files.items() if name != "manifest.json"}
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in rest.items()}
        files = {**rest, "manifest.json": json.dumps({"format": 1, "files": sums}).encode()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        for name, data in files.items():
            pack.writestr(name, data)
    return out.getvalue()


def verify(tmp_path: Path, pack: bytes, *options: str) -> tuple[int, str]:
    """Run the script of the docs on its own, without anything of ours to import."""
    path = tmp_path / "pack.zip"
    path.write_bytes(pack)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(path), *options],
        capture_output=True,
        check=False,
        text=True,
        cwd=tmp_path,
    )
    return done.returncode, done.stdout + done.stderr


def events(files: Files) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files["events.jsonl"].splitlines()]


def with_events(files: Files, lines: list[dict[str, Any]]) -> Files:
    text = "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)
    return {**files, "events.jsonl": text.encode()}


def chain(files: Files) -> dict[str, Any]:
    return json.loads(files["chain.json"])


def whole_ledger(account: Account, tmp_path: Path) -> str:
    out = StringIO()
    call_command("export_consent_chain", f"--account={account.pk}", stdout=out)
    path = tmp_path / "ledger.jsonl"
    path.write_text(out.getvalue())
    return str(path)


# --- What is in it ---


def test_a_pack_of_a_person_holds_their_events_and_nobody_elses(account: Account) -> None:
    files = of_person(account)

    assert [line["seq"] for line in events(files)] == [1, 3, 4, 6]
    assert {line["handle"] for line in events(files)} == set(handles(account, MARIA))
    everything = b"".join(files.values()).decode()
    assert WEI.consent_key not in everything
    assert "أوافق" not in everything
    assert handles(account, WEI)[0] not in everything


def test_a_pack_names_everything_that_the_contract_asks_for(account: Account) -> None:
    files = of_person(account, decisions=[{"verdict": "allow", "rule": "OK"}])

    assert set(files) >= {
        *("events.jsonl", "events.csv", "proof.html", "chain.json", "manifest.json"),
        *("hashes.txt", "decisions.jsonl"),
    }
    said = chain(files)
    assert said["head"] == ConsentChain.objects.get().head_hash
    assert (said["seq"], said["events"], said["erased"], said["decisions"]) == (6, 4, 0, 1)
    assert said["verification"]["is_whole"] is True
    assert sum(said["pack_versions"].values()) == 4
    assert (said["made_by"], said["reason"]) == ("Audrey", "A complaint")
    assert json.loads(files["decisions.jsonl"]) == {"verdict": "allow", "rule": "OK"}
    assert any(name.startswith("rules/") for name in files)
    [wording] = [data for name, data in files.items() if name.startswith("wordings/")]
    assert wording.decode() == proof().wording.text
    sums = json.loads(files["manifest.json"])["files"]
    assert sums == {
        name: hashlib.sha256(data).hexdigest()
        for name, data in files.items()
        if name != "manifest.json"
    }


def test_a_pack_of_several_addresses_holds_those_of_each(account: Account, tmp_path: Path) -> None:
    files = of_person(account, MARIA, WEI)

    assert [line["seq"] for line in events(files)] == [1, 2, 3, 4, 5, 6]
    assert verify(tmp_path, packed(files, with_new_sums=False))[0] == 0


def test_the_same_content_gives_the_same_bytes(account: Account) -> None:
    made = [
        b"".join(pack_of_person(asked(account), handles(account, MARIA))) for _again in range(2)
    ]

    assert made[0] == made[1]


def test_a_pack_of_a_period_holds_what_was_recorded_in_it(account: Account) -> None:
    files = of_period(account, NOW + HOUR, NOW + 4 * HOUR)

    assert [line["seq"] for line in events(files)] == [2, 3, 4]
    assert chain(files)["of"] == {
        "since": "2026-11-23T16:00:00.000000Z",
        "until": "2026-11-23T19:00:00.000000Z",
        "numbers": [2, 4],
    }
    assert numbers_between(account.pk, NOW, NOW) == (0, 0)


def test_an_event_between_two_of_a_period_belongs_to_it(account: Account) -> None:
    """Two writers read the clock before they take the chain: dates need not rise with numbers."""
    tell(account, K.HELP, at=NOW - HOUR)
    tell(account, K.HELP, at=NOW + 6 * HOUR)

    assert numbers_between(account.pk, NOW + 5 * HOUR, NOW + 7 * HOUR) == (6, 8)


def test_formulas_of_customers_are_text_in_the_table(account: Account) -> None:
    [*_before, late] = range(4)
    tell(account, K.OPT_OUT, said="@SUM(1)", words="\t-1", note="+1", at=NOW + 6 * HOUR)
    text = of_person(account)["events.csv"].decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))

    assert tuple(rows[0]) == COLUMNS
    assert rows[1]["words"] == "'=BASTA()"
    assert [rows[late + 1][name] for name in ("said", "words", "note")] == [
        "'@SUM(1)",
        "'\t-1",
        "'+1",
    ]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_runs_nothing_and_keeps_what_was_typed_as_text(account: Account) -> None:
    page = of_person(account, MARIA)["proof.html"].decode()
    read = _Tags()
    read.feed(page)

    assert not read.open, "every element is closed"
    names = {tag for tag, _attributes in read.tags}
    assert not names & {"script", "iframe", "img", "link", "form", "object", "b"}
    assert not [a for _tag, attributes in read.tags for a in attributes if a.startswith("on")]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "default-src 'none'" in page
    assert "Ampel &amp; Söhne &lt;b&gt;" in page


def test_the_page_gives_texts_their_own_direction(db: None) -> None:
    account = make_account()
    said = "توقف \N{RIGHT-TO-LEFT OVERRIDE}now\0\ud800"
    tell(account, proof(wording=ARABIC, note="\x07bell"), WEI)
    tell(account, K.OPT_OUT, WEI, words="توقف", said=said, at=NOW + HOUR)
    page = of_person(account, WEI)["proof.html"].decode()

    assert '<bdi dir="auto">توقف</bdi>' in page
    assert '<pre dir="auto">أوافق' in page
    assert "\0" not in page
    assert "\x07" not in page


def test_times_of_the_page_are_those_of_the_account(db: None) -> None:
    account = make_account()
    account.time_zone = "Asia/Kolkata"
    account.save()
    tell(account, K.OPT_OUT)

    assert "2026-11-23 20:30:00+05:30" in of_person(account)["proof.html"].decode()


def test_of_who_was_erased_a_pack_holds_nothing_personal(account: Account, tmp_path: Path) -> None:
    files = of_person(account, WEI)

    assert [("personal" in line, "salt" in line) for line in events(files)] == [(False, False)] * 2
    everything = b"".join(files.values()).decode()
    for personal in (WEI.consent_key, WEI.phone, "203.0.113.77", "أوافق", "acme.example"):
        assert personal not in everything
    assert not [name for name in files if name.startswith("wordings/")]
    code, said = verify(tmp_path, packed(files, with_new_sums=False))
    assert code == 0
    assert "2 events hold, 2 of them erased" in said


def test_who_came_back_after_an_erasure_has_only_what_came_after(
    account: Account, tmp_path: Path
) -> None:
    tell(account, K.OPT_IN, WEI, at=NOW + 6 * HOUR)
    files = of_person(account, WEI)

    assert [("personal" in line) for line in events(files)] == [False, False, True]
    assert verify(tmp_path, packed(files, with_new_sums=False))[0] == 0


def test_details_that_cannot_be_read_are_told_and_keep_nobody_from_a_pack(
    account: Account, tmp_path: Path
) -> None:
    with by_hand() as cursor:
        cursor.execute(
            "UPDATE compliance_consentdetails SET sealed = 'x' WHERE event_id = %s",
            [ConsentEvent.objects.get(seq=3).pk],
        )
    files = of_person(account)

    assert events(files)[1]["unreadable"] is True
    assert chain(files)["verification"]["is_whole"] is False
    code, said = verify(tmp_path, packed(files, with_new_sums=False))
    assert code == 1
    assert "its sealed details cannot be read" in said


def test_an_account_without_a_ledger_gives_a_pack_without_events(db: None, tmp_path: Path) -> None:
    account = make_account()
    for files in (of_period(account, NOW, NOW + HOUR), of_person(account)):
        assert events(files) == []
        assert verify(tmp_path, packed(files, with_new_sums=False))[0] == 0


def test_heads_that_were_noted_are_in_the_pack_with_the_sum_of_all_hashes(
    account: Account, tmp_path: Path
) -> None:
    verify_next(now=NOW + timedelta(days=1))
    tell(account, K.HELP, at=NOW + timedelta(days=1, hours=1))
    files = of_person(account)

    [noted] = chain(files)["noted"]
    assert noted["seq"] == 6
    first_six = b"".join(files["hashes.txt"].splitlines(keepends=True)[:6])
    assert noted["hashes_sha256"] == hashlib.sha256(first_six).hexdigest()
    assert verify(tmp_path, packed(files, with_new_sums=False))[0] == 0


def test_a_long_ledger_is_as_the_check_of_the_day_found_it(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compliance.proof.sources.VERIFIED_AT_ONCE", 3)
    verify_next(now=NOW + HOUR * 6)
    assert chain(of_person(account))["verification"] == {
        "is_whole": True,
        "upto": 6,
        "at": "2026-11-23T21:00:00.000000Z",
        "problem": "",
    }

    with by_hand() as cursor:
        cursor.execute("UPDATE compliance_consentevent SET kind = 'help' WHERE seq = 2")
    verify_next(now=NOW + timedelta(days=2))

    said = chain(of_person(account))["verification"]
    assert said["is_whole"] is False
    assert "event 2" in said["problem"]


def _made_up(number: int) -> Iterator[dict[str, Any]]:
    """Yield events with a person's words, without a list of them anywhere."""
    names = ("rule_version", "wording_id", "wording_version", "wording_language", "message_sid")
    common = {
        **dict.fromkeys((*names, "wording_sha256", "file_sha256", "jurisdiction"), ""),
        **dict.fromkeys(("expires_at", "previous", "recorded_by", "supersedes"), None),
        **dict.fromkeys(("details", "prev", "hash", "handle"), "a" * 64),
        **dict.fromkeys(("occurred_at", "recorded_at"), "2026-11-23T15:00:00.000000Z"),
        "format": 1,
        "family": "sms",
        "programme": "*",
        "kind": "help",
        "basis": "",
        "source": "agent",
        "state": "none",
        "quality": "",
        "pack_version": "",
        "account": 1,
    }
    for seq in range(1, number + 1):
        yield {**common, "seq": seq, "personal": {"words": f"word {seq} " * 20}, "salt": "b"}


def test_a_pack_of_many_events_takes_no_more_memory_than_one_of_few() -> None:
    about = About(
        account=1,
        account_name="Acme",
        zone="UTC",
        made_at=NOW,
        made_by="Audrey",
        reason="Much",
        seq=0,
        head="0" * 64,
        verified=Verified(True, 0, NOW),
        lasts={},
    )

    def peak(number: int) -> int:
        pieces = proof_pack(
            about,
            events=_made_up(number),
            hashes=("c" * 64 for _seq in range(number)),
            rules_of=lambda version: None,
        )
        tracemalloc.start()
        try:
            assert sum(map(len, pieces)) > number
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    # Each event is more than a kilobyte in every form; both fill what may stay in memory.
    assert peak(6_000) < peak(3_000) + 500_000


# --- Whether it verifies ---


def test_a_stranger_verifies_packs_of_people_and_of_periods(
    account: Account, tmp_path: Path
) -> None:
    head = ConsentChain.objects.get().head_hash
    for files in (of_person(account), of_period(account, NOW, NOW + 9 * HOUR)):
        code, said = verify(tmp_path, packed(files, with_new_sums=False))
        assert (code, f"6 events, head {head}" in said) == (0, True), said


def test_a_stranger_compares_what_they_noted_and_the_whole_ledger(
    account: Account, tmp_path: Path
) -> None:
    ledger = whole_ledger(account, tmp_path)
    files = of_person(account)
    pack, head = packed(files, with_new_sums=False), chain(files)["head"]
    total = chain(files)["hashes_sha256"]

    assert verify(tmp_path, pack, "--noted", f"6:{head}", "--noted", f"6:{total}")[0] == 0
    assert verify(tmp_path, pack, "--ledger", ledger)[0] == 0
    code, said = verify(tmp_path, pack, "--noted", f"5:{head}")
    assert (code, "event 5 is another than you noted" in said) == (1, True)
    code, said = verify(tmp_path, pack, "--noted", f"9:{head}")
    assert (code, "event 9 is missing" in said) == (1, True)


def _edit(files: Files) -> Files:
    lines = events(files)
    lines[1]["kind"] = "help"
    return with_events(files, lines)


def _edit_and_hash_anew(files: Files) -> Files:
    lines = events(files)
    lines[1]["kind"] = "help"
    body = {k: v for k, v in lines[1].items() if k not in ("hash", "personal", "salt")}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    lines[1]["hash"] = hashlib.sha256(text.encode()).hexdigest()
    return with_events(files, lines)


def _drop_middle(files: Files) -> Files:
    lines = events(files)
    return with_events(files, [lines[0], *lines[2:]])


def _drop_first(files: Files) -> Files:
    return with_events(files, events(files)[1:])


def _drop_last(files: Files) -> Files:
    return with_events(files, events(files)[:-1])


def _reorder(files: Files) -> Files:
    lines = events(files)
    return with_events(files, [lines[1], lines[0], *lines[2:]])


def _twice(files: Files) -> Files:
    lines = events(files)
    return with_events(files, [lines[0], *lines])


def _other_words(files: Files) -> Files:
    lines = events(files)
    lines[1]["personal"]["words"] = "START"
    return with_events(files, lines)


def _other_wording(files: Files) -> Files:
    [name] = [name for name in files if name.startswith("wordings/")]
    return {**files, name: b"I agree to everything."}


def _no_wording(files: Files) -> Files:
    return {name: data for name, data in files.items() if not name.startswith("wordings/")}


def _other_hashes(files: Files) -> Files:
    lines = files["hashes.txt"].splitlines(keepends=True)
    return {**files, "hashes.txt": b"".join([lines[1], lines[0], *lines[2:]])}


def _short_hashes(files: Files) -> Files:
    return {**files, "hashes.txt": b"".join(files["hashes.txt"].splitlines(keepends=True)[:-1])}


def _other_head(files: Files) -> Files:
    return {**files, "chain.json": json.dumps({**chain(files), "head": "0" * 64}).encode()}


def _other_table(files: Files) -> Files:
    lines = files["events.csv"].splitlines(keepends=True)
    return {**files, "events.csv": b"".join([lines[0], *lines[2:]])}


def _more_table(files: Files) -> Files:
    lines = files["events.csv"].splitlines(keepends=True)
    return {**files, "events.csv": b"".join([*lines, lines[-1]])}


def _other_account(files: Files) -> Files:
    return {**files, "chain.json": json.dumps({**chain(files), "account": 0}).encode()}


def _no_decisions(files: Files) -> Files:
    return {**files, "decisions.jsonl": b""}


def _no_erased(files: Files) -> Files:
    return {**files, "chain.json": json.dumps({**chain(files), "erased": 3}).encode()}


def _garbled(files: Files) -> Files:
    return {**files, "events.jsonl": files["events.jsonl"] + b"{nonsense\n"}


TAMPERED: list[tuple[Callable[[Files], Files], str]] = [
    (_edit, "event 3 was changed: its hash is another one"),
    (_edit_and_hash_anew, "event 3 is not the one that the ledger has"),
    (_drop_middle, "event 3 is missing before event 4"),
    (_drop_first, "event 1 is missing before event 3"),
    (_drop_last, "event 6 is missing at the end"),
    (_reorder, "event 3"),
    (_twice, "event 1 comes after event 1: the order was changed"),
    (_other_words, "event 3 has other personal fields than were recorded"),
    (_other_wording, "is not the wording that was shown"),
    (_no_wording, "is missing"),
    (_other_hashes, "hashes.txt is not what chain.json says"),
    (_short_hashes, "hashes.txt has not 6 lines"),
    (_other_head, "the last hash is not the head of the ledger"),
    (_other_table, "event 1 stands otherwise in events.csv"),
    (_more_table, "events.csv has more events"),
    (_other_account, "event 1 is another account's"),
    (_no_decisions, "decisions.jsonl has not all decisions"),
    (_no_erased, "chain.json counts otherwise"),
    (_garbled, "events.jsonl, line 5 cannot be read"),
]


@pytest.mark.parametrize(("tamper", "words"), TAMPERED)
def test_what_was_done_to_a_pack_is_found(
    account: Account, tmp_path: Path, tamper: Callable[[Files], Files], words: str
) -> None:
    changed = tamper(of_person(account, decisions=[{"verdict": "allow"}]))

    code, said = verify(tmp_path, packed(changed))
    assert (code, words in said) == (1, True), said
    code, said = verify(tmp_path, packed(changed, with_new_sums=False))
    assert code == 1
    assert "was changed: its sum is another one" in said or "is missing" in said


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_an_event_that_is_gone_from_a_period_is_found(
    account: Account, tmp_path: Path, gone: int
) -> None:
    files = of_period(account, NOW + HOUR, NOW + 4 * HOUR)
    lines = events(files)
    lines.pop(gone)

    code, said = verify(tmp_path, packed(with_events(files, lines)))

    assert (code, "missing" in said) == (1, True)


def test_a_pack_made_from_a_rewritten_ledger_is_found_by_what_was_noted(
    account: Account, tmp_path: Path
) -> None:
    before = chain(of_person(account))
    noted = f"{before['seq']}:{before['hashes_sha256']}"
    files = _edit_and_hash_anew(of_person(account))
    lines = files["hashes.txt"].splitlines()
    lines[2] = events(files)[1]["hash"].encode()
    hashes = b"\n".join(lines) + b"\n"
    rows = files["events.csv"].replace(before["head"].encode(), before["head"].encode())
    old = of_person(account)["hashes.txt"].splitlines()[2]
    files |= {"hashes.txt": hashes, "events.csv": rows.replace(old, lines[2], 1)}
    said = {**chain(files), "hashes_sha256": hashlib.sha256(hashes).hexdigest()}
    files["chain.json"] = json.dumps(said).encode()

    # Event 4 is hers too and names the hash of event 3: here it would be found without a note.
    assert "event 4 does not follow" in verify(tmp_path, packed(files))[1]
    assert (
        "event 6 is another than you noted" in verify(tmp_path, packed(files), "--noted", noted)[1]
    )


def test_the_whole_ledger_shows_what_a_pack_left_out_at_the_end(
    account: Account, tmp_path: Path
) -> None:
    """Who makes the pack may lie about the last event of a person; the ledger may not."""
    ledger = whole_ledger(account, tmp_path)
    files = of_person(account)
    said = chain(files)
    said["of"]["handles"] = dict.fromkeys(said["of"]["handles"], 4)
    said["events"] = 3
    rows = files["events.csv"].splitlines(keepends=True)[:-1]
    cut = with_events(files, events(files)[:-1])
    cut |= {"chain.json": json.dumps(said).encode(), "events.csv": b"".join(rows)}

    assert verify(tmp_path, packed(cut))[0] == 0
    code, words = verify(tmp_path, packed(cut), "--ledger", ledger)
    assert (code, "event 6 is missing in the pack" in words) == (1, True)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no zip", "This is no pack"),
        (packed({"a.txt": b"x"}), "chain.json is missing"),
        (packed({"a.txt": b"x"}, with_new_sums=False), "manifest.json is missing"),
    ],
)
def test_what_is_no_pack_is_told_so(tmp_path: Path, data: bytes, words: str) -> None:
    code, said = verify(tmp_path, data)

    assert code in (1, 2)
    assert words in said


def test_a_file_that_the_manifest_does_not_name_is_found(account: Account, tmp_path: Path) -> None:
    files = {**of_person(account), "more.txt": b"x"}

    code, said = verify(tmp_path, packed(files, with_new_sums=False))

    assert (code, "more.txt: not in the manifest" in said) == (1, True)


def test_the_script_uses_only_the_standard_library() -> None:
    text = SCRIPT.read_text()
    imported = {
        line.split()[1] for line in text.splitlines() if line.startswith(("import ", "from "))
    }

    assert imported <= set(sys.stdlib_module_names)


def test_the_check_of_the_day_notes_the_sum_of_all_hashes(account: Account) -> None:
    verify_next(now=NOW + timedelta(days=1))

    data = AuditEntry.objects.get(action="consent_chain_verified").data
    hashes = ConsentEvent.objects.order_by("seq").values_list("hash", flat=True)
    text = "".join(f"{one}\n" for one in hashes)
    assert data["hashes_sha256"] == hashlib.sha256(text.encode()).hexdigest()
