"""How is a person forgotten whole: asked for, begun, gone through place by place, and certified?

Begun in one transaction, after which nothing leads to them any more: a message of theirs that comes
later makes a new contact. What they left is then taken out in short steps, each of which may be
done twice; whoever is stopped is followed by who goes on. A legal hold wins: the erasure waits.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Account, User
from inbox.forgetting.beginning import StillUntoldError, begin
from inbox.forgetting.certificates import Went, issue
from inbox.forgetting.holds import holds_on
from inbox.forgetting.remote import owe_deletions
from inbox.forgetting.residue import left_behind
from inbox.forgetting.steps import STEPS
from inbox.models import (
    Erasure,
    ForgettingCertificate,
    LegalHold,
    Message,
    RemoteDeletion,
)
from inbox.nudges import nudge_on_commit
from inbox.person_places import PLACES, Fate, Whom, rows_of
from inbox.setup.persons import Person
from inbox.setup.refusals import SetUpError

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
A_MOMENT = timedelta(seconds=5)
AGAIN = timedelta(minutes=5)
LOOK_AGAIN = timedelta(minutes=1)
LONGEST_REASON = 500
_State = Erasure.State
# As much of a number as nobody writes by chance.
_TELLING_DIGITS = 7


@dataclass(frozen=True)
class Outlook:
    """What an erasure would do: rows by place, messages at Twilio, and what keeps it waiting."""

    counts: Mapping[str, int]
    at_twilio: int
    holds: Sequence[LegalHold]


def outlook(person: Person) -> Outlook:
    """Count what would go, and change nothing."""
    whom = person.whom
    counts = {
        place.name: rows_of(place.model, whom).count()
        for place in PLACES
        if place.fate is not Fate.KEPT
    }
    said = rows_of(Message, whom).exclude(provider_sid=None).count()
    return Outlook(counts, said, list(holds_on(whom)))


def ask_erasure(
    *, person: Person, reason: str, by: User | None, now: datetime, who: str = ""
) -> Erasure:
    """Let a person be erased. A legal hold makes it wait. Raises SetUpError.

    `who` names who asked where that is no user, such as an operator.
    """
    whom = person.whom
    given = _reason(reason, whom)
    if person.contact and person.contact.erased_at:
        raise SetUpError(_("This person was erased already."))
    row = Erasure(
        account=person.account,
        contact=person.contact,
        subject=person.key,
        needles=_needles(whom),
        state=_State.HELD if holds_on(whom).exists() else _State.ASKED,
        reason=given,
        asked_by=by,
        asked_at=now,
        next_at=now,
    )
    try:
        with transaction.atomic(durable=True):
            row.save(force_insert=True)
            _note(row, "person_erasure_asked", by, now, who=who, reason=given)
            nudge_on_commit("erase_person", row.pk)
    except IntegrityError as error:
        raise SetUpError(_("Somebody asked for this already; it is under way.")) from error
    return row


def _reason(typed: str, whom: Whom) -> str:
    reason = " ".join(typed.replace("\0", "").split())
    if not reason:
        raise SetUpError(_("Say why."), field="reason")
    if len(reason) > LONGEST_REASON:
        words = _("Say it in %(most)s characters at most.") % {"most": LONGEST_REASON}
        raise SetUpError(words, field="reason")
    if names_them(reason, whom):
        words = _("Do not write their number or user id here: the reason is kept.")
        raise SetUpError(words, field="reason")
    return reason


def names_them(text: str, whom: Whom) -> bool:
    """Say whether a text holds a number or a user id of a person, however it is written."""
    digits = re.sub(r"\D", "", text)
    if any(phone[-_TELLING_DIGITS:] in digits for phone in whom.phones):
        return True
    idents = {key.partition(":")[2] for key in whom.keys}
    return any(len(one) >= _TELLING_DIGITS and one.lower() in text.lower() for one in idents)


def erase_next(*, now: datetime) -> bool:
    """Do one step of the erasure that is due for longest; say whether any was due."""
    due = Erasure.objects.filter(next_at__lte=now).order_by("next_at")
    number = due.values_list("pk", flat=True).first()
    return number is not None and erase_some(number, now=now)


def erase_some(number: int, *, now: datetime) -> bool:
    """Do one step of an erasure, unless somebody else does; say whether it was done."""
    row = _leased(number, now=now)
    if row is None:
        return False
    try:
        _go_on(row, now=now)
    except Exception as error:
        # What it was about may stand in the words of the error.
        logger.error("erasure %s broke off: %s", row.pk, type(error).__name__)
        told = type(error).__name__
        Erasure.objects.filter(pk=row.pk).update(problem=told, next_at=now + AGAIN)
    return True


def _leased(number: int, *, now: datetime) -> Erasure | None:
    with transaction.atomic():
        row = (
            Erasure.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("account", "contact")
            .filter(pk=number, next_at__lte=now)
            .first()
        )
        if row:
            row.next_at = now + LEASE
            row.save(update_fields=["next_at"])
    return row


def _go_on(row: Erasure, *, now: datetime) -> None:
    if row.state in (_State.ASKED, _State.HELD):
        _try_to_begin(row, now=now)
    elif row.state == _State.FORGETTING and row.step < len(STEPS):
        _one_step(row, now=now)
    elif row.state == _State.FORGETTING:
        _end_here(row, now=now)
    elif row.state == _State.OUTSIDE:
        _follow_outside(row, now=now)


def _try_to_begin(row: Erasure, *, now: datetime) -> None:
    try:
        whom = begin(row, _whom(row), now=now)
    except StillUntoldError:
        Erasure.objects.filter(pk=row.pk).update(next_at=now + A_MOMENT)
        return
    if whom is None:
        # Whoever lifts a hold says when to look again; so does nobody who deletes it by hand.
        Erasure.objects.filter(pk=row.pk).update(state=_State.HELD, next_at=now + AGAIN)
        return
    needles = _needles(whom)
    Erasure.objects.filter(pk=row.pk).update(needles=needles, next_at=now, problem="")


def _one_step(row: Erasure, *, now: datetime) -> None:
    name, step = STEPS[row.step]
    done = step(row, _whom(row), now)
    counts = {**row.counts, name: row.counts.get(name, 0) + done.number}
    if done.after:
        counts["after"] = done.after
    else:
        counts.pop("after", None)
    Erasure.objects.filter(pk=row.pk).update(
        counts=counts,
        step=row.step + (not done.after),
        next_at=now,
        problem="",
    )


def _end_here(row: Erasure, *, now: datetime) -> None:
    """Certify what went here; from now on nothing of ours says who it was."""
    stays = left_behind(_whom(row))
    owed = RemoteDeletion.objects.filter(erasure=row).count()
    if owed:
        stays = (*stays, f"{owed} messages at Twilio, which is asked to delete them")
    with transaction.atomic(durable=True):
        certificate = issue(row.account_id, _went(row, row.counts, stays, now), now=now)
        row.certificate, row.forgotten_at, row.needles = certificate, now, ""
        row.state, row.next_at = _State.OUTSIDE, now
        row.save()
        _note(row, "person_erased", None, now, certificate=certificate.number)


def _follow_outside(row: Erasure, *, now: datetime) -> None:
    """Wait until Twilio has deleted everything; messages that were on their way join in late."""
    sending = Message.objects.filter(
        thread__contact=row.contact_id, status=Message.Status.SENDING
    ).exists()
    owe_deletions(row, now=now)
    states = set(row.deletions.values_list("state", flat=True))
    if sending or RemoteDeletion.State.OWED in states:
        Erasure.objects.filter(pk=row.pk).update(next_at=now + LOOK_AGAIN)
    elif RemoteDeletion.State.FAILED in states:
        Erasure.objects.filter(pk=row.pk).update(next_at=None)
    else:
        _finish(row, now=now)


def _finish(row: Erasure, *, now: datetime) -> None:
    gone = list(row.deletions.values_list("files", flat=True))
    counts = {"twilio_messages": len(gone), "twilio_files": sum(gone)}
    with transaction.atomic(durable=True):
        if gone:
            issue(row.account_id, _went(row, counts, (), now), now=now)
        row.state, row.done_at, row.next_at, row.problem = _State.DONE, now, None, ""
        row.counts = {**row.counts, **counts}
        row.save()


def _went(row: Erasure, counts: Mapping[str, int], stays: Sequence[str], now: datetime) -> Went:
    return Went(
        cause=ForgettingCertificate.Cause.ERASURE,
        asked_by=f"user {row.asked_by_id}" if row.asked_by_id else "an operator",
        counts={name: number for name, number in counts.items() if number},
        began_at=row.asked_at,
        ended_at=now,
        setting={"erasure": row.public_id},
        spans={},
        stays=tuple(stays),
    )


def _needles(whom: Whom) -> str:
    return json.dumps(asdict(whom))


def _whom(row: Erasure) -> Whom:
    kept = json.loads(row.needles)
    return Whom(
        account_id=row.account_id,
        # Contacts may have been joined since it was asked for.
        contact_id=row.contact_id,
        keys=tuple(kept["keys"]),
        phones=tuple(kept["phones"]),
        handles=tuple(kept["handles"]),
    )


def of_account(account: Account) -> "Sequence[Erasure]":
    """Return an account's latest erasures, the newest first."""
    rows = Erasure.objects.filter(account=account).select_related("asked_by", "certificate")
    return list(rows.order_by("-asked_at")[:50])


def _note(row: Erasure, action: str, by: User | None, now: datetime, **more: Any) -> None:
    record(
        action=action,
        subject=str(row),
        actor=by,
        account_id=row.account_id,
        now=now,
        row=str(row.pk),
        **{name: value for name, value in more.items() if value},
    )
