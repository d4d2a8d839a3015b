"""Does every answer come with the policy, whether it was put together for it or kept?"""

from csp.constants import HEADER
from csp.decorators import csp_exempt, csp_update
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config.csp import KeptPolicy


def policy_of(middleware: KeptPolicy) -> str | None:
    answer = middleware(RequestFactory().get("/"))
    assert isinstance(answer, HttpResponse)
    return answer.headers.get(HEADER)


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


def test_every_answer_has_the_same_policy() -> None:
    middleware = KeptPolicy(plain)

    first, second = policy_of(middleware), policy_of(middleware)

    assert first == second
    assert first
    assert "default-src 'none'" in first or "default-src 'self'" in first


def test_errors_have_it_too() -> None:
    middleware = KeptPolicy(plain)
    policy_of(middleware)

    for status in (403, 404, 500):
        failing = KeptPolicy(lambda request, status=status: HttpResponse(status=status))
        assert policy_of(failing) == policy_of(middleware)


def test_what_an_answer_says_of_the_policy_itself_counts_for_it_alone() -> None:
    middleware = KeptPolicy(plain)
    usual = policy_of(middleware)
    assert usual

    for decorate, wanted in (
        (csp_exempt(), None),
        (csp_update({"img-src": "https://example.com"}), "https://example.com"),
    ):
        middleware.get_response = decorate(plain)
        found = policy_of(middleware)
        assert found is None if wanted is None else wanted in (found or "")
    middleware.get_response = lambda request: HttpResponse(headers={HEADER: "sandbox"})
    assert policy_of(middleware) == "sandbox"
    middleware.get_response = plain
    assert policy_of(middleware) == usual
