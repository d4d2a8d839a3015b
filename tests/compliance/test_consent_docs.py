"""Can a stranger verify a ledger with what docs/consent.md says, and nothing of ours?"""

import json
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Account, AuditEntry
from compliance.erasure import erase_person
from compliance.evidence import EventKind
from compliance.models import ConsentChain, ConsentEvent
from tests.architecture.source import ROOT
from tests.compliance.ledgers import MARIA, WEI, proof, tell
from tests.conftest import NOW
from tests.factories import make_account

PAGE = (ROOT / "docs" / "consent.md").read_text()
SCRIPT = ROOT / "docs" / "verify_consent.py"
K = EventKind


@pytest.fixture
def account(db: None) -> Account:
    """An account with five events, an accent in one, and somebody erased."""
    account = make_account()
    tell(account, proof(rule_version="é"))
    tell(account, K.OPT_OUT, WEI, words="BASTA già")
    tell(account, K.OPT_IN)
    erase_person(account_id=account.pk, addresses=[WEI], now=NOW)
    tell(account, K.HELP)
    return account


def export(account: Account, *options: str) -> list[dict[str, Any]]:
    """Run the command; return its lines."""
    out = StringIO()
    call_command("export_consent_chain", f"--account={account.pk}", *options, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def verify(tmp_path: Path, lines: list[dict[str, Any]], *noted: str) -> tuple[int, str]:
    """Run the script of the docs on its own, without anything of ours to import."""
    path = tmp_path / "ledger.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(path), *noted],
        capture_output=True,
        check=False,
        text=True,
        cwd=tmp_path,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("options", [[], ["--with-details"]])
def test_a_stranger_verifies_an_export(
    account: Account, tmp_path: Path, options: list[str]
) -> None:
    head = ConsentChain.objects.get().head_hash

    assert verify(tmp_path, export(account, *options)) == (0, f"5 events hold. Head: 5:{head}\n")


@pytest.mark.parametrize(
    ("seq", "field", "value", "words"),
    [
        (3, "kind", "opt_out", "event 3 was changed"),
        (5, "occurred_at", "2026-11-23T15:00:00.000001Z", "event 5 was changed"),
        (1, "rule_version", "e", "event 1 was changed"),
        (2, "hash", "0" * 64, "event 2 was changed"),
        (4, "seq", 5, "event 4 is missing"),
        (1, "format", 4, "event 1 has format 4"),
        (1, "format", 1, "event 1 was changed"),
        (1, "format", 2, "event 1 was changed"),
        (1, "personal", {}, "event 1 has other personal fields"),
        (1, "salt", "00", "event 1 has other personal fields"),
        (1, "web", "0" * 64, "event 1 was changed"),
        (1, "web_personal", {"ip": "", "user_agent": ""}, "event 1 has other web_personal fields"),
        (1, "web_salt", "00", "event 1 has other web_personal fields"),
    ],
)
def test_the_stranger_finds_what_was_changed(
    account: Account, tmp_path: Path, seq: int, field: str, value: object, words: str
) -> None:
    lines = export(account, "--with-details")
    lines[seq - 1][field] = value

    code, said = verify(tmp_path, lines)

    assert code == 1
    assert words in said


def test_the_stranger_finds_what_is_gone_or_swapped(account: Account, tmp_path: Path) -> None:
    lines = export(account)
    head = f"5:{lines[4]['hash']}"

    assert verify(tmp_path, lines[1:])[0] == 1
    assert verify(tmp_path, [*lines[:2], lines[3], lines[2], lines[4]])[0] == 1
    assert verify(tmp_path, lines[:4])[0] == 0, "nothing in a cut-off end says that it is one"
    assert verify(tmp_path, lines[:4], head)[0] == 1, "but what was noted does"
    assert verify(tmp_path, lines, head)[0] == 0


def test_the_page_names_every_field_of_the_body(account: Account) -> None:
    listed = PAGE[PAGE.index("the **body**") : PAGE.index("3. Write the body")]

    assert set(re.findall(r"`(\w+)`", listed)) == set(ConsentEvent.objects.all()[0].body)


def test_the_script_is_short_and_uses_only_the_standard_library() -> None:
    text = SCRIPT.read_text()

    assert set(re.findall(r"(?m)^(?:import|from) (\S+)", text)) <= {"hashlib", "json", "sys"}
    assert len(text.splitlines()) < 60


def test_details_come_only_when_asked_for_and_only_of_who_was_not_erased(account: Account) -> None:
    assert not any("personal" in line or "salt" in line for line in export(account))

    with_details = export(account, "--with-details")

    assert [("personal" in line) for line in with_details] == [True, False, True, False, True]
    assert with_details[0]["personal"]["address"] == MARIA.consent_key
    assert with_details[0]["web_personal"]["ip"] == "203.0.113.77"


def test_that_it_was_exported_is_in_the_audit_log(account: Account) -> None:
    export(account, "--with-details")

    line = AuditEntry.objects.get(action="consent_ledger_exported")
    assert line.account == account
    assert (line.data["events"], line.data["with_details"]) == (5, True)
