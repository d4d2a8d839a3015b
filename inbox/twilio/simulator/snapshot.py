"""What did an earlier run leave in the state directory?"""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inbox.twilio.simulator.model import Account, Media, Message, Persona, Sender, Service
from inbox.twilio.simulator.parts import Parts

FILE = "simulator.json"
GENERATION_FILE = "generation"
MESSAGE_LIMIT = 5_000


def next_generation(state_dir: Path | None) -> int:
    """Count the runs of this state directory."""
    if state_dir is None:
        return 0
    state_dir.mkdir(parents=True, exist_ok=True)
    path = state_dir / GENERATION_FILE
    raw = path.read_text() if path.exists() else ""
    generation = int(raw) + 1 if raw.strip().isdecimal() else 1
    path.write_text(str(generation))
    return generation


def save(parts: Parts, state_dir: Path) -> None:
    """Write the store; a crash while writing leaves the last good file."""
    store = parts.store
    with store.lock:
        messages = list(store.messages.values())[-MESSAGE_LIMIT:]
        kept = {sid for message in messages for sid in message.media_sids}
        media = [one for sid, one in store.media.items() if sid in kept]
        data = {
            "clock_offset": parts.clock.offset,
            "accounts": [asdict(one) for one in store.accounts.values()],
            "senders": [asdict(one) for one in store.senders.values()],
            "services": [asdict(one) for one in store.services.values()],
            "personas": [asdict(one) for one in store.personas.values()],
            "messages": [asdict(one) for one in messages],
            "media": [{**asdict(one), "data": ""} for one in media],
            "opt_outs": [[*key, value] for key, value in store.opt_outs.items()],
            "last_inbound": [[*key, value] for key, value in store.last_inbound.items()],
        }
    for one in media:
        path = _media_path(state_dir, one.sid)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(one.data)
    target = state_dir / FILE
    draft = target.with_suffix(".new")
    draft.write_text(json.dumps(data))
    os.replace(draft, target)


def load(parts: Parts, state_dir: Path) -> None:
    """Fill an empty store from the last good file, if there is one."""
    path = state_dir / FILE
    if not path.exists():
        return
    data: dict[str, Any] = json.loads(path.read_text())
    store = parts.store
    parts.clock.restore(data["clock_offset"])
    with store.lock:
        store.accounts = {one["sid"]: Account(**one) for one in data["accounts"]}
        store.senders = {one["address"]: _sender(one) for one in data["senders"]}
        store.services = {one["sid"]: Service(**one) for one in data["services"]}
        store.personas = {one["address"]: Persona(**one) for one in data["personas"]}
        for one in data["messages"]:
            store.add_message(Message(**one))
        for one in data["media"]:
            store.add_media(Media(**{**one, "data": _read_media(state_dir, one["sid"])}))
        store.opt_outs = {(scope, who): value for scope, who, value in data["opt_outs"]}
        store.last_inbound = {(sender, who): at for sender, who, at in data["last_inbound"]}


def _sender(data: dict[str, Any]) -> Sender:
    sender = Sender(**data)
    sender.capabilities = tuple(sender.capabilities)
    return sender


def _media_path(state_dir: Path, sid: str) -> Path:
    return state_dir / "media" / sid


def _read_media(state_dir: Path, sid: str) -> bytes:
    path = _media_path(state_dir, sid)
    return path.read_bytes() if path.exists() else b""
