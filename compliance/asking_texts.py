"""In which words is somebody asked whether they consent, and what they keep after an opt-out?

Pure. A question whether they consent is held to what promotion is held to: it says who asks, how to
say yes, and how to stop. A clarifying text has no marketing, says that nothing more comes, and asks
which programme they keep (47 CFR 64.1200(a)(12): silence revokes all). Product behaviour, not legal
advice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from compliance.consent_texts import Kind, TextProblem, text_problems
from compliance.keyword_table import language_of
from compliance.normalising import readable, without_accents
from compliance.programmes import Programme
from compliance.wording import says_how_to_stop

PLACE = "{programmes}"
LONGEST_TEXT = 320


class AskingKind(StrEnum):
    """Which of the two texts."""

    CONFIRM = "confirm"
    CLARIFY = "clarify"


_SUGGESTED: Mapping[str, Mapping[AskingKind, str]] = {
    "en": {
        AskingKind.CONFIRM: "{name}: Reply YES to confirm that we may send you messages. "
        "Msg & data rates may apply. Reply STOP to stop, HELP for help.",
        AskingKind.CLARIFY: "{name}: You are unsubscribed and will get no more messages. "
        "To keep one kind only, reply with its number: {programmes}. START brings all back.",
    },
    "es": {
        AskingKind.CONFIRM: "{name}: Responda YES o SÍ para confirmar que podemos enviarle "
        "mensajes. Responda STOP para darse de baja.",
        AskingKind.CLARIFY: "{name}: Se ha dado de baja y no recibirá más mensajes. "
        "Para conservar solo uno, responda con su número: {programmes}. START los recupera todos.",
    },
    "fr": {
        AskingKind.CONFIRM: "{name} : répondez OUI pour confirmer que nous pouvons vous écrire. "
        "Répondez STOP pour arrêter.",
        AskingKind.CLARIFY: "{name} : vous êtes désinscrit et ne recevrez plus de messages. "
        "Pour n’en garder qu’un, répondez par son numéro : {programmes}. START les rétablit tous.",
    },
    "de": {
        AskingKind.CONFIRM: "{name}: Antworten Sie JA, damit wir Ihnen Nachrichten senden dürfen. "
        "Antworten Sie STOP zum Abmelden.",
        AskingKind.CLARIFY: "{name}: Sie sind abgemeldet und erhalten keine weiteren Nachrichten. "
        "Um nur eine Art zu behalten, antworten Sie mit ihrer Nummer: {programmes}. "
        "Mit START kommt alles zurück.",
    },
}
LANGUAGES = tuple(sorted(_SUGGESTED))


def suggested(kind: AskingKind, language: str, name: str) -> str:
    """Return a text that may stand, to begin from; blank in languages we have none for."""
    text = _SUGGESTED.get(language_of(language), {}).get(kind, "")
    return text.replace("{name}", name)


def asking_text(
    kind: AskingKind, texts: Mapping[str, Mapping[str, str]], languages: Iterable[str], name: str
) -> tuple[str, str]:
    """Return the text that asks somebody whose languages are these, the best first, and its own.

    Of each language the account's text comes before ours; at the end stands English.
    """
    own = texts.get(kind.value, {})
    for tag in (*filter(None, languages), "en"):
        exact = own.get(tag) or next(
            (text for code, text in own.items() if language_of(code) == language_of(tag)), ""
        )
        if text := exact or suggested(kind, tag, name):
            return text, language_of(tag)
    raise AssertionError("English has a text always")


def with_programmes(text: str, programmes: Sequence[Programme]) -> str:
    """Put the programmes and their numbers into a clarifying text."""
    named = ", ".join(f"{one.number} {one.name}" for one in programmes)
    return text.replace(PLACE, named)


def asking_problems(
    kind: AskingKind,
    text: str,
    *,
    language: str,
    names: Iterable[str],
    programmes: Sequence[Programme] = (),
) -> tuple[TextProblem, ...]:
    """Return everything that is wrong with a text of an account, the worst first."""
    held_to = Kind.OPT_OUT if kind is AskingKind.CLARIFY else Kind.OPT_IN
    # What a programme is called is no marketing: the text may ask which kinds they keep.
    named = with_programmes(PLACE, programmes)
    whole = text.replace(PLACE, "x" * len(named))
    found = text_problems(held_to, whole, language=language, names=names)
    own = _of_confirm(text) if kind is AskingKind.CONFIRM else _of_clarify(text)
    return (*(TextProblem(held_to, words) for words in own), *found)


def _of_confirm(text: str) -> Iterator[str]:
    if not set(_plain(text).split()) & _YES_WORDS:
        yield "It does not say how to say yes, such as “Reply YES”."
    if not says_how_to_stop(text):
        yield "It does not say how to stop, such as “Reply STOP to stop”."


def _of_clarify(text: str) -> Iterator[str]:
    if text.count(PLACE) != 1:
        yield f"It must have {PLACE} once: there the numbers and names are put."


_YES_WORDS = frozenset(
    {"yes", "y", "si", "oui", "ja", "sim", "tak", "evet", "да", "نعم", "כן", "是", "はい", "네"}
    | {"start", "confirm"}
)


def _plain(text: str) -> str:
    kept = (char if char.isalnum() else " " for char in without_accents(readable(text)))
    return "".join(kept)
