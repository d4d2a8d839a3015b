"""How are words put to PostgreSQL, so that its indexes answer?"""

import re
from collections.abc import Iterable, Sequence

from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.models import BooleanField, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Left
from django.utils.translation import get_language

from accounts.circumstances import numbers_are_hidden
from inbox.models import Contact, ContactAddress, Message
from inbox.models.message import SEARCHED_CHARACTERS, WORDS_SAID
from inbox.searching.parsing import Query, Word, number_in_words

MOST_CONTACTS = 2000  # names or numbers that are looked through, the newest first
SHORTEST_STEM = 3
FEWEST_OF_MASKED = 9  # digits, of a number that is masked for who looks for it
# Scripts without spaces, and signs: PostgreSQL's parser finds no words in them.
_WITHOUT_SPACES = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2190-\u2bff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    r"\U0001f000-\U0002ffff]"
)
# Which dictionary finds the stem of a word, by the language of whoever searches.
_STEMS = {
    "ar": "arabic_stem",
    "da": "danish_stem",
    "de": "german_stem",
    "en": "english_stem",
    "es": "spanish_stem",
    "fi": "finnish_stem",
    "fr": "french_stem",
    "hu": "hungarian_stem",
    "it": "italian_stem",
    "nl": "dutch_stem",
    "no": "norwegian_stem",
    "pt": "portuguese_stem",
    "ro": "romanian_stem",
    "ru": "russian_stem",
    "sv": "swedish_stem",
    "tr": "turkish_stem",
}


class _Matches(Func):
    """The condition that a text holds the words, asked of the text itself and of no index."""

    template = "(to_tsvector('simple', %(expressions)s)"
    arg_joiner = ") @@ to_tsquery('simple', "

    def __init__(self, field: str, words: str) -> None:
        value = Value(words, output_field=TextField())
        said = Left(field, SEARCHED_CHARACTERS)
        super().__init__(said, value, output_field=BooleanField())

    def as_sql(self, *args: object, **given: object) -> tuple[str, list[object]]:  # type: ignore[override]
        sql, params = super().as_sql(*args, **given)  # type: ignore[arg-type]
        return f"({sql}))", list(params)


def has_words(word: Word) -> bool:
    """Say whether the index of words can find it: not a sign, nor a script without spaces."""
    return not _WITHOUT_SPACES.search(word.text)


def stems_of(words: Sequence[Word]) -> dict[str, str]:
    """Return what several forms of a word begin with, by the language of the reader, in one query.

    "deliveries" begins like "delivery" and "delivered": its stem is "deliver".
    """
    dictionary = _STEMS.get((get_language() or "")[:2])
    plain = [word.text.lower() for word in words if not word.is_phrase and word.text.isalpha()]
    if not dictionary or not plain:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT word, (ts_lexize(%s::regdictionary, word))[1] FROM unnest(%s::text[]) AS word",
            [dictionary, plain],
        )
        found = dict(cursor.fetchall())
    stems = {word: _beginning(word, stem or word) for word, stem in found.items()}
    return {word: stem for word, stem in stems.items() if len(stem) >= SHORTEST_STEM}


def _beginning(word: str, stem: str) -> str:
    length = next(
        (i for i, pair in enumerate(zip(word, stem, strict=False)) if pair[0] != pair[1]),
        min(len(word), len(stem)),
    )
    shared = word[:length]
    # English and its like turn y into i: both begin with what stands before.
    return shared[:-1] if shared[-1:] in ("i", "y") and len(shared) > SHORTEST_STEM + 1 else shared


def as_tsquery(words: Iterable[Word], stems: dict[str, str]) -> str:
    """Write words for `to_tsquery`: a plain word also as the beginning of longer ones."""
    return " & ".join(_term(word, stems) for word in words)


def _term(word: Word, stems: dict[str, str]) -> str:
    if word.is_phrase:
        term = _literal(word.text)
    else:
        forms = dict.fromkeys((word.text, stems.get(word.text.lower(), word.text)))
        term = f"({' | '.join(f'{_literal(form)}:*' for form in forms)})"
    return f"!{term}" if word.is_not else term


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def by_index(messages: "QuerySet[Message]", tsquery: str) -> "QuerySet[Message]":
    """Keep messages that hold the words, found by the index of words."""
    wanted = SearchQuery(tsquery, config="simple", search_type="raw")
    return messages.alias(said=WORDS_SAID).filter(said=wanted)


def by_reading(messages: "QuerySet[Message]", tsquery: str) -> "QuerySet[Message]":
    """Keep messages that hold the words, by reading each: for few of them."""
    return messages.filter(_Matches("body", tsquery)) if tsquery else messages


def by_signs(words: Iterable[Word]) -> Q:
    """The condition that a text holds, or does not hold, what has no words in it."""
    found = Q()
    for word in words:
        holds = Q(body__icontains=word.text)
        found &= ~holds if word.is_not else holds
    return found


# --- Names and numbers ---------------------------------------------------------------------------


def contacts_named(account_id: int | None, query: Query) -> list[int]:
    """Return the contacts whose names or numbers hold all that is looked for, the newest first.

    Of the whole account: whoever asks keeps those that the reader may see. At most
    `MOST_CONTACTS`; none where nothing is looked for. For whom numbers are masked only whole ones
    are found: a few digits at a time would tell the rest.
    """
    if not query.wanted:
        return []
    return _named(account_id, query.digits, query.words)


def contacts_called(account_id: int | None, value: str) -> list[int]:
    """Return the contacts with this name or number, as `contacts_named` does."""
    words = tuple(Word(one) for one in value.split())
    return _named(account_id, number_in_words(value), words)


def _named(account_id: int | None, digits: str, words: Sequence[Word]) -> list[int]:
    if digits:
        rows = _with_digits(account_id, digits).values_list("contact_id", flat=True)
        return list(dict.fromkeys(rows.order_by("-contact_id")[:MOST_CONTACTS]))
    contacts = Contact.objects.filter(account=account_id)
    for word in words:
        matching = _holds_name(account_id, word.text)
        contacts = contacts.exclude(matching) if word.is_not else contacts.filter(matching)
    return list(contacts.order_by("-pk").values_list("pk", flat=True)[:MOST_CONTACTS])


def _with_digits(account_id: int | None, digits: str) -> "QuerySet[ContactAddress]":
    theirs = ContactAddress.objects.filter(account=account_id)
    if numbers_are_hidden():
        whole = len(digits) >= FEWEST_OF_MASKED
        return theirs.filter(phone__endswith=digits) if whole else theirs.none()
    return theirs.filter(phone__contains=digits)


def _holds_name(account_id: int | None, text: str) -> Q:
    if digits := number_in_words(text):
        numbers = _with_digits(account_id, digits).values("contact_id")
        return Q(pk__in=numbers)
    if len(text) > 2:
        return Q(name__icontains=text) | Q(profile_name__icontains=text)
    # Two letters are in every name: they must be where a word begins.
    begins = Q(name__istartswith=text) | Q(profile_name__istartswith=text)
    return begins | Q(name__icontains=f" {text}") | Q(profile_name__icontains=f" {text}")
