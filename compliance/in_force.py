"""Which rules hold now? The newest pack that is right, and what an account settled for itself.

Every process keeps the pack that it read, and looks again after `JURISDICTION_PACK_SECONDS`
whether another is in force. A pack in the database that nobody trusted signed, or that cannot be
read any more, is passed over for the last good one; nothing is ever judged without rules.
"""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import structlog
from django.conf import settings

from compliance.jurisdictions import Jurisdiction, Pack, PackError, shipped_pack
from compliance.rule_models import JurisdictionPack, RuleOverride
from compliance.stricter import Column, Override, settled
from compliance.vetting import is_newer, read_signed

log = structlog.get_logger(__name__)
# How many packs before the one in force are tried where that one cannot be used.
_MOST_BEFORE = 5


@dataclass(frozen=True)
class RulesInForce:
    """The pack in force. `row` is its row in the database, or None for the one that is shipped."""

    pack: Pack
    row: int | None = None

    @property
    def version(self) -> str:
        """Return the version of the pack, as it is recorded with what was judged by it."""
        return self.pack.version


@dataclass
class _Kept:
    """What this process knows: the rules, of which row they were made, when it looked."""

    rules: RulesInForce
    marker: tuple[object, ...]
    looked_at: float


_kept: _Kept | None = None
_lock = threading.Lock()


def rules_in_force() -> RulesInForce:
    """Return the rules that hold now: no query, except for a small one every few seconds."""
    global _kept
    now, kept = time.monotonic(), _kept
    if kept and now - kept.looked_at < settings.JURISDICTION_PACK_SECONDS:
        return kept.rules
    # One of the threads looks; the others need not wait for it where there is something to go by.
    if not _lock.acquire(blocking=kept is None) and kept:
        return kept.rules
    try:
        marker = _marker()
        rules = kept.rules if kept and kept.marker == marker else _read()
        _kept = _Kept(rules, marker, now)
    finally:
        _lock.release()
    return rules


def forget() -> None:
    """Look again at once which pack is in force."""
    global _kept
    _kept = None


def assume(rules: RulesInForce) -> None:
    """Take these rules for the ones in force until it is time to look again."""
    global _kept
    _kept = _Kept(rules, (), time.monotonic())


def _marker() -> tuple[object, ...]:
    """Return what changes when another pack comes into force, or another key is trusted."""
    rows = JurisdictionPack.objects.filter(state=JurisdictionPack.State.IN_FORCE)
    return rows.values_list("pk", "sha256").first(), tuple(settings.JURISDICTION_PACK_KEYS)


def _read() -> RulesInForce:
    """Return the newest pack that is right: of the installed ones, and of the one shipped."""
    shipped = RulesInForce(shipped_pack())
    installed = JurisdictionPack.objects.exclude(state=JurisdictionPack.State.REFUSED)
    for row in installed.order_by("-pk")[: _MOST_BEFORE + 1]:
        try:
            pack = read_signed(row.content, settings.JURISDICTION_PACK_KEYS)
        except PackError as error:
            log.error("jurisdiction_pack_unusable", pack=row.pk, problems=len(error.problems))
            continue
        return RulesInForce(pack, row.pk) if is_newer(pack.version, shipped.version) else shipped
    return shipped


def problem_of(row: JurisdictionPack) -> str:
    """Say why a pack that was installed cannot be used any more; blank if it can."""
    try:
        read_signed(row.content, settings.JURISDICTION_PACK_KEYS)
    except PackError as error:
        return error.problems[0]
    return ""


# --- With what an account settled ----------------------------------------------------------------


def overrides_of(account_id: int, codes: Iterable[str] | None = None) -> list[Override]:
    """Return what an account settled for itself and did not take back. One query."""
    rows = RuleOverride.objects.filter(account=account_id)
    if codes is not None:
        rows = rows.filter(code__in=list(codes))
    return [override_of(row) for row in rows.current() if row.value]


def override_of(row: RuleOverride) -> Override:
    """Return a row as the value that is judged by."""
    return Override(row.code, Column(row.column), row.value, row.of_value, row.is_looser)


def pack_for(account_id: int) -> Pack:
    """Return the pack in force with what an account settled in place of its rows. One query.

    For the gate: whatever codes count for a person, `rules_for` of it has the account's own.
    """
    pack, own = rules_in_force().pack, overrides_of(account_id)
    settled_rows = {
        code: settled(pack.rows[code], own) for code in {one.code for one in own} & pack.rows.keys()
    }
    return replace(pack, rows={**pack.rows, **settled_rows}) if settled_rows else pack


def rules_of(
    account_id: int, codes: Iterable[str], rules: RulesInForce | None = None
) -> tuple[Jurisdiction, ...]:
    """Return the rows that count for these codes, with what the account settled. One query."""
    pack = (rules or rules_in_force()).pack
    rows = pack.rules_for(codes)
    own = overrides_of(account_id, [row.code for row in rows])
    return tuple(settled(row, own) for row in rows)
