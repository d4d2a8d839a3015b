"""How do events, decisions and hashes become a pack that proves them? docs/consent.md has its form.

Pure: values in, the bytes of a zip out, piece by piece; nothing is read, no clock. An event is a
line as `compliance.exporting` makes it. Nothing personal of who was erased can come in, since their
lines have nothing personal.
"""

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from accounts.exports import BYTE_ORDER_MARK, defused
from compliance.chain import instant
from compliance.proof import page
from compliance.proof.about import About, Json
from compliance.proof.zipping import StreamedZip, Waiting, written

FORMAT = 1
Line = Mapping[str, Any]
RulesOf = Callable[[str], bytes | None]
# How many hashes are written at once.
BUNCH = 1_000
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,59}")
_OF_EVENT = (
    "seq",
    "occurred_at",
    "recorded_at",
    "family",
    "programme",
    "kind",
    "state",
    "source",
    "basis",
    "quality",
    "expires_at",
)
_OF_PERSON = ("address", "words", "said", "reason", "note", "page_url", "ip", "user_agent")
_OF_PROOF = (
    "wording_id",
    "wording_version",
    "wording_language",
    "wording_sha256",
    "file_sha256",
    "message_sid",
    "rule_version",
    "jurisdiction",
    "pack_version",
    "recorded_by",
    "supersedes",
    "scope",
    "previous",
    "handle",
    "details",
    "web",
    "prev",
    "hash",
)
# What only events of later formats have.
_SOMETIMES = {"scope": "", "web": ""}
COLUMNS = (*_OF_EVENT, *_OF_PERSON, *_OF_PROOF)


def proof_pack(
    about: About,
    *,
    events: Iterable[Line],
    hashes: Iterable[str],
    rules_of: RulesOf,
    decisions: Iterable[Mapping[str, object]] = (),
) -> Iterator[bytes]:
    """Yield the bytes of a pack.

    `hashes` are those of every event of the ledger, first to last. `decisions` are the gate's
    decisions on the messages to the same people, or of the same time, each fit for JSON.
    `rules_of` gives the document of a version of the jurisdiction pack, or None where it is gone.
    """
    made = _Made(about)
    bundle = StreamedZip()
    yield from bundle.add("events.jsonl", made.noted(events))
    yield from bundle.add_waiting("events.csv", made.table)
    yield from bundle.add("decisions.jsonl", made.decided(decisions))
    yield from bundle.add("hashes.txt", made.hashed(hashes))
    for sha256, name, text in made.wordings():
        made.page.write(page.wording(sha256, name, text))
        yield from bundle.add(f"wordings/{sha256}.txt", [_bytes_of(text)])
    for version in sorted(made.versions):
        if (rules := rules_of(version)) is not None:
            yield from bundle.add(f"rules/{_file_name(version)}.json", [rules])
    yield from bundle.add("chain.json", [written(made.chain())])
    yield from bundle.add_waiting("proof.html", made.ended())
    yield from bundle.close()


def json_line(value: Mapping[str, object]) -> bytes:
    """Return one line of a file of JSON lines."""
    return (json.dumps(value, sort_keys=True, ensure_ascii=True) + "\n").encode("ascii")


@dataclass
class _Made:
    """What is known of a pack while it is made."""

    about: About
    table: Waiting = field(default_factory=Waiting)
    page: Waiting = field(default_factory=Waiting)
    shown: Waiting = field(default_factory=Waiting)
    seen: set[str] = field(default_factory=set)
    versions: "Counter[str]" = field(default_factory=Counter)
    events: int = 0
    erased: int = 0
    decisions: int = 0
    hashes_sha256: str = ""

    def noted(self, events: Iterable[Line]) -> Iterator[bytes]:
        """Yield the events as JSON lines; write the table and the page beside it."""
        zone = ZoneInfo(self.about.zone)
        rows = csv.writer(self.table)
        self.table.write(BYTE_ORDER_MARK)
        rows.writerow(COLUMNS)
        self.page.write(page.head(self.about))
        for line in events:
            self._count(line)
            rows.writerow(_cells(line))
            self.page.write(page.row(line, zone))
            yield json_line(line)
        self.page.write(page.after_events(self.events))

    def _count(self, line: Line) -> None:
        self.events += 1
        self.erased += "personal" not in line
        if line["pack_version"]:
            self.versions[line["pack_version"]] += 1
        self._remember_wording(line)

    def _remember_wording(self, line: Line) -> None:
        text = line.get("personal", {}).get("wording_text", "")
        sha256 = hashlib.sha256(_bytes_of(text)).hexdigest() if text else ""
        if sha256 and sha256 not in self.seen:
            self.seen.add(sha256)
            names = ("wording_id", "wording_version", "wording_language")
            name = ", ".join(filter(None, (line[one] for one in names))) or "Wording"
            self.shown.write(json.dumps([sha256, name, text]) + "\n")

    def decided(self, decisions: Iterable[Mapping[str, object]]) -> Iterator[bytes]:
        """Yield the decisions as JSON lines."""
        for decision in decisions:
            self.decisions += 1
            yield json_line(decision)

    def hashed(self, hashes: Iterable[str]) -> Iterator[bytes]:
        """Yield the hashes of the whole ledger, one a line."""
        digest = hashlib.sha256()
        for piece in _bunches(hashes):
            digest.update(piece)
            yield piece
        self.hashes_sha256 = digest.hexdigest()

    def wordings(self) -> Iterator[tuple[str, str, str]]:
        """Yield every wording once: its hash, what it is called, its words."""
        for line in self.shown.lines():
            sha256, name, text = json.loads(line)
            yield sha256, name, text

    def ended(self) -> Waiting:
        """Return the page with its end."""
        self.page.write(
            page.end(
                wordings=len(self.seen),
                decisions=self.decisions,
                hashes_sha256=self.hashes_sha256,
            )
        )
        return self.page

    def chain(self) -> Json:
        """Return what the pack says of the ledger that its events stand in."""
        about = self.about
        return {
            "format": FORMAT,
            "account": about.account,
            "account_name": about.account_name,
            "made_at": instant(about.made_at),
            "made_by": about.made_by,
            "reason": about.reason,
            "of": about.scope(),
            "events": self.events,
            "erased": self.erased,
            "decisions": self.decisions,
            "pack_versions": dict(sorted(self.versions.items())),
            "seq": about.seq,
            "head": about.head,
            "hashes_sha256": self.hashes_sha256,
            "noted": [one.as_json() for one in about.noted],
            "verification": about.verified.as_json(),
        }


def _cells(line: Line) -> list[str]:
    personal = page.personal_of(line)
    every = {**_SOMETIMES, **line, **{name: personal.get(name, "") for name in _OF_PERSON}}
    return [defused(every[name]) for name in COLUMNS]


def _bunches(hashes: Iterable[str]) -> Iterator[bytes]:
    bunch: list[str] = []
    for one in hashes:
        bunch.append(one + "\n")
        if len(bunch) == BUNCH:
            yield "".join(bunch).encode("ascii")
            bunch.clear()
    yield "".join(bunch).encode("ascii")


def _bytes_of(text: str) -> bytes:
    """Return the bytes that the ledger keeps the hash of."""
    return text.encode("utf-8", "surrogatepass")


def _file_name(version: str) -> str:
    """Return a name that no file system takes for a path; another one for every version."""
    if _PLAIN.fullmatch(version):
        return version
    return f"version-{hashlib.sha256(_bytes_of(version)).hexdigest()[:16]}"
