"""How are words put to PostgreSQL, so that its indexes answer?"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.models import BooleanField, F, Func, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Left
from django.db.models.lookups import Contains, StartsWith

from accounts.circumstances import numbers_are_hidden
from accounts.prepared import is_any
from inbox.models import Contact, ContactAddress, Conversation, Message
from inbox.models.contact import plain
from inbox.models.message import SEARCHED_CHARACTERS, WORDS_CONFIG, WORDS_SAID
from inbox.searching.parsing import Query, Word, number_in_words
from inbox.searching.snippets import folded

MOST_CONTACTS = 2000  # contacts that are found at once, the newest first
LOOKED_AT = 20_000  # contacts of a name or number whose sight is asked for
AT_ONCE = (200, 1_000, 4_000)  # rows whose sight is asked for in one query, again and again
SHORTEST_STEM = 3
FEWEST_OF_MASKED = 9  # digits, of a number that is masked for who looks for it
# Scripts without spaces, and signs: PostgreSQL's parser finds no words in them.
_WITHOUT_SPACES = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2190-\u2bff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    r"\U0001f000-\U0002ffff]"
)
MOST_LANGUAGES = 3  # whose stems are looked for
Stems: TypeAlias = "Mapping[str, Sequence[str]]"  # of a word, what its forms begin with
# Which dictionary finds the stem of a word of a language.
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

    template = f"(to_tsvector('{WORDS_CONFIG}', %(expressions)s)"
    arg_joiner = f") @@ to_tsquery('{WORDS_CONFIG}', "

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


def stems_of(words: Sequence[Word], languages: Iterable[str]) -> Stems:
    """Return what several forms of a word begin with, in some languages, in one query.

    "deliveries" begins like "delivery" and "delivered": its stem is "deliver". The first
    `MOST_LANGUAGES` count, and only those whose stems we know.
    """
    known = dict.fromkeys(_STEMS[code[:2]] for code in languages if code[:2] in _STEMS)
    dictionaries = list(known)[:MOST_LANGUAGES]
    texts = [word.text.lower() for word in words if not word.is_phrase and word.text.isalpha()]
    if not dictionaries or not texts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT word, (ts_lexize(dictionary::regdictionary, word))[1]"
            " FROM unnest(%s::text[]) AS word, unnest(%s::text[]) AS dictionary",
            [texts, dictionaries],
        )
        found = cursor.fetchall()
    stems: dict[str, dict[str, None]] = {}
    for word, stem in found:
        beginning = _beginning(folded(word), folded(stem or word))
        if len(beginning) >= SHORTEST_STEM:
            stems.setdefault(word, {})[beginning] = None
    return {word: tuple(beginnings) for word, beginnings in stems.items()}


def _beginning(word: str, stem: str) -> str:
    length = next(
        (i for i, pair in enumerate(zip(word, stem, strict=False)) if pair[0] != pair[1]),
        min(len(word), len(stem)),
    )
    shared = word[:length]
    # English and its like turn y into i: both begin with what stands before.
    return shared[:-1] if shared[-1:] in ("i", "y") and len(shared) > SHORTEST_STEM + 1 else shared


def as_tsquery(words: Iterable[Word], stems: Stems) -> str:
    """Write words for `to_tsquery`: a plain word also as the beginning of longer ones."""
    return " & ".join(_term(word, stems) for word in words)


def _term(word: Word, stems: Stems) -> str:
    if word.is_phrase:
        term = _literal(word.text)
    else:
        forms = dict.fromkeys((word.text, *stems.get(word.text.lower(), ())))
        term = f"({' | '.join(f'{_literal(form)}:*' for form in forms)})"
    return f"!{term}" if word.is_not else term


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def by_index(messages: "QuerySet[Message]", tsquery: str) -> "QuerySet[Message]":
    """Keep messages that hold the words, found by the index of words."""
    wanted = SearchQuery(tsquery, config=WORDS_CONFIG, search_type="raw")
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


@dataclass(frozen=True)
class Named:
    """Contacts of a name or number, by key, the newest first.

    `goes_on`: there are more, below this key, that were not looked at; 0: that was all.
    """

    pks: Sequence[int] = ()
    goes_on: int = 0


def contacts_in(conversations: "QuerySet[Conversation]") -> "QuerySet[Contact]":
    """Return the contacts of conversations that somebody may see."""
    return Contact.objects.filter(is_any(conversations.filter(contact=OuterRef("pk"))))


def contacts_named(
    contacts: "QuerySet[Contact]", account_id: int | None, query: Query, *, below: int = 0
) -> Named:
    """Find, among contacts that a person may see, those whose names or numbers hold all that is
    looked for.

    At most `MOST_CONTACTS`; none where nothing is looked for. `below` is the `goes_on` of the time
    before. For whom numbers are masked only whole ones are found: a few digits at a time would tell
    the rest.
    """
    if not query.wanted:
        return Named()
    return _named(contacts, account_id, query.digits, query.words, below)


def contacts_called(contacts: "QuerySet[Contact]", account_id: int | None, value: str) -> Named:
    """Return the contacts with this name or number, as `contacts_named` does."""
    words = tuple(Word(one) for one in value.split())
    return _named(contacts, account_id, number_in_words(value), words)


def _named(
    contacts: "QuerySet[Contact]",
    account_id: int | None,
    digits: str,
    words: Sequence[Word],
    below: int = 0,
) -> Named:
    looked_at = list(_of_name(account_id, digits, words, below)[: LOOKED_AT + 1])
    goes_on = looked_at[LOOKED_AT - 1] if len(looked_at) > LOOKED_AT else 0
    found: list[int] = []
    for some in in_parts(looked_at[:LOOKED_AT]):
        seen = contacts.filter(pk__in=some).order_by("-pk").values_list("pk", flat=True)
        found += seen[: MOST_CONTACTS + 1 - len(found)]
        if len(found) > MOST_CONTACTS:
            return Named(found[:MOST_CONTACTS], found[MOST_CONTACTS - 1])
    return Named(found, goes_on)


def _of_name(
    account_id: int | None, digits: str, words: Sequence[Word], below: int
) -> "QuerySet[Any, int]":
    contacts = Contact.objects.filter(account=account_id)
    contacts = contacts.filter(pk__lt=below) if below else contacts
    if digits:
        theirs = _with_digits(account_id, digits).values("contact_id")
        contacts = contacts.filter(pk__in=theirs)
    for word in () if digits else words:
        matching = _holds_name(account_id, word.text)
        contacts = contacts.exclude(matching) if word.is_not else contacts.filter(matching)
    # Not by the order of keys: that would lead through all contacts that there are.
    return contacts.order_by((F("pk") + 0).desc()).values_list("pk", flat=True)


def in_parts(pks: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut a list into parts, small ones first: whoever has enough soon asks for no more."""
    at = 0
    sizes = iter(AT_ONCE)
    while at < len(pks):
        size = next(sizes, AT_ONCE[-1])
        yield pks[at : at + size]
        at += size


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
        return holds("name", text) | holds("profile_name", text)
    # Two letters are in every name: they must be where a word begins.
    return begins_a_word("name", text) | begins_a_word("profile_name", text)


def holds(field: str, text: str) -> Q:
    """The condition that a name holds a text, whatever accents either has."""
    return Q(Contains(plain(field), plain(Value(text))))


def begins_a_word(field: str, text: str) -> Q:
    """The condition that a word of a name begins with a text, whatever accents either has."""
    return Q(StartsWith(plain(field), plain(Value(text)))) | holds(field, f" {text}")
