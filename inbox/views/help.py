"""Whom to ask, and what do marks and keys mean? One page, at the same place everywhere."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.administrators import administrators_of
from inbox.views.answers import reader

MOST_ADMINS = 10


@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    """Show what helps anybody who is logged in, licensed or not."""
    viewer, _user, _now = reader(request)
    admins = administrators_of(viewer.account_id, most=MOST_ADMINS)
    return render(request, "inbox/help.html", {"admins": admins})
