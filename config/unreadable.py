"""What is answered when a stored secret cannot be read? That, in words, and not "our mistake"."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts.secrets import SecretUnreadableError
from inbox.views.errors import secret_unreadable

logger = logging.getLogger(__name__)


class SayThatASecretIsUnreadable:
    """Answers 503 where a view needed a secret that no key opens: it helps when the key is back."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer as ever."""
        return self._answer(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Say what is the matter; anything else is not ours to answer."""
        if not isinstance(exception, SecretUnreadableError):
            return None
        logger.error("%s", exception.reason)
        if request.path.startswith(("/hooks/", "/api/")) or not request.accepts("text/html"):
            return JsonResponse({"error": exception.reason}, status=503)
        return secret_unreadable(request)
