"""Which Twilio account does an account use, and with which credentials?"""

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts.administrators import Administrator, administrator
from accounts.models import Account, TwilioAccount
from inbox.models import DriftFinding
from inbox.setup import connections, subaccounts
from inbox.setup.connections import Credentials
from inbox.setup.drift import look_at
from inbox.setup.holding import what_it_holds
from inbox.setup.refusals import SetUpError
from inbox.twilio.errors import TwilioAwayError
from inbox.views.settings.answers import REFUSALS, posted_number, tell

TYPED = ("account_sid", "auth_token", "auth_token_next", "api_key_sid", "api_key_secret")
SECRET_INPUTS = ("auth_token", "auth_token_next", "api_key_secret")
_SIDS = {
    "account_sid": (re.compile(r"AC[0-9a-f]{32}"), gettext_lazy("A SID is AC and 32 characters.")),
    "api_key_sid": (re.compile(r"SK[0-9a-f]{32}"), gettext_lazy("A key is SK and 32 characters.")),
}


def _secret(label: Any, help_text: Any = "", *, is_required: bool = False) -> forms.CharField:
    """Make a field that goes in and never comes out: a page that comes back has it empty."""
    widget = forms.PasswordInput(
        render_value=False, attrs={"autocomplete": "off", "spellcheck": "false"}
    )
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=is_required,
        max_length=200,
        widget=widget,
        error_messages={"required": gettext_lazy("Copy it from the Twilio console.")},
    )


