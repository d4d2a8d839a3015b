"""How does a program come in? With a key in the place of a log-in, and so many times a minute."""

from io import BytesIO
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from accounts.english import noop
from accounts.json_text import JsonError, check_json
from accounts.models import ApiKey, User
from accounts.programs import ProgramError, act_as, key_in, key_of, note_use

if TYPE_CHECKING:
    # It reads these classes from the settings: at run time either would wait for the other.
    from rest_framework.views import APIView

SCHEME = "bearer"
# What a view says of itself that keeps nothing of what is asked with `"check": true`.
CHECKS = "keeps_nothing_of_checks"
MOST_BYTES = 8 * 1024 * 1024


class Json(JSONParser):
    """JSON, and nothing that parses and cannot be kept."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return what a request says. Raises ParseError in words."""
        sent = stream.read(MOST_BYTES + 1)
        if len(sent) > MOST_BYTES:
            raise ParseError(noop("This is too long: at most 8 MB are read."))
        try:
            found = super().parse(BytesIO(sent), media_type, parser_context)
            check_json(found)
        except JsonError as refused:
            raise ParseError(refused.reason) from refused
        except RecursionError as error:
            raise ParseError(noop("This is nested too deeply.")) from error
        return found


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer tik_…`. No cookie is read, so nothing can be forged across sites."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """Return the program whose key is shown; None where none is. Raises AuthenticationFailed.

        A key counts more than a session that comes with it.
        """
        scheme, _blank, shown = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME:
            return None
        now = timezone.now()
        try:
            key = key_of(shown.strip(), now=now)
        except ProgramError as refused:
            raise AuthenticationFailed(refused.reason) from refused
        note_use(key, request._request, now=now)
        act_as(request._request, key)
        return key.program, key

    def authenticate_header(self, request: Request) -> str:
        """Say how to come in."""
        return 'Bearer realm="api"'


class IsSomebody(BasePermission):
    """People who are logged in, and programs: those whose key only reads change nothing.

    They may have looked at what would change, where a view keeps nothing of what is a `check`.
    """

    message = noop("This key may only read.")

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Say whether they may come in for this."""
        key = key_in(request._request)
        if key is None:
            return request.user.is_authenticated
        if key.may_change or request.method in SAFE_METHODS:
            return True
        return getattr(view, CHECKS, False) and _is_check(request)


def _is_check(request: Request) -> bool:
    return isinstance(request.data, dict) and request.data.get("check") is True


class KeyThrottle(SimpleRateThrottle):
    """So many requests a minute with one key; people are not counted."""

    scope = "program"

    def get_rate(self) -> str:
        """Return how many, such as 120/min."""
        rate: str = settings.API_KEY_RATE
        return rate

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        """Return what is counted together; None for people."""
        key = key_in(request._request)
        return self.cache_format % {"scope": self.scope, "ident": key.pk} if key else None
