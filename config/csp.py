"""What may a page of ours load? The same for all but a few, so it is written down only once."""

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class KeptPolicy(CSPMiddleware):
    """django-csp, which puts the policy together anew for every answer, only asked where it must.

    That is for an answer that is an error, or that has a word of its own to say on the policy.
    """

    kept = ""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Set the header of an answer."""
        if not _is_like_others(request, response):
            return self._asked(request, response)
        if not self.kept:
            self.kept = self._asked(request, response).headers[HEADER]
        response.headers[HEADER] = self.kept
        return response

    def _asked(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        answer: HttpResponseBase = super().process_response(request, response)
        return answer


def _is_like_others(request: HttpRequest, response: HttpResponseBase) -> bool:
    has_own_words = any(name.startswith("_csp") for name in (*vars(response), *vars(request)))
    return response.status_code < 400 and HEADER not in response.headers and not has_own_words