class SecretsForm(forms.Form):
    """New tokens or a new key of a connection; empty stays as it is."""

    auth_token = _secret(gettext_lazy("New auth token"), gettext_lazy("Empty: as it is."))
    auth_token_next = _secret(
        gettext_lazy("Next auth token"),
        gettext_lazy(
            "While you rotate tokens: Twilio's secondary token. Both count until you promote it."
        ),
    )
    api_key_sid = forms.CharField(
        label=gettext_lazy("API key SID"),
        help_text=gettext_lazy("Optional: messages are then sent with this key."),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    api_key_secret = _secret(gettext_lazy("API key secret"))

    def clean(self) -> dict[str, Any]:
        """Refuse SIDs of the wrong shape before Twilio is asked."""
        cleaned: dict[str, Any] = super().clean() or {}
        for name, (shape, words) in _SIDS.items():
            value = str(cleaned.get(name, "")).strip()
            if value and not shape.fullmatch(value):
                self.add_error(name, words)
        return cleaned

    def credentials(self, account_sid: str = "") -> Credentials:
        """Return what was typed."""
        typed = {name: str(self.cleaned_data.get(name, "")).strip() for name in TYPED}
        return Credentials(**{**typed, "account_sid": account_sid or typed["account_sid"]})


class ConnectForm(SecretsForm):
    """The Twilio account that an account brings."""

    account_sid = forms.CharField(
        label=gettext_lazy("Account SID"),
        help_text=gettext_lazy("On the first page of the Twilio console, under Account Info."),
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Copy it from the Twilio console.")},
    )
    auth_token = _secret(
        gettext_lazy("Auth token"),
        gettext_lazy("It proves that a message really comes from Twilio."),
        is_required=True,
    )
    field_order = TYPED


@sensitive_post_parameters(*SECRET_INPUTS)
@sensitive_variables()
@require_http_methods(["GET", "POST"])
def connection(request: HttpRequest) -> HttpResponse:
    """Show the connection; connect, change tokens, promote, forget, check."""
    who = administrator(request)
    if request.method == "POST":
        return _posted(request, who)
    return _page(request, who)


@sensitive_variables()
def _posted(request: HttpRequest, who: Administrator) -> HttpResponse:
    do = request.POST.get("do", "")
    if do == "connect":
        return _connect(request, who)
    if do == "open":
        return _open(request, who)
    row = _row(who, posted_number(request, "connection"))
    if do == "change":
        return _change(request, who, row)
    by: dict[str, Any] = {"connection": row, "by": who.user, "now": who.now}
    secret = request.POST.get("secret", "")
    stories: dict[str, tuple[Any, str]] = {
        "promote": (lambda: connections.promote_next_token(**by), _("Only the new token counts.")),
        "forget": (lambda: connections.forget_secret(**by, name=secret), _("Removed.")),
        "check": (lambda: _check(row, who), _("Twilio accepts the credentials.")),
    }
    if do not in stories or (row.is_ours and do != "check"):
        raise Http404
    tell(request, *stories[do])
    return HttpResponseRedirect(reverse("settings_connection"))


def _check(row: TwilioAccount, who: Administrator) -> None:
    connections.check_connection(connection=row)
    look_at(row, now=who.now)


@sensitive_variables()
def _connect(request: HttpRequest, who: Administrator) -> HttpResponse:
    if who.account.deployment != Account.Deployment.BYO_TWILIO:
        raise Http404
    if connections.connections_of(who.account):
        messages.info(request, _("Your Twilio was connected meanwhile: it stands here."))
        return HttpResponseRedirect(reverse("settings_connection"))
    form = ConnectForm(request.POST)
    if form.is_valid() and _is_done(
        form,
        lambda: connections.connect_twilio(
            account=who.account, typed=form.credentials(), by=who.user, now=who.now
        ),
    ):
        messages.success(request, _("Your Twilio is connected."))
        return HttpResponseRedirect(reverse("settings_connection"))
    return _page(request, who, connect=form)


@sensitive_variables()
def _change(request: HttpRequest, who: Administrator, row: TwilioAccount) -> HttpResponse:
    if row.is_ours:
        raise Http404
    form = SecretsForm(request.POST)
    if form.is_valid() and _is_done(
        form,
        lambda: connections.change_secrets(
            connection=row,
            typed=form.credentials(row.account_sid),
            by=who.user,
            now=who.now,
        ),
    ):
        messages.success(request, _("Saved: Twilio accepts what you typed."))
        return HttpResponseRedirect(reverse("settings_connection"))
    return _page(request, who, change=(row.pk, form))


def _is_done(form: forms.Form, story: Any) -> bool:
    """Run a story; what it refuses stands at its field of the form."""
    try:
        story()
    except SetUpError as error:
        form.add_error(error.field if error.field in form.fields else None, error.reason)
    except TwilioAwayError as error:
        form.add_error(None, _("%s Nothing was saved. Type the secrets again then.") % error.reason)
    except REFUSALS as error:
        form.add_error(None, error.reason)
    return not form.errors


def _open(request: HttpRequest, who: Administrator) -> HttpResponse:
    if who.account.deployment != Account.Deployment.CLOUD:
        raise Http404
    tell(
        request,
        lambda: subaccounts.open_subaccount(account=who.account, by=who.user, now=who.now),
        _("Your Twilio account is open. Now choose numbers."),
    )
    return HttpResponseRedirect(reverse("settings_connection"))


def _page(
    request: HttpRequest,
    who: Administrator,
    *,
    connect: ConnectForm | None = None,
    change: tuple[int, SecretsForm] | None = None,
) -> HttpResponse:
    rows = connections.connections_of(who.account)
    findings = DriftFinding.objects.filter(account=who.account, sender=None, resolved_at=None)
    by_row = {finding.twilio_account_id: finding for finding in findings}
    cards = [
        {
            "row": row,
            "finding": by_row.get(row.pk),
            "form": change[1] if change and change[0] == row.pk else SecretsForm(),
            "token_ending": connections.ending(row, "auth_token"),
            "next_ending": connections.ending(row, "auth_token_next"),
            "key_ending": connections.ending(row, "api_key_secret"),
        }
        for row in rows
    ]
    is_byo = who.account.deployment == Account.Deployment.BYO_TWILIO
    context = {
        "who": who,
        "here": "connection",
        "cards": cards,
        "is_byo": is_byo,
        "connect": (connect or ConnectForm()) if is_byo and not rows else None,
        "held": what_it_holds(rows) if "look" in request.GET else None,
    }
    has_errors = bool(connect or change)
    return render(request, "settings/connection.html", context, status=422 if has_errors else 200)


def _row(who: Administrator, pk: int | None) -> TwilioAccount:
    row = TwilioAccount.objects.filter(account=who.account, pk=pk).first() if pk else None
    if row is None:
        raise Http404
    return row
