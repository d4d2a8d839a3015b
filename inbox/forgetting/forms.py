"""Which webhooks are about a person, as only their forms say?"""

from collections.abc import Sequence
from urllib.parse import parse_qsl

from django.db import connection

from inbox.models import Receipt
from inbox.person_places import Whom

# Fields of a webhook that hold what somebody wrote, and not who.
_WORDS = {"Body", "ButtonText", "ButtonPayload", "Label", "Address"}
IN_WORK = (Receipt.State.WAITING.value, Receipt.State.FAILED.value)


def needles_of(whom: Whom) -> list[str]:
    """Return what stands for them in a form: digits of numbers, user ids, names of senders."""
    idents = {key.partition(":")[2].lstrip("+") for key in whom.keys}
    return sorted({*(phone.lstrip("+") for phone in whom.phones), *idents} - {""})


def settled_about(whom: Whom, after: int, upto: int) -> list[int]:
    """Return receipts of a stretch, by id, that are about them and not in work."""
    where = "id > %s AND id <= %s AND NOT state = ANY(%s)"
    return _about(whom, where, [after, upto, list(IN_WORK)])


def in_work_about(whom: Whom) -> list[int]:
    """Return receipts about them, by id, whose story is not told yet."""
    return _about(whom, "state = ANY(%s)", [list(IN_WORK)])


def _about(whom: Whom, where: str, values: Sequence[int | list[str]]) -> list[int]:
    """Return the receipts that name them; the database looks, and sends only what may."""
    needles = needles_of(whom)
    if not needles:
        return []
    some = " OR ".join(["position(%s in form) > 0"] * len(needles))
    sql = (
        f"SELECT id, form FROM {Receipt._meta.db_table} WHERE account_id = %s"  # noqa: S608
        f" AND forgotten_at IS NULL AND {where} AND ({some}) ORDER BY id"
    )
    written = [one.encode() for one in needles]
    with connection.cursor() as cursor:
        cursor.execute(sql, [whom.account_id, *values, *written])
        found = cursor.fetchall()
    return [number for number, form in found if _is_about(bytes(form), needles)]


def _is_about(form: bytes, needles: Sequence[str]) -> bool:
    """Say whether a form names them as who wrote or was written to, not in somebody's words."""
    fields = parse_qsl(form.decode("utf-8", "replace"), keep_blank_values=True)
    return any(
        value.rpartition(":")[2].strip().lstrip("+") in needles
        for name, value in fields
        if name not in _WORDS
    )
