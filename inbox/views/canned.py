"""Which canned replies fit to what somebody types after a slash?"""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from inbox.abilities import Ability, abilities_of, part_of
from inbox.canned import LONGEST_SEARCH
from inbox.offering import offered, values_here
from inbox.refusals import NotAllowedError
from inbox.views.answers import Case, of_conversation

_WRITES = frozenset({Ability.REPLY, Ability.NOTE})


@require_GET
@of_conversation
def canned(request: HttpRequest, case: Case) -> HttpResponse:
    """Offer canned replies by words of their shortcut or text, filled in for this conversation.

    With `of=values` offer what texts may name instead: names, dates, what a card says.
    """
    if not _WRITES & abilities_of(
        case.viewer, case.conversation, part_of(case.viewer, case.conversation)
    ):
        return JsonResponse(NotAllowedError().as_dict(), status=NotAllowedError.status)
    words = " ".join(request.GET.get("q", "").replace("\0", "").split())[:LONGEST_SEARCH]
    if request.GET.get("of") == "values":
        values = values_here(case.conversation, words, by=case.user, now=case.now)
        return JsonResponse({"offered": [{"id": name, "text": text} for name, text in values]})
    found = offered(case.conversation, words, by=case.user, now=case.now)
    return JsonResponse({"offered": [one.as_json() for one in found]})
