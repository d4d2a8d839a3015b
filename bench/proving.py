"""How long does the proof of one person with 1,000 events take to write? CPU time of this thread.

Ours: JSON lines, table, page, wordings, hashes and manifest, in one pass that keeps nothing.
Textbook: the same lines as JSON and as a table from two lists in memory, no page and no proof.
Floor F6: the same JSON lines, written and compressed and nothing else. What the ledger takes to be
read and verified comes on top; docs/consent.md says how much.
"""

from __future__ import annotations

import csv
import gc
import hashlib
import io
import json
import time
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.plan import Plan
from bench.report import Cell, Check, Row
from compliance.chain import GENESIS, hash_of, instant
from compliance.proof.about import About, Verified
from compliance.proof.pack import proof_pack

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
EVENTS = 1_000
Json = dict[str, Any]


def measure(plan: Plan) -> list[Row]:
    """Measure the row of this file; nothing but this process takes part."""
    row = Row(
        "proof",
        f"the proof pack of one person with {EVENTS:,} events, written",
        "ms",
        is_more_better=False,
        ours=Cell("ours"),
        floor=Cell("F6: JSON lines, compressed"),
        textbook=Cell("textbook: JSON and table from memory, no page, no proof"),
    )
    lines = _lines()
    for _repeat in range(plan.repeats):
        for write, cell in ((_ours, row.ours), (_textbook, row.textbook), (_floor, row.floor)):
            assert cell is not None
            cell.add(_took(write, lines))
    with zipfile.ZipFile(io.BytesIO(_ours(lines))) as pack:
        written = len(pack.read("events.jsonl").splitlines())
    row.checks.append(Check("proof: every event is in the pack", written == EVENTS))
    return [row]


def _took(write: Callable[[list[Json]], bytes], lines: list[Json]) -> float:
    gc.collect()
    begun = time.thread_time()
    write(lines)
    return 1000 * (time.thread_time() - begun)


def _ours(lines: list[Json]) -> bytes:
    about = About(
        account=1,
        account_name="Acme",
        zone="Europe/Vienna",
        made_at=NOW,
        made_by="Audrey",
        reason="A complaint",
        seq=EVENTS,
        head=lines[-1]["hash"],
        verified=Verified(True, EVENTS, NOW),
        lasts={"h" * 64: EVENTS},
    )
    hashes = [line["hash"] for line in lines]
    return b"".join(proof_pack(about, events=lines, hashes=hashes, rules_of=lambda version: None))


def _textbook(lines: list[Json]) -> bytes:
    out, table = io.BytesIO(), io.StringIO()
    writer = csv.writer(table)
    writer.writerows([*line.values()] for line in lines)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("events.json", json.dumps(lines, indent=2))
        pack.writestr("events.csv", table.getvalue())
    return out.getvalue()


def _floor(lines: list[Json]) -> bytes:
    return zlib.compress("".join(json.dumps(line) for line in lines).encode())


def _lines() -> list[Json]:
    lines, prev = [], GENESIS
    for seq in range(1, EVENTS + 1):
        line = _line(seq, prev)
        prev = line["hash"]
        lines.append(line)
    return lines


def _line(seq: int, prev: str) -> Json:
    at = instant(NOW + timedelta(minutes=seq))
    wording = f"I agree to get offers by text, version {seq % 20}. Reply STOP to end."
    body: Json = {
        **dict.fromkeys(("rule_version", "wording_language", "file_sha256", "message_sid"), ""),
        **dict.fromkeys(("expires_at", "recorded_by", "supersedes"), None),
        "format": 1,
        "account": 1,
        "seq": seq,
        "prev": prev,
        "previous": seq - 1 or None,
        "handle": "h" * 64,
        "family": "sms",
        "programme": "*",
        "kind": "grant",
        "source": "web_form",
        "state": "opted_in",
        "basis": "express_written",
        "quality": "first_hand",
        "wording_id": "web",
        "wording_version": str(seq % 20),
        "wording_sha256": hashlib.sha256(wording.encode()).hexdigest(),
        "jurisdiction": "US-CA",
        "pack_version": "2026-11-23",
        "occurred_at": at,
        "recorded_at": at,
        "details": "d" * 64,
    }
    personal = {
        "address": "sms:+14155550100",
        "words": "yes",
        "said": "yes please",
        "reason": "",
        "wording_text": wording,
        "page_url": "https://acme.example/sign-up",
        "ip": "203.0.113.77",
        "user_agent": "Mozilla/5.0",
        "note": "",
    }
    return {**body, "hash": hash_of(body), "personal": personal, "salt": "5" * 64}
