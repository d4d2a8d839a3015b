"""Which words mean consent to whoever writes them to an inbox? For rules and texts written ahead.

Read as a message that comes is read: by `classify`, with the languages of the inbox and of its
account's country, and the account's own keywords.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from accounts.models import Account
from compliance.classify import Context, Reading, classify
from compliance.inviting import Invitation, misleading
from compliance.keyword_settings import keywords_of
from compliance.keyword_table import language_of
from compliance.lexicon import EVERYWHERE
from compliance.own_keywords import table_of
from compliance.spoken import languages_of_country


@dataclass(frozen=True)
class ConsentWords:
    """How words of customers are read in these languages. `own` are the account's own keywords."""

    languages: frozenset[str] = frozenset({EVERYWHERE})
    table: Mapping[str, str] = field(default_factory=dict)
    own: tuple[tuple[str, str], ...] = ()

    def read(self, words: str, languages: Iterable[str] = ()) -> Reading:
        """Read a message of nothing but these words, in further languages too."""
        enabled = self.languages | frozenset(map(language_of, filter(None, languages)))
        context = Context(own_keywords=self.table)
        return classify(words, languages=enabled, context=context)

    def is_keyword(self, words: str) -> bool:
        """Say whether such a message reaches no rule: a bare YES does, unless somebody left."""
        reading = self.read(words)
        return reading.kind == "exact" and not reading.is_weak_yes

    def is_wish(self, words: str) -> bool:
        """Say whether such a message stops everything automatic: no reply answers it."""
        return self.is_keyword(words) or self.read(words).label == "opt_out"

    def misleading(self, text: str) -> tuple[Invitation, ...]:
        """Return the words that a text of ours invites for another meaning than they have."""
        return misleading(text, self.own)


PLAIN = ConsentWords()


def consent_words(account: Account, languages: Iterable[str] = ()) -> ConsentWords:
    """Return how words are read in an account; `languages` are those of the inbox and its texts."""
    country = account.default_country or ""
    spoken = (*languages_of_country(country), *filter(None, languages))
    enabled = frozenset(map(language_of, spoken)) | {EVERYWHERE}
    rows = [row.value for row in keywords_of(account.pk)]
    own = tuple((row.word, row.action) for row in rows if row.action != "none")
    return ConsentWords(enabled, table_of(rows, languages=enabled, country=country), own)
