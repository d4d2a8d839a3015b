"""Who is in this account for support? The banner that everybody of the account sees."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from accounts.support import banner_for
from accounts.support_views import support_in

register = template.Library()


@register.inclusion_tag("accounts/_support_banner.html", takes_context=True)
def support_banner(context: Any, account_id: int) -> dict[str, Any]:
    """Say who is here, why and until when; to themselves, how to leave. One query."""
    request: HttpRequest = context["request"]
    user = request.user
    assert isinstance(user, User)  # LoginRequiredMiddleware lets nobody else in.
    now = timezone.now()  # noqa: TID251 - a template is an edge
    said = banner_for(user, support_in(request), account_id, now=now)
    return {**said, "request": request, "csrf_token": context.get("csrf_token", "")}
