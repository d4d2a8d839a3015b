"""What does a person read, and print, of a proof pack? One page of HTML that runs nothing.

Pure. Whatever a customer typed is text and nothing else, and stays in its cell whichever way it is
written: each has its own direction.
"""

import html
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import override

from accounts.english import ENGLISH
from compliance.evidence import Basis, EventKind, OptOutScope, Quality, Source
from compliance.proof.about import About
from compliance.state_machine import ConsentState

Line = Mapping[str, Any]
# What no page may hold, and what a printer would not show.
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_STYLE = """
body { font: 11pt/1.45 system-ui, sans-serif; margin: 1.5rem; color: #111; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-block: 1.5rem 0.5rem; }
table { border-collapse: collapse; inline-size: 100%; }
th, td { border: 1px solid #999; padding: 0.3rem 0.5rem; text-align: start; vertical-align: top;
  overflow-wrap: anywhere; }
th { background: #eee; } dt { font-weight: 600; }
dd { margin: 0 0 0.4rem; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #999; padding: 0.5rem; }
.broken { border: 2px solid #a00; padding: 0.5rem; } code { overflow-wrap: anywhere; }
thead { display: table-header-group; } tr { break-inside: avoid; }
@media print { body { margin: 0; font-size: 9pt; } }
"""
_COLUMNS = (
    "No.",
    "It happened",
    "We recorded it",
    "What",
    "Then they were",
    "From where we know",
    "Address",
    "Their words",
    "Rests on",
    "Rules of",
    "More",
)
_MORE = (
    ("said", "Whole message"),
    ("reason", "Reason"),
    ("note", "Note"),
    ("page_url", "Page"),
    ("ip", "IP"),
    ("user_agent", "Browser"),
)


def head(about: About) -> str:
    """Return the page down to the table of events."""
    whole = "" if about.verified.is_whole else ' class="broken"'
    facts = "".join(f"<dt>{text(name)}</dt><dd>{value}</dd>" for name, value in _facts(about))
    columns = "".join(f'<th scope="col">{text(name)}</th>' for name in _COLUMNS)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Proof of consent, {text(about.account_name)}</title><style>{_STYLE}</style>"
        f"</head><body><h1>Proof of consent: {own(about.account_name)}</h1>"
        f"<p{whole}>When this was made the account’s whole ledger was "
        f"{own(about.verified.words)}.</p><dl>{facts}</dl>"
        "<p>This is what was recorded, as product behaviour; it is not legal advice. To verify it "
        "run <code>python verify_proof.py</code> with the pack: what counts is "
        "<code>events.jsonl</code>, this page is for reading.</p>"
        f"<h2>Events</h2><table><thead><tr>{columns}</tr></thead><tbody>\n"
    )


def _facts(about: About) -> list[tuple[str, str]]:
    zone = ZoneInfo(about.zone)
    if about.period is None:
        handles = ", ".join(f"<code>{text(one)}</code>" for one in sorted(about.lasts or {}))
        whose = [("Handles of the person in the ledger", handles)]
    else:
        since, until = (_said(at, zone) for at in (about.period.since, about.period.until))
        numbers = f"{about.period.first} to {about.period.last}" if about.period.last else "none"
        whose = [
            ("Recorded from", f"{since} until before {until}"),
            ("Their numbers", text(numbers)),
        ]
    return [
        *whose,
        ("Made", f"{_said(about.made_at, zone)}, by {own(about.made_by)}"),
        ("Why", own(about.reason)),
        ("Events in the ledger", str(about.seq)),
        ("Its head", f"<code>{about.seq}:{text(about.head)}</code>"),
        ("Times", f"are those of {text(about.zone)}"),
    ]


def personal_of(line: Line) -> Mapping[str, str]:
    """Return what is personal in a line, and from where on the web; empty if it was erased."""
    personal: Mapping[str, str] = line.get("personal") or {}
    web: Mapping[str, str] = line.get("web_personal") or {}
    return {**personal, **web}


