"""Does a text of ours invite a reserved word for another meaning?

"Reply YES to confirm or CANCEL to change": Twilio opts out whoever answers CANCEL, and so do we
(compliance reference 1.4). Pure, for everything that is written once and sent often. A warning, not
a ban: who writes may know better.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from accounts.english import noop
from compliance.keyword_table import Class, keywords
from compliance.normalising import readable, without_accents


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[^\W_]+")
_ENDS = re.compile(r"[.!?;\n]+")
# An invitation, without accents; then at most so many words until the one that is invited.
_INVITES = _words(
    "reply replies answer text txt send write respond type say return responde "
    "responda contesta conteste envia envie escribe escriba repondez reponds envoyez "
    "ecrivez tapez antworten antworte antworten schreiben schreibe senden sende "
    "rispondi rispondere invia scrivi responder enviar antwoord stuur"
)
_BETWEEN = 3
_OR = _words("or and o y e ou et oder und of en")
# What a word may stand for: then it is invited for its own meaning.
_PURPOSES = {
    "opt_out": _words(
        "stop stops stopping unsubscribe unsubscribing optout opt out leave remove "
        "removed more further message messages text texts texting sms alert alerts "
        "end mensaje mensajes baja dejar arreter desinscrire desabonner plus messages "
        "nachricht nachrichten abmelden abbestellen abzumelden abzubestellen mensagem "
        "mensagens sair parar messaggi cancellarti disiscriverti berichten afmelden"
    ),
    "opt_in": _words(
        "start opt subscribe resubscribe join rejoin in again back return receive get "
        "messages texts recibir volver mensajes suscribirse recevoir revenir messages "
        "anmelden wieder zuruck nachrichten receber voltar ricevere"
    ),
    "help": _words(
        "help info information assistance support question questions ayuda "
        "informacion aide hilfe hilfen ajuda aiuto hulp"
    ),
}
# Parts of "end messages": alone they say what is meant only beside a word for messages.
_WEAK_PURPOSES = {"end", "more", "further", "out", "in", "get", "again", "back", "plus", "start"}
_FAR = 99
_LOOKED_AT = 7  # words after it that say what it is for


@dataclass(frozen=True)
class Invitation:
    """A reserved word that is invited for something else: the word, and what it does in truth."""

    word: str
    label: str

    def __str__(self) -> str:
        """Say it to who writes the text."""
        does = {
            "opt_out": noop("opts the customer out: they get nothing more until they text START"),
            "opt_in": noop("is a wish to get messages again, and no other answer for who left"),
            "help": noop("is answered with the help text, and reaches nobody"),
        }[self.label]
        return noop("The text invites “%(word)s” for something else, but that word %(does)s.") % {
            "word": self.word,
            "does": does,
        }


def misleading(text: str, own: Iterable[tuple[str, str]] = ()) -> tuple[Invitation, ...]:
    """Return the reserved words that a text invites for another meaning, each once.

    `own` are the account's own keywords: word and label. A word of another language counts where it
    stands in capitals or quotation marks, as an invitation writes it; anybody may send it.
    """
    reserved = {**_shipped(), **{_form(word): label for word, label in own}}
    found = (one for sentence in _ENDS.split(text) for one in _in_sentence(sentence, reserved))
    return tuple({one.word: one for one in found}.values())


def _in_sentence(sentence: str, reserved: Mapping[str, str]) -> Iterator[Invitation]:
    cased = _WORD.findall(sentence)
    words = [_form(word) for word in cased]
    asked = last = -_FAR
    for at, word in enumerate(words):
        is_shouted = cased[at].isupper() and len(word) > 1
        is_reserved = word in reserved and (is_shouted or word not in _ordinary())
        is_next = at - last <= _LOOKED_AT and (is_shouted or words[at - 1] in _OR)
        if is_reserved and (at - asked <= (_BETWEEN if is_shouted else 1) or is_next):
            # What was asked for is found; "STOP to unsubscribe" invites one word, not two.
            asked, last = -_FAR, at
            if not _is_for_itself(words[at + 1 : at + 1 + _LOOKED_AT], reserved[word], reserved):
                yield Invitation(cased[at], reserved[word])
        elif word in _INVITES:
            asked = at


def _is_for_itself(after: list[str], label: str, reserved: Mapping[str, str]) -> bool:
    """Say whether what follows, up to the next word that is invited, is what the word does."""
    said = set()
    for at, word in enumerate(after):
        if at and after[at - 1] in _OR and word in reserved and reserved[word] != label:
            break
        said.add(word)
    meant = said & _PURPOSES[label]
    return not after or bool(meant - _WEAK_PURPOSES) or len(meant) > 1


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, str]:
    return {_form(row.word): row.label for row in reversed(keywords())}


@lru_cache(maxsize=1)
def _ordinary() -> frozenset[str]:
    """Return our words that are ordinary ones too, or are of one language only."""
    free = (Class.UNIVERSAL, Class.PROVIDER_COLLISION, Class.WEAK)
    always = {_form(row.word) for row in keywords() if row.kind in free}
    return frozenset(_shipped()) - always


def _form(word: str) -> str:
    return without_accents(readable(word)).casefold()
