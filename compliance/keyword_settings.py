"""Which keywords has an account of its own, and how do they change?

Read for every message that comes (`own_table`); changed word by word or all at once, audited.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.english import noop
from accounts.models import Account, User
from accounts.prepared import Prepared
from compliance.keyword_table import keywords
from compliance.models import AccountKeyword
from compliance.own_keywords import (
    MOST,
    OwnKeyword,
    OwnKeywordsRefused,
    may_be_off,
    problems_of,
    table_of,
)

NO_WORDS: Mapping[str, str] = MappingProxyType({})
_ROWS = Prepared(
    lambda account: (
        AccountKeyword.objects.filter(account_id=account)
        .order_by("pk")
        .values_list("action", "word", "language", "country")
    )
)


def own_table(account_id: int, languages: Iterable[str], country: str = "") -> Mapping[str, str]:
    """Return what `classify.Context.own_keywords` takes, for one message that came.

    `languages` are tags as `classify` takes them, `country` two letters or blank. One small query,
    which sees every change at once, whoever made it in whichever process; what follows from the
    rows is worked out once per process. Never raises for what is kept.
    """
    rows = _ROWS.all(account=account_id)
    if not rows:
        return NO_WORDS
    return _table(tuple(map(tuple, rows)), frozenset(languages), country)


@lru_cache(maxsize=1024)
def _table(
    rows: tuple[tuple[str, ...], ...], languages: frozenset[str], country: str
) -> Mapping[str, str]:
    own = [OwnKeyword(*row) for row in rows]
    return MappingProxyType(dict(table_of(own, languages=languages, country=country)))


def keywords_of(account_id: int) -> list[AccountKeyword]:
    """Return an account's own keywords, those of an action together."""
    return list(AccountKeyword.objects.filter(account=account_id).select_related("added_by"))


def add_keyword(
    *, account: Account, keyword: OwnKeyword, by: User, now: datetime
) -> AccountKeyword:
    """Make a word a keyword of the account, or switch one of ours off.

    Raises OwnKeywordsRefused with everything that is wrong, naming both words of a conflict.
    """
    with transaction.atomic(durable=True):
        kept = _locked(account)
        new = _tidy(keyword)
        _check([*(row.value for row in kept), new])
        row = _insert(account, new, kept, by=by, now=now)
        _audit(account, by=by, now=now, added=[str(new)], removed=[])
    return row


def remove_keyword(*, account: Account, pk: int, by: User, now: datetime) -> str:
    """Let a word be none of the account's own any more; return the word.

    Raises AccountKeyword.DoesNotExist if there is no such word of this account.
    """
    with transaction.atomic(durable=True):
        _locked(account)
        row = AccountKeyword.objects.get(account=account, pk=pk)
        row.delete()
        _audit(account, by=by, now=now, added=[], removed=[str(row.value)])
    return row.word


class KeywordsChangedError(Exception):
    """Somebody else changed the account's keywords; `seen` is the mark of what is there now."""

    reason = noop("Somebody else changed the keywords meanwhile.")

    def __init__(self, seen: str) -> None:
        super().__init__(self.reason)
        self.seen = seen


def mark_of(rows: Iterable[AccountKeyword]) -> str:
    """Return what tells an account's keywords from any other state of them."""
    said = sorted((row.action, row.word, row.language, row.country) for row in rows)
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def check_keywords(wanted: Iterable[OwnKeyword]) -> None:
    """Raise OwnKeywordsRefused if these could not be kept."""
    _check([_tidy(one) for one in wanted])


def replace_keywords(
    *, account: Account, wanted: Sequence[OwnKeyword], seen: str = "", by: User, now: datetime
) -> list[AccountKeyword]:
    """Let exactly these be the account's own keywords; what stays the same is left as it is.

    `seen` is the mark of what they take the place of; blank: whatever is there. Raises
    OwnKeywordsRefused or KeywordsChangedError, and then nothing has changed.
    """
    with transaction.atomic(durable=True):
        rows = [_tidy(one) for one in wanted]
        kept = _locked(account)
        if seen and seen != (there := mark_of(kept)):
            raise KeywordsChangedError(there)
        _check(rows)
        gone = [row for row in kept if row.value not in rows]
        stay = [row for row in kept if row.value in rows]
        new = [one for one in rows if one not in [row.value for row in stay]]
        AccountKeyword.objects.filter(pk__in=[row.pk for row in gone]).delete()
        for one in new:
            stay.append(_insert(account, one, stay, by=by, now=now))
        if gone or new:
            removed = [str(row.value) for row in gone]
            _audit(account, by=by, now=now, added=list(map(str, new)), removed=removed)
    return keywords_of(account.pk)


def switchable(word: str, language: str) -> OwnKeyword:
    """Return the row that switches one of our own words off in its language.

    Raises OwnKeywordsRefused for a word that is none of ours, or that nobody may switch off.
    """
    found = next((one for one in keywords() if (one.word, one.language) == (word, language)), None)
    if found is None:
        raise OwnKeywordsRefused(
            [noop("“%(word)s” is none of the words that we bring.") % {"word": word[:34]}]
        )
    if not may_be_off(found):
        raise OwnKeywordsRefused(
            [noop("“%(word)s” counts in every inbox and cannot be switched off.") % {"word": word}]
        )
    return OwnKeyword("none", word, language)


def _locked(account: Account) -> list[AccountKeyword]:
    """Hold the account, so that two who change its words do it one after the other."""
    Account.objects.select_for_update(no_key=True).only("pk").get(pk=account.pk)
    return list(AccountKeyword.objects.filter(account=account))


def _tidy(keyword: OwnKeyword) -> OwnKeyword:
    language, country = keyword.place
    word = " ".join(keyword.word.split())
    return replace(keyword, word=word, language=language, country=country)


def _check(rows: Sequence[OwnKeyword]) -> None:
    problems = problems_of(rows)
    seen: dict[tuple[Any, ...], OwnKeyword] = {}
    for row in rows:
        first = seen.setdefault((row.form, row.action, row.place), row)
        if first is not row and row.form:
            problems.append(
                noop("%(row)s, is there already, as “%(word)s”.") % {"row": row, "word": first.word}
            )
    if problems:
        raise OwnKeywordsRefused(problems)


def _insert(
    account: Account,
    keyword: OwnKeyword,
    kept: Iterable[AccountKeyword],
    *,
    by: User,
    now: datetime,
) -> AccountKeyword:
    same = [one for one in kept if (one.action, one.value.place) == (keyword.action, keyword.place)]
    taken = {one.slot for one in same}
    return AccountKeyword.objects.create(
        account=account,
        action=keyword.action,
        word=keyword.word,
        form=keyword.form,
        language=keyword.language,
        country=keyword.country,
        slot=next(number for number in range(1, MOST + 1) if number not in taken),
        added_by=by,
        added_at=now,
    )


def _audit(
    account: Account, *, by: User, now: datetime, added: list[str], removed: list[str]
) -> None:
    audit.record(
        action="own_keywords_changed",
        subject="Own keywords",
        actor=by,
        account_id=account.pk,
        now=now,
        added=added,
        removed=removed,
    )