def row(line: Line, zone: ZoneInfo) -> str:
    """Return one event as a row of the table."""
    personal = personal_of(line)
    erased = "" if personal else "erased"
    wording = line["wording_sha256"]
    more = [(label, personal[name]) for name, label in _MORE if personal.get(name)]
    is_web_gone = bool(personal and line.get("web") and "web_personal" not in line)
    more += [("IP, browser", "no longer kept")] if is_web_gone else []
    more += [("Message", line["message_sid"])] if line["message_sid"] else []
    more += [("Rule", line["rule_version"])] if line["rule_version"] else []
    more += [("File, SHA-256", line["file_sha256"])] if line["file_sha256"] else []
    more += [("Corrects event", str(line["supersedes"]))] if line["supersedes"] else []
    scope = line.get("scope", "")
    more += [("Counts for", _label(OptOutScope, scope))] if scope else []
    more += [("Recorded by user", str(line["recorded_by"]))] if line["recorded_by"] else []
    shown = "".join(f"<dt>{text(label)}</dt><dd>{own(value)}</dd>" for label, value in more)
    if wording:
        link = f'<a href="#w{text(wording)}"><code>{text(wording[:12])}…</code></a>'
        shown += f"<dt>Wording</dt><dd>{link}</dd>"
    cells = (
        str(line["seq"]),
        _read(line["occurred_at"], zone),
        _read(line["recorded_at"], zone),
        own(_label(EventKind, line["kind"])),
        own(_label(ConsentState, line["state"])),
        own(_label(Source, line["source"])),
        own(personal.get("address") or erased),
        own(personal.get("words", "")),
        _basis(line, zone),
        own(" ".join(filter(None, (line["jurisdiction"], line["pack_version"])))),
        f"<dl>{shown}</dl>" if shown else "",
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"


def _basis(line: Line, zone: ZoneInfo) -> str:
    parts = [
        _label(Basis, line["basis"]) if line["basis"] else "",
        _label(Quality, line["quality"]) if line["quality"] else "",
        f"for {line['programme']}" if line["programme"] != "*" else "",
    ]
    until = f", until {_read(line['expires_at'], zone)}" if line["expires_at"] else ""
    return own(", ".join(filter(None, parts))) + until


def after_events(events: int) -> str:
    """Return what stands between the events and the wordings."""
    none = "" if events else "<p>There is no event.</p>"
    return f"</tbody></table>{none}<h2>Wordings that were shown</h2>\n"


def wording(sha256: str, name: str, words: str) -> str:
    """Return one wording that somebody was shown."""
    return (
        f'<h3 id="w{text(sha256)}">{own(name)}</h3><p>SHA-256 <code>{text(sha256)}</code></p>'
        f'<pre dir="auto">{text(words)}</pre>\n'
    )


def end(*, wordings: int, decisions: int, hashes_sha256: str) -> str:
    """Return the end of the page."""
    none = "" if wordings else "<p>None was shown, or nothing of it is left.</p>"
    return (
        f"{none}<h2>What else is in the pack</h2><p>{decisions} decisions on messages, in "
        "<code>decisions.jsonl</code>. The hashes of all events of the ledger, in "
        f"<code>hashes.txt</code>; their SHA-256 is <code>{text(hashes_sha256)}</code>. The rules "
        "that were in force, with the source and the standing of each, in <code>rules/</code>.</p>"
        "</body></html>\n"
    )


# --- Words ---------------------------------------------------------------------------------------


def text(value: object) -> str:
    """Return a text that is nothing but text on a page."""
    return html.escape(_UNSEEN.sub("\N{REPLACEMENT CHARACTER}", str(value)))


def own(value: object) -> str:
    """Return a text that has its own direction and does not turn its neighbours round."""
    return f'<bdi dir="auto">{text(value)}</bdi>' if value else ""


def _label(choices: Any, value: str) -> str:
    return _labels(choices).get(value, value)


@cache
def _labels(choices: Any) -> Mapping[str, str]:
    # English, whoever asks for it: what is proven is the same for everybody.
    with override(ENGLISH):
        return {value: str(label) for value, label in choices.choices}


def _read(moment: str | None, zone: ZoneInfo) -> str:
    return _said(datetime.fromisoformat(moment), zone) if moment else ""


def _said(at: datetime, zone: ZoneInfo) -> str:
    return text(at.astimezone(zone).isoformat(" ", "seconds"))
