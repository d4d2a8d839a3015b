"""Which WhatsApp senders and templates does the account have, and can they be used?"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.access import feature_is_on
from accounts.administrators import Administrator, administrator
from accounts.models import Feature, TwilioAccount
from accounts.secrets import SecretUnreadableError
from inbox.models import WhatsAppSync, WhatsAppTemplate
from inbox.setup.connections import connections_of
from inbox.setup.whatsapp import GONE, sender_lines, template_counts, template_page
from inbox.setup.whatsapp_sync import WhatsAppOffError, sync_whatsapp
from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError


@require_GET
def whatsapp(request: HttpRequest) -> HttpResponse:
    """Show senders with their state, and a page of templates."""
    who = administrator(request)
    status = request.GET.get("state", "")
    counts = template_counts(who.account)
    context = {
        "who": who,
        "here": "whatsapp",
        "is_on": feature_is_on(who.account.pk, Feature.WHATSAPP, now=who.now),
        "ask_url": _address_to_ask(),
        "lines": sender_lines(who.account, now=who.now),
        "templates": template_page(who.account, status=status, after=request.GET.get("after", "")),
        "filters": _filters(counts, status),
        "state": status,
        "syncs": WhatsAppSync.objects.filter(twilio_account__account=who.account)
        .select_related("twilio_account")
        .defer(*_SECRETS),
        "has_twilio": bool(connections_of(who.account)),
    }
    return render(request, "settings/whatsapp.html", context)


@require_POST
def whatsapp_sync(request: HttpRequest) -> HttpResponse:
    """Ask Twilio now, about every Twilio account of this account."""
    who = administrator(request)
    changed, asked = 0, 0
    for twilio_account in connections_of(who.account):
        done = _sync(request, who, twilio_account)
        if done is not None:
            changed, asked = changed + done, asked + 1
    if asked:
        messages.success(request, _words(changed))
    return HttpResponseRedirect(reverse("settings_whatsapp"))


def _sync(request: HttpRequest, who: Administrator, twilio_account: TwilioAccount) -> int | None:
    try:
        return len(sync_whatsapp(twilio_account=twilio_account, now=who.now, by=who.user))
    except (TwilioRefusedError, TwilioAwayError, WhatsAppOffError, SecretUnreadableError) as error:
        messages.error(request, f"{twilio_account}: {error.reason}")
    return None


def _words(changed: int) -> str:
    if not changed:
        return _("Twilio was asked: nothing has changed.")
    words = ngettext("%(n)d change.", "%(n)d changes.", changed) % {"n": changed}
    return _("Twilio was asked: %(changes)s") % {"changes": words}


def _filters(counts: dict[str, int], chosen: str) -> list[tuple[str, str, int, bool]]:
    """Return (value, label, how many, whether it is chosen) for every state that there is."""
    there = sum(number for status, number in counts.items() if status != GONE)
    labels = [("", _("All"), there)]
    labels += [
        (status.value, str(status.label), counts[status.value])
        for status in WhatsAppTemplate.Status
        if counts.get(status.value)
    ]
    if counts.get(GONE):
        labels.append((GONE, _("Gone at Twilio"), counts[GONE]))
    return [(value, label, number, value == chosen) for value, label, number in labels]


def _address_to_ask() -> str:
    """Return where the account can ask its partner for WhatsApp."""
    try:
        return reverse("settings_features")
    except NoReverseMatch:
        return ""


_SECRETS = [
    f"twilio_account__{name}"
    for name in ("auth_token", "auth_token_next", "api_key_secret", "shared_key")
]
