"""May this text answer STOP, START or HELP? What must stand in it, and what may not.

Pure. Twilio and the carriers ask for 20 to 320 characters, an answer to STOP that acknowledges it
and says that no more messages follow, and who is speaking (compliance reference 1.3; Twilio's
description of A2P campaigns); 47 CFR 64.1200(a)(12) allows nothing of marketing in it. This is how
the product behaves, not legal advice.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from compliance.keyword_table import keywords, language_of
from compliance.promoting import plain_words, promotion_in

SHORTEST, LONGEST = 20, 320


class Kind(StrEnum):
    """Which of the three texts."""

    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"


@dataclass(frozen=True)
class TextProblem:
    """What is wrong with a text, in words. A warning wants a second look and forbids nothing."""

    kind: Kind
    words: str
    is_error: bool = True


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# How a language says that no more messages follow: without accents, in small letters.
_ENDS: dict[str, tuple[str, ...]] = {
    "en": (
        *("no more", "no further", "nothing more", "not receive", "not get", "not send"),
        *("no longer receive", "no longer get", "no longer send", "not hear from us"),
        *("wont receive", "wont get", "wont send", "stop sending", "not be contacted"),
    ),
    "es": ("no mas", "no recibira", "no recibiras", "no enviaremos", "ningun mensaje mas"),
    "fr": (
        "plus de message",
        "plus aucun message",
        "plus recevoir",
        "recevrez plus",
        "enverrons p",
    ),
    "de": ("keine weiteren", "keine nachrichten mehr", "nichts mehr", "nicht mehr schreiben"),
    "pt": (
        "nao recebera",
        "nao recebera mais",
        "nao enviaremos",
        "nenhuma mensagem",
        "mais nenhum",
    ),
    "it": ("non ricevera", "non riceverai", "nessun altro", "non invieremo", "piu messaggi"),
    "nl": ("geen berichten meer", "niets meer", "geen verdere"),
}
_LEGAL_FORMS = _words("inc ltd llc gmbh corp co sa sas srl sl plc ag bv oy ab as kg")
_WORD = re.compile(r"[^\W_]+")


def text_problems(
    kind: Kind, text: str, *, language: str, names: Iterable[str]
) -> tuple[TextProblem, ...]:
    """Return everything that is wrong with a text. `names` are what the business is called."""
    problems = [*_of_size(text), *_of_content(kind, text, language_of(language), tuple(names))]
    return tuple(TextProblem(kind, words, is_error) for words, is_error in problems)


def _of_size(text: str) -> Iterator[tuple[str, bool]]:
    length = len(text.strip())
    if not SHORTEST <= length <= LONGEST:
        yield f"It has {length} characters; it must have {SHORTEST} to {LONGEST}.", True


def _of_content(
    kind: Kind, text: str, language: str, names: tuple[str, ...]
) -> Iterator[tuple[str, bool]]:
    plain = plain_words(text)
    if not any(_is_named(name, plain) for name in names):
        known = " or ".join(f"“{name}”" for name in dict.fromkeys(names) if name.strip())
        yield f"It does not say who is writing: name {known or 'your business'}.", True
    if kind is Kind.OPT_OUT:
        if language not in _ENDS:
            yield "Does it say that no more messages follow? We cannot read this language.", False
        elif not any(phrase in plain for phrase in _ENDS[language]):
            yield "It does not say that no more messages follow.", True
    elif not _invites_to_stop(plain):
        yield "It does not say how to stop messages, such as “Reply STOP to stop”.", False
    if offer := promotion_in(text):
        yield f"“{offer}” is marketing, which may not stand in this answer.", True


def _is_named(name: str, plain: str) -> bool:
    words = _WORD.findall(plain_words(name))
    while len(words) > 1 and words[-1] in _LEGAL_FORMS:
        words.pop()
    return bool(words) and f" {' '.join(words)} " in f" {' '.join(_WORD.findall(plain))} "


def _invites_to_stop(plain: str) -> bool:
    said = set(_WORD.findall(plain))
    return any(plain_words(row.word) in said for row in keywords() if row.label == "opt_out")


_SUGGESTED: dict[str, dict[Kind, str]] = {
    "en": {
        Kind.OPT_OUT: "{name}: You are unsubscribed and will get no more messages. "
        "Reply START to return.",
        Kind.OPT_IN: "{name}: You are subscribed again. Reply STOP to stop, HELP for help.",
        Kind.HELP: "{name}: Write your question here and we will answer. Reply STOP to stop.",
    },
    "es": {
        Kind.OPT_OUT: "{name}: Se ha dado de baja y no recibirá más mensajes. "
        "Responda START para volver.",
        Kind.OPT_IN: "{name}: Vuelve a recibir mensajes. Responda STOP para darse de baja.",
        Kind.HELP: "{name}: Escriba aquí su pregunta y le responderemos. "
        "Responda STOP para darse de baja.",
    },
    "fr": {
        Kind.OPT_OUT: "{name} : vous êtes désinscrit et ne recevrez plus de messages. "
        "Répondez START pour revenir.",
        Kind.OPT_IN: "{name} : vous recevez à nouveau nos messages. Répondez STOP pour arrêter.",
        Kind.HELP: "{name} : posez votre question ici et nous répondrons. "
        "Répondez STOP pour arrêter.",
    },
    "de": {
        Kind.OPT_OUT: "{name}: Sie sind abgemeldet und erhalten keine weiteren Nachrichten. "
        "Mit START kommen Sie zurück.",
        Kind.OPT_IN: "{name}: Sie erhalten wieder Nachrichten. Antworten Sie STOP zum Abmelden.",
        Kind.HELP: "{name}: Schreiben Sie Ihre Frage hierher, wir antworten. "
        "Mit STOP melden Sie sich ab.",
    },
}


def suggested(kind: Kind, language: str, name: str) -> str:
    """Return a text that may stand, to begin from; blank in languages we have none for."""
    return _SUGGESTED.get(language_of(language), {}).get(kind, "").format(name=name)
