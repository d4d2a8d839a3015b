"""What has somebody written and not sent? Kept for them alone, also where they lost sight.

A save says after which revision it was made. It counts if that is still what stands, or if the same
device made what stands, and earlier: so whichever save arrives last, an older one never takes the
place of a newer one, and what another device wrote is never overwritten unseen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import OuterRef
from django.http import Http404
from django.utils.translation import gettext as _

from accounts.access import Viewer
from inbox.access import conversations_of
from inbox.models import Attachment, Draft
from inbox.models.draft import DraftQuerySet
from inbox.refusals import MissingInputError, RefusedError

KEPT = timedelta(days=30)
MOST_CHARACTERS = 20_000
MOST_FILES = 10


class ErasedPersonError(RefusedError):
    """The customer was erased: nothing about them is kept any more."""

    code = "erased"
    status = 422


@dataclass(frozen=True)
class Place:
    """Whose draft, and where: a conversation that its writer sees, or wrote in when they did."""

    account_id: int
    user_id: int
    conversation_id: int
    is_erased: bool = False


@dataclass(frozen=True)
class Save:
    """One save: by which device, when by its own clock (ms), and of which revision it knew."""

    device: str
    typed_ms: int
    base: int = 0


def place_of(viewer: Viewer, public_id: str) -> Place:
    """Say where this person's drafts of a conversation are. Raises Http404 where there are none.

    Who does not see the conversation (any more) still has what they began there, and nothing else.
    """
    seen = conversations_of(viewer).filter(public_id=public_id)
    facts = seen.values_list("account_id", "pk", "contact__erased_at").first()
    if facts is None:
        begun = Draft.objects.filter(
            user=viewer.user_id, account=viewer.account_id, conversation__public_id=public_id
        )
        where = ("account_id", "conversation_id", "conversation__contact__erased_at")
        facts = begun.values_list(*where).first()
    if facts is None:
        raise Http404("No such draft.")
    account_id, conversation_id, erased_at = facts
    return Place(account_id, viewer.user_id, conversation_id, is_erased=erased_at is not None)


def drafts_at(place: Place) -> dict[str, Draft]:
    """Return the drafts of a place by their mode, empty ones too."""
    found = Draft.objects.filter(user=place.user_id, conversation=place.conversation_id)
    return {one.mode: one for one in found}


def save_draft(
    place: Place,
    mode: Draft.Mode,
    *,
    body: str,
    files: Sequence[str] = (),
    save: Save,
    now: datetime,
) -> tuple[bool, Draft]:
    """Keep what somebody has written so far; nothing written empties the draft.

    Returns whether it counted, and what stands: by this save, or by one that it did not know of.
    Raises MissingInputError for too much of it, ErasedPersonError.
    """
    words = _checked(body)
    if len(files) > MOST_FILES:
        raise MissingInputError(_("At most %(number)s files fit.") % {"number": MOST_FILES})
    if place.is_erased and (words or files):
        raise ErasedPersonError(_("This person was erased: nothing about them is kept any more."))
    own = [facts["id"] for facts in files_of(place, files)]
    is_saved = _write(place, mode, words, own, save, now) is not None
    stands = drafts_at(place)[mode]
    # The same save again, since its answer was lost, is saved as well.
    is_same = (stands.device, stands.typed_ms) == (save.device, save.typed_ms)
    return is_saved or is_same, stands


def _checked(body: str) -> str:
    words = body.replace("\r\n", "\n").replace("\0", "")
    if len(words) > MOST_CHARACTERS:
        said = _("A draft of %(number)s characters is too long to be kept; the limit is %(limit)s.")
        raise MissingInputError(said % {"number": len(words), "limit": MOST_CHARACTERS})
    return words if words.strip() else ""


def end_draft(place: Place, mode: Draft.Mode, *, save: Save, now: datetime) -> None:
    """Empty a draft with the message that was made of it.

    What another device has written there meanwhile stays. No save that was under way comes after.
    """
    _write(place, mode, "", [], save, now)


# In one statement, so that of two saves at the same moment each knows the other or is refused.
_SAVE = """
    INSERT INTO inbox_draft AS kept (account_id, user_id, conversation_id, mode, body, files,
        device, typed_ms, revision, written_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (user_id, conversation_id, mode) DO UPDATE SET
        body = excluded.body, files = excluded.files, device = excluded.device,
        typed_ms = excluded.typed_ms, revision = kept.revision + 1,
        written_at = excluded.written_at
    WHERE kept.revision = %s
        OR (kept.device = excluded.device AND kept.typed_ms < excluded.typed_ms)
    RETURNING revision
"""


def _write(
    place: Place, mode: Draft.Mode, body: str, files: list[str], save: Save, now: datetime
) -> int | None:
    """Return the revision that was made; None where something stands that it did not know of."""
    where: list[Any] = [place.account_id, place.user_id, place.conversation_id, mode.value]
    what: list[Any] = [body, files, save.device, save.typed_ms, save.base + 1, now]
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, [*where, *what, save.base])
        row = cursor.fetchone()
    return row[0] if row else None


def files_of(place: Place, public_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return what a browser shows of these files, in their order: the person's own, unsent."""
    if not public_ids:
        return []
    own = Attachment.objects.filter(
        account=place.account_id,
        uploaded_by=place.user_id,
        message=None,
        forgotten_at=None,
        public_id__in=public_ids,
    )
    columns = ("public_id", "name", "size", "look")
    known = {one: facts for one, *facts in own.values_list(*columns)}
    found = [(one, *known[one]) for one in dict.fromkeys(public_ids) if one in known]
    return [dict(zip(("id", *columns[1:]), one, strict=True)) for one in found]


def drafted(me: Any) -> DraftQuerySet:
    """What this person has begun to write in the conversation at hand."""
    return Draft.objects.with_words().filter(user=me, conversation=OuterRef("pk"))


def forget_drafts(*, now: datetime) -> int:
    """Delete what nobody has touched for thirty days; return how many there were."""
    deleted, _by_model = Draft.objects.filter(written_at__lt=now - KEPT).delete()
    return deleted
