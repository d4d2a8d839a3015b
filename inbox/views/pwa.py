"""What makes the pages an app that can be installed, and says so when there is no network?

Nothing here knows a person: all of it is the same for everybody and may be kept by a browser.
"""

import hashlib
from functools import lru_cache

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

# What the offline page needs; the worker keeps these files and no others.
KEPT_FILES = ("inbox/base.css", "inbox/inbox.css", "inbox/icons.svg", "inbox/favicon.svg")
ICONS = (
    ("inbox/app-192.png", "192x192", "any"),
    ("inbox/app-512.png", "512x512", "any"),
    ("inbox/app-maskable-512.png", "512x512", "maskable"),
)


@login_not_required
@require_safe
@never_cache
def service_worker(request: HttpRequest) -> HttpResponse:
    """Give the script that wakes when a message comes, and stands in when the network is away."""
    files = [static(name) for name in KEPT_FILES]
    context = {
        "files": files,
        "offline_url": reverse("offline"),
        "icon": static(ICONS[0][0]),
        "version": _version(tuple(files), get_language() or ""),
        "app_name": _("Team Inbox"),
    }
    answer = render(request, "pwa/sw.js", context, content_type="text/javascript; charset=utf-8")
    answer["Service-Worker-Allowed"] = "/"
    return answer


@login_not_required
@require_safe
@cache_control(max_age=3600)
def manifest(request: HttpRequest) -> HttpResponse:
    """Say what the app is called and how it looks."""
    facts = {
        "id": "/",
        "name": _("Team Inbox"),
        "short_name": _("Inbox"),
        "lang": get_language() or settings.LANGUAGE_CODE,
        "start_url": reverse("home"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#3b53d6",
        "icons": [
            {"src": static(name), "sizes": sizes, "type": "image/png", "purpose": purpose}
            for name, sizes, purpose in ICONS
        ],
    }
    return JsonResponse(facts, content_type="application/manifest+json")


@login_not_required
@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """Say that there is no network, and offer to try again. It stands at whatever was asked for."""
    return render(request, "pwa/offline.html")


@lru_cache(maxsize=8)
def _version(files: tuple[str, ...], language: str) -> str:
    """Name what is kept, so that another build keeps its own."""
    told = "\n".join((settings.BUILD, language, *files))
    return hashlib.sha256(told.encode()).hexdigest()[:12]
