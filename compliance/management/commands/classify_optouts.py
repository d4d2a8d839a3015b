"""Read a file of messages as the inbox would; asks no database and no network."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from time import thread_time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from compliance.classify import Context, Reading, classify
from compliance.lexicon import warm_up

_COLUMNS = ("text", "lang", "channel")
_INVITED = Context(last_was_promotional=True)
_LONGEST_FIELD = 10_000_000  # characters; a message is shorter, a file in no order may not be


class Command(BaseCommand):
    """`manage.py classify_optouts FILE.csv`."""

    help = (
        "Print for each row of a CSV file (columns text, lang, channel, others do not matter) what "
        "the message asks for, one JSON object per line. Ordinary words that are keywords too "
        "count as if our last message had invited them."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the file."""
        parser.add_argument("file", help="UTF-8, with a first line that names the columns")

    def handle(self, *args: Any, **options: Any) -> None:
        """Answer row by row; the last line of stderr says how long one core took for each."""
        csv.field_size_limit(_LONGEST_FIELD)
        warm_up()  # is no part of a message's time
        times = []
        for row in _rows(Path(options["file"])):
            start = thread_time()
            reading = _read(row)
            times.append((thread_time() - start) * 1000)
            self.stdout.write(_line(row["text"], reading))
        self.stderr.write(_timings(times))


def _read(row: dict[str, str]) -> Reading:
    return classify(
        row["text"],
        languages=[row["lang"]],
        channel=row["channel"].strip().casefold(),
        context=_INVITED,
    )


def _line(text: str, reading: Reading) -> str:
    return json.dumps(
        {
            "text": text,
            "label": reading.label,
            "kind": reading.kind,
            "confidence": reading.confidence,
            "matched": reading.matched,
        }
    )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows; raises CommandError, in words, for what is no such file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            _check_columns(path, reader)
            yield from reader
    except OSError as error:
        raise _refusal(f"Cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise _refusal(f"{path} is not UTF-8 text. Save it as CSV UTF-8.") from None
    except csv.Error as error:
        raise _refusal(f"{path} is no CSV file: {error}.") from None


def _check_columns(path: Path, reader: "csv.DictReader[str]") -> None:
    names = [name.strip().casefold() for name in reader.fieldnames or ()]
    reader.fieldnames = names
    if missing := [name for name in _COLUMNS if name not in names]:
        raise _refusal(
            f"{path} has no column {', '.join(missing)}. The first line must name text, lang and "
            "channel."
        )


def _refusal(words: str) -> CommandError:
    return CommandError(words, returncode=2)


def _timings(times: list[float]) -> str:
    ordered = sorted(times) or [0.0]
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.99))
    return f"rows={len(times)} p50={p50:.2f} ms p99={p99:.2f} ms max={ordered[-1]:.2f} ms"
