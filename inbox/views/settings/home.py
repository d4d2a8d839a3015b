"""What does an account have, and where is each part of it looked after?"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.administrators import administrator
from accounts.models import Team


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Show the account and its teams."""
    who = administrator(request)
    teams = Team.objects.filter(account=who.account).select_related("inbox")
    return render(request, "settings/home.html", {"who": who, "here": "home", "teams": teams})
