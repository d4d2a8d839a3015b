"""How does another pack of rules come into force? Looked at, kept, and told either way."""

import hashlib
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.refusals import RefusedError, in_words
from compliance.differing import counts_of, differences
from compliance.in_force import forget, rules_in_force
from compliance.jurisdictions import shipped_text
from compliance.rule_models import JurisdictionPack
from compliance.vetting import MOST_BYTES, Vetted, vet

_State = JurisdictionPack.State
_MOST_PROBLEMS = 200
_CLASHES = {
    "one_jurisdiction_pack_in_force": (
        "Another pack was installed at this moment. Look which one is in force, and try again."
    ),
    "one_installed_pack_per_version": (
        "A pack of this version was installed before: give this one a new number."
    ),
}


def install_pack(
    *, content: bytes, file_name: str, by: User | None, now: datetime
) -> JurisdictionPack:
    """Put a pack into force, or keep it out: then it is kept with its problems, and an alarm.

    The pack in force stays until a better one has taken its place. Raises RefusedError where there
    is nothing to do (it is the one in force), or somebody else was quicker.
    """
    with in_words(_CLASHES), transaction.atomic(durable=True):
        transaction.on_commit(forget)
        current = _locked_current()
        forget()
        sha256 = hashlib.sha256(content).hexdigest()
        _refuse_repeated(content, sha256, current)
        vetted = vet(
            content,
            keys=settings.JURISDICTION_PACK_KEYS,
            in_force=rules_in_force().version,
            today=now.date(),
        )
        row = JurisdictionPack(
            version=vetted.version[:40],
            state=_State.IN_FORCE if vetted.pack else _State.REFUSED,
            content=_as_text(content),
            sha256=sha256,
            signer=vetted.signer,
            problems=list(vetted.problems[:_MOST_PROBLEMS]),
            file_name=_printable(file_name)[:120],
            received_at=now,
            received_by=by,
        )
        if vetted.pack:
            _put_in_force(row, vetted, current, by, now)
        else:
            _keep_out(row, by, now)
    forget()
    return row


def _locked_current() -> JurisdictionPack | None:
    rows = JurisdictionPack.objects.select_for_update(no_key=True)
    return rows.filter(state=_State.IN_FORCE).first()


def _refuse_repeated(content: bytes, sha256: str, current: JurisdictionPack | None) -> None:
    if current and current.sha256 == sha256:
        raise RefusedError(f"Pack {current.version} is installed already.", field="pack")
    if content.strip() == shipped_text().strip().encode():
        words = "This is the pack that came with the product: there is nothing to install."
        raise RefusedError(words, field="pack")


def _put_in_force(
    row: JurisdictionPack,
    vetted: Vetted,
    current: JurisdictionPack | None,
    by: User | None,
    now: datetime,
) -> None:
    before = rules_in_force()
    assert vetted.pack
    if current:
        current.state, current.replaced_at = _State.REPLACED, now
        current.save(update_fields=["state", "replaced_at"])
    row.save(force_insert=True)
    audit.record(
        action="jurisdiction_pack_installed",
        subject=row.version,
        now=now,
        actor=by,
        nobody="command",
        row=str(row.pk),
        instead_of=before.version,
        signed_with=row.signer,
        sha256=row.sha256,
        rows=dict(counts_of(differences(before.pack, vetted.pack))),
    )


def _keep_out(row: JurisdictionPack, by: User | None, now: datetime) -> None:
    row.save(force_insert=True)
    first = str(row.problems[0])
    more = f" And {len(row.problems) - 1} more problems." if len(row.problems) > 1 else ""
    audit.alarm(
        action="jurisdiction_pack_refused",
        subject=str(row),
        words=f"A pack of country rules was refused; the one in force stays. {first}{more}",
        now=now,
        account_id=None,
        actor=by,
        nobody="command",
        row=str(row.pk),
        sha256=row.sha256,
    )


def _as_text(content: bytes) -> str:
    """Return a file as the database can keep it; of one that is no text, what there is."""
    text = content[:MOST_BYTES].decode("utf-8-sig", errors="replace")
    return text.replace("\x00", "\ufffd")


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())
