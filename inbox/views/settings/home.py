"""What does an account have, and where is each part of it looked after?"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.administrators import administrator
from inbox.setup.connections import connections_of
from inbox.setup.overview import overview_of
from inbox.views.settings.finding import PAGE, Find


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Show the account, its teams and the one next step of each."""
    who, find = administrator(request), Find.of(request)
    overview = overview_of(who.account, now=who.now, words=find.words, after=find.after, most=PAGE)
    context = {
        "who": who,
        "here": "home",
        "overview": overview,
        "find": find,
        "next": find.next(overview.next_after),
        "connections": connections_of(who.account),
    }
    return render(request, "settings/home.html", context)
