"""The command reads a file of messages, without a database, and says in words what is wrong."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEV_SET = Path(__file__).parent / "data" / "optout_dev.csv"
NO_DATABASE = "postgres://nobody:nothing@127.0.0.1:1/none"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as from a shell, where no database answers."""
    return subprocess.run(
        [sys.executable, "manage.py", "classify_optouts", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": NO_DATABASE},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def readings(outcome: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    """Return what it printed, one object a line."""
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def test_each_row_gets_one_object_in_its_order() -> None:
    outcome = run(str(DEV_SET))
    assert outcome.returncode == 0, outcome.stderr
    found = readings(outcome)
    assert len(found) == 81
    assert list(found[0]) == ["text", "label", "kind", "confidence", "matched"]
    assert found[0] == {
        "text": "STOP",
        "label": "opt_out",
        "kind": "exact",
        "confidence": "high",
        "matched": "STOP",
    }


def test_the_last_line_of_stderr_says_how_long_a_row_took() -> None:
    last = run(str(DEV_SET)).stderr.splitlines()[-1]
    assert re.fullmatch(r"rows=81 p50=[\d.]+ ms p99=[\d.]+ ms max=[\d.]+ ms", last)


def test_columns_stand_in_any_order_and_others_do_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "messages.csv"
    file.write_text(
        '\ufeffchannel,note,Lang,TEXT\nwhatsapp,x,es,"Hola, ¿qué tal?"\n'
        'SMS,,en,"STOP\n\nSent from my iPhone"\n',
        encoding="utf-8",
    )
    outcome = run(str(file))
    assert [row["label"] for row in readings(outcome)] == ["none", "opt_out"]


def test_short_rows_and_strange_letters_are_read_too(tmp_path: Path) -> None:
    file = tmp_path / "messages.csv"
    file.write_bytes(b"text,lang,channel\nstop\n\nhello\x00,zz,pigeon\n,,\n")
    assert [row["label"] for row in readings(run(str(file)))] == ["opt_out", "none", "none"]


def test_a_file_without_rows_has_nothing_to_say(tmp_path: Path) -> None:
    file = tmp_path / "messages.csv"
    file.write_text("text,lang,channel\n", encoding="utf-8")
    outcome = run(str(file))
    assert (outcome.returncode, outcome.stdout) == (0, "")
    assert "rows=0" in outcome.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"text,lang\nstop,en\n", "no column channel"),
        (b"", "no column text, lang, channel"),
        (b"text,lang,channel\n\xff\xfe,en,sms\n", "not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not UTF-8"),
    ],
)
def test_a_wrong_file_is_told_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "messages.csv"
    file.write_bytes(content)
    outcome = run(str(file))
    assert outcome.returncode == 2
    assert words in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_file_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.csv"):
        outcome = run(str(path))
        assert outcome.returncode == 2
        assert outcome.stderr.startswith("CommandError: Cannot read")
