"""In which words does an inbox answer STOP, START and HELP, in the customer's language?

Blank of a language is no text of it. The chain is that of automatic replies: the language noted for
the customer, the one they wrote in, the inbox's own; an exact one before one of the same family
(pt-BR, pt).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from compliance.consent_texts import Kind
from inbox.models import TeamInbox

FIELDS: Mapping[Kind, str] = {
    Kind.OPT_OUT: "opt_out_text",
    Kind.OPT_IN: "opt_in_text",
    Kind.HELP: "help_text",
}


@dataclass(frozen=True)
class Wording:
    """What is said, and in which language."""

    text: str
    language: str


def consent_wording(inbox: TeamInbox, kind: Kind, languages: Iterable[str] = ()) -> Wording:
    """Return the text that answers somebody whose languages are these, the best first.

    `languages` are tags; those without a text of the inbox are passed over, and at the end stands
    the inbox's own text, which is always there.
    """
    texts = texts_in(inbox, kind)
    for wanted in filter(None, languages):
        if code := _nearest(wanted, texts):
            return Wording(texts[code], code)
        if _base(wanted) == _base(own_language(inbox)):
            break
    return Wording(getattr(inbox, FIELDS[kind]), own_language(inbox))


def own_language(inbox: TeamInbox) -> str:
    """Return the language of the inbox's own texts."""
    return inbox.language or "en"


def texts_in(inbox: TeamInbox, kind: Kind) -> dict[str, str]:
    """Return the texts in further languages, by their codes."""
    kept = inbox.consent_texts.get(kind.value, {})
    return {str(code): str(text) for code, text in kept.items() if text}


def _nearest(wanted: str, texts: Mapping[str, str]) -> str:
    """Return the code of the text in this language, or in one of its family; blank if none is."""
    same = [code for code in texts if _base(code) == _base(wanted)]
    exact = (code for code in same if code.casefold() == wanted.casefold())
    return next(exact, same[0] if same else "")


def _base(tag: str) -> str:
    return tag.casefold().replace("_", "-").partition("-")[0]
