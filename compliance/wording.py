"""Does a text say who writes and how to stop? What the gate asks of words (reference 11, G10)."""

from compliance.classify import invites
from compliance.keyword_table import keywords
from compliance.normalising import readable

BETWEEN = ": "


def names(text: str, business: str) -> bool:
    """Say whether a text names the business, whatever the case and the spaces."""
    wanted = _plain(business)
    return bool(wanted) and wanted in _plain(text)


def with_name(text: str, business: str) -> str:
    """Put the name of the business before a text that does not say it."""
    return text if not business or names(text, business) else f"{business}{BETWEEN}{text}"


def says_how_to_stop(text: str) -> bool:
    """Say whether a text tells the reader the word that ends it, in any language we know."""
    return any(invites(text, language) for language in sorted({row.language for row in keywords()}))


def _plain(text: str) -> str:
    return " ".join(readable(text).casefold().split())
