"""In which language is somebody spoken to?

Their own choice stands on their profile. Who chose none, or is not logged in, is answered in the
best of our languages that their browser asks for. What is stored for several readers, and what
leaves for the outside, is English.
"""

from collections.abc import Callable, Iterable
from itertools import groupby

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation.trans_real import get_supported_language_variant as variant_of
from django.utils.translation.trans_real import parse_accept_lang_header

from accounts.english import ENGLISH
from accounts.models import User

View = Callable[[HttpRequest], HttpResponse]
LANGUAGES = tuple(code for code, _name in settings.LANGUAGES)
# Providers call the first; the second is the workshop of the platform's own people.
ALWAYS_ENGLISH = ("/hooks/", "/admin/")


def speak_their_language(get_response: View) -> View:
    """Answer who is logged in, in the language of their profile."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if language := _language_for(request):
            translation.activate(language)
            request.LANGUAGE_CODE = translation.get_language()
        return get_response(request)

    return middleware


def _language_for(request: HttpRequest) -> str:
    if request.path.startswith(ALWAYS_ENGLISH):
        return ENGLISH
    user = request.user
    return chosen_by(user) if isinstance(user, User) else ""


def chosen_by(user: User) -> str:
    """Return the language of a profile; nothing where none of ours is chosen."""
    return user.language if user.language in LANGUAGES else ""


def language_of(user: User | None) -> str:
    """Return the language to write to somebody in, where no browser asks."""
    return (user and chosen_by(user)) or ENGLISH


def language_heard(user: User, accepted: str) -> str:
    """Return the language for somebody whose browser accepts these (`es-MX,es;q=0.9`)."""
    return chosen_by(user) or _best_of(accepted)


def _best_of(accepted: str) -> str:
    for code, _weight in parse_accept_lang_header(accepted):
        try:
            return variant_of(code)
        except LookupError:
            continue
    return ENGLISH


def by_language(people: Iterable[User]) -> list[tuple[str, list[User]]]:
    """Sort people by the language to write to them in: one letter for each, to several."""
    known = sorted(people, key=language_of)
    return [(language, list(group)) for language, group in groupby(known, language_of)]
