"""How does somebody opt out who cannot text STOP? One page, one button, no log-in.

Opening changes nothing, so that programs which look into links opt nobody out; pressing does.
Nothing is remembered in the browser, nobody else is told, and no script is needed.
"""

from typing import Any

from allauth.core.internal.ratelimit import consume
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.clients import ip_of
from accounts.models import Account
from compliance.addresses import Address
from compliance.evidence import EventKind, Evidence, Source, Wording
from compliance.opt_out_links import BadLinkError, Link, OldLinkError, read_link
from inbox.models import ContactAddress
from inbox.opt_out_words import CHANNELS, PAGE, VERSION, WORDS, Words, language_for
from inbox.opting_out import is_opted_out, opt_out

LONGEST_AGENT = 400


# The link itself is the permission, and there is no session that a foreign page could use. A form
# that needed a cookie would refuse people whose browser inside a messenger keeps none.
@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def opt_out_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show whose messages would stop, and stop them when that is confirmed."""
    now = timezone.now()
    try:
        link = read_link(token, now=now)
        account = Account.objects.only("pk", "name").get(pk=link.account_id)
    except OldLinkError:
        return _refused(request, "old", status=410)
    except (BadLinkError, Account.DoesNotExist):
        # Who guesses is slowed down; who has a link is in nobody's way.
        if not _may_go_on(request, "opt_out_guess"):
            return _refused(request, "busy", status=429)
        return _refused(request, "bad", status=404)
    if not _may_go_on(request, "opt_out_link", key=token):
        return _refused(request, "busy", status=429)
    language = _language(request, link)
    if request.method != "POST":
        state = "already" if is_opted_out(account.pk, link.address, now=now) else "question"
        return _page(request, language, _said(language, account, link.address), state)
    said = _said(language, account, link.address)
    opt_out(
        account_id=account.pk,
        address=link.address,
        evidence=_evidence(request, language, said),
        now=now,
    )
    return _page(request, language, said, "done")


def _may_go_on(request: HttpRequest, action: str, key: str = "") -> bool:
    """Count an attempt, of looking too; the limits are those of ACCOUNT_RATE_LIMITS."""
    app = "allauth.account"
    return bool(consume(request, app=app, action=action, key=key, limit_get=True))


def _said(language: str, account: Account, address: Address) -> dict[str, str]:
    """Return the sentences of the page, with the business, the channel and the last digits."""
    words, family = WORDS[language], address.consent_family
    facts = {
        "business": account.name,
        "ending": address.key[-2:],
        "channel": CHANNELS.get(family, family),
    }
    names = ("question", "done", "already", "way_back")
    return {name: getattr(words, name).format(**facts) for name in names}


def _evidence(request: HttpRequest, language: str, said: dict[str, str]) -> Evidence:
    words = WORDS[language]
    shown = "\n".join((said["question"], words.what_follows, words.button))
    return Evidence(
        EventKind.OPT_OUT,
        Source.LINK,
        words=words.button,
        wording=Wording(PAGE, VERSION, language, shown),
        page_url=request.build_absolute_uri(request.path)[:LONGEST_AGENT],
        ip=ip_of(request) or "",
        user_agent=request.headers.get("User-Agent", "")[:LONGEST_AGENT],
    )


def _language(request: HttpRequest, link: Link | None = None) -> str:
    return language_for(
        asked=request.GET.get("lang", ""),
        accepts=request.headers.get("Accept-Language", ""),
        contact=_language_of(link) if link else "",
    )


def _language_of(link: Link) -> str:
    known = ContactAddress.objects.filter(
        account=link.account_id, key__in=link.address.sibling_keys
    )
    said = known.exclude(contact__language="").values_list("contact__language", flat=True)
    return said.order_by("pk").first() or ""


def _page(request: HttpRequest, language: str, said: dict[str, str], state: str) -> HttpResponse:
    context = {**_base(language), "state": state, "said": said}
    return _quiet(render(request, "opt_out/page.html", context))


def _refused(request: HttpRequest, why: str, *, status: int) -> HttpResponse:
    language = _language(request)
    words = WORDS[language]
    context = {
        **_base(language),
        "state": "refused",
        "headline": getattr(words, f"{why}_title"),
        "sentence": getattr(words, why),
    }
    return _quiet(render(request, "opt_out/page.html", context, status=status))


def _base(language: str) -> dict[str, Any]:
    others = [(code, one.name) for code, one in WORDS.items() if code != language]
    words: Words = WORDS[language]
    return {"language": language, "words": words, "others": others}


def _quiet(response: HttpResponse) -> HttpResponse:
    """Let no list of addresses hold the page, and nobody learn of it from where a reader goes."""
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response
