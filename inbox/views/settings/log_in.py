"""How do the people of an account log in: second factor, idle time, company sign-in?"""

from typing import Any

from allauth.socialaccount.adapter import get_adapter
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts import sign_on as stories
from accounts.administrators import Administrator, administrator
from accounts.logins import Policy, PolicyChangedError, change_policy
from accounts.models import SignOn, User
from accounts.sign_on import SignOnError, Wanted

LONGEST_IDLE = 12 * 60


class PolicyForm(forms.Form):
    """What the account asks of everybody's log-in."""

    requires_second_factor = forms.BooleanField(
        label=gettext_lazy("Everybody must have a second factor"),
        help_text=gettext_lazy(
            "Who has none yet is led to set one up before anything else opens, at once."
        ),
        required=False,
    )
    idle_minutes = forms.IntegerField(
        label=gettext_lazy("Log out after so many minutes without anybody there"),
        help_text=gettext_lazy("From 5 to 720. Empty: as everywhere in this installation."),
        min_value=5,
        max_value=LONGEST_IDLE,
        required=False,
    )
    # What the page showed; a form that does not say is not compared.
    seen_second_factor = forms.NullBooleanField(widget=forms.HiddenInput)
    seen_minutes = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def wanted(self) -> dict[str, Any]:
        """Return what was chosen."""
        names = ("requires_second_factor", "idle_minutes")
        return {name: self.cleaned_data[name] for name in names}

    def seen(self) -> Policy | None:
        """Return what the page showed, if the form says so."""
        second_factor = self.cleaned_data["seen_second_factor"]
        if second_factor is None:
            return None
        return Policy(second_factor, self.cleaned_data["seen_minutes"])


class CompanyForm(forms.Form):
    """The OpenID Connect issuer of the account. The secret goes in and never comes out."""

    issuer = forms.URLField(
        label=gettext_lazy("Issuer"),
        help_text=gettext_lazy("As your identity provider calls itself: https://login.acme.com"),
        max_length=200,
        assume_scheme="https",
    )
    client_id = forms.CharField(label=gettext_lazy("Client ID"), max_length=191)
    client_secret = forms.CharField(
        label=gettext_lazy("Client secret"),
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    domains = forms.CharField(
        label=gettext_lazy("Domains of your people’s addresses"),
        help_text=gettext_lazy("One per line, such as acme.com. Nobody else is let in."),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    is_on = forms.BooleanField(label=gettext_lazy("Switched on"), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)

    def wanted(self) -> Wanted:
        """Return what was typed in. Raises SignOnError for what is no domain."""
        data = self.cleaned_data
        return Wanted(
            issuer=data["issuer"],
            client_id=data["client_id"],
            client_secret=data["client_secret"],
            domains=stories.parse_domains(data["domains"]),
            is_on=data["is_on"],
        )


@require_http_methods(["GET", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Show how people log in, and change what is asked of everybody."""
    who = administrator(request)
    if request.method == "GET":
        return _page(request, who)
    form = PolicyForm(request.POST)
    if not form.is_valid():
        return _page(request, who, policy=form)
    try:
        change_policy(
            account=who.account, by=who.user, now=who.now, seen=form.seen(), **form.wanted()
        )
    except PolicyChangedError as changed:
        again = PolicyForm(initial={**form.wanted(), **_shown(changed.policy)})
        return _page(request, who, policy=again, changed=changed.policy)
    messages.success(request, _policy_in_words(**form.wanted()))
    return HttpResponseRedirect(reverse("settings_log_in"))


def _shown(policy: Policy) -> dict[str, Any]:
    return {
        "seen_second_factor": policy.requires_second_factor,
        "seen_minutes": policy.idle_minutes,
    }


def _policy_in_words(*, requires_second_factor: bool, idle_minutes: int | None) -> str:
    asked = (
        _("Everybody needs a second factor.")
        if requires_second_factor
        else _("A second factor is asked only of those whose role needs one.")
    )
    minutes = idle_minutes or settings.IDLE_TIMEOUT_MINUTES
    idle = ngettext(
        "Who is away for %d minute is logged out.",
        "Who is away for %d minutes is logged out.",
        minutes,
    )
    return f"{asked} {idle % minutes}"


@sensitive_post_parameters("client_secret")
@sensitive_variables()
@require_POST
def company(request: HttpRequest) -> HttpResponse:
    """Set up the company sign-in, after a look at the issuer."""
    who = administrator(request)
    form = CompanyForm(request.POST)
    if form.is_valid():
        try:
            stories.save_sign_on(
                account=who.account,
                wanted=form.wanted(),
                version=form.cleaned_data["version"],
                by=who.user,
                fetch=_fetch,
                now=who.now,
            )
        except SignOnError as error:
            form.add_error(error.field or None, error.reason)
        else:
            messages.success(request, _("Saved. Now sign in through it once to try it."))
            return HttpResponseRedirect(reverse("settings_log_in"))
    return _page(request, who, company_form=form)


def _fetch(url: str) -> Any:
    with get_adapter().get_requests_session() as session:
        answer = session.get(url)
        answer.raise_for_status()
        found = answer.json()
    return found if isinstance(found, dict) else {}


@require_POST
def company_only(request: HttpRequest) -> HttpResponse:
    """Make the company sign-in the only way in, or one of several."""
    who = administrator(request)
    is_only_way = request.POST.get("only") == "yes"
    try:
        stories.make_only_way(
            account=who.account, is_only_way=is_only_way, by=who.user, now=who.now
        )
    except SignOnError as error:
        messages.error(request, error.reason)
    else:
        words = (
            _("People come in by company sign-in only now.")
            if is_only_way
            else _("Passwords and passkeys let people in again.")
        )
        messages.success(request, words)
    return HttpResponseRedirect(reverse("settings_log_in"))


@require_http_methods(["GET", "POST"])
def company_remove(request: HttpRequest) -> HttpResponse:
    """Say who has no other way in, then forget the company sign-in."""
    who = administrator(request)
    if request.method == "GET":
        if not SignOn.objects.filter(account=who.account).exists():
            return HttpResponseRedirect(reverse("settings_log_in"))
        return render(request, "settings/confirm.html", _before_removing(who))
    stories.remove_sign_on(account=who.account, by=who.user, now=who.now)
    messages.success(request, _("Company sign-in is gone. People log in with their passwords."))
    return HttpResponseRedirect(reverse("settings_log_in"))


def _before_removing(who: Administrator) -> dict[str, Any]:
    people = User.objects.filter(account=who.account, is_active=True)
    without = people.filter(password__startswith=UNUSABLE_PASSWORD_PREFIX).count()
    words = ngettext(
        "%d person has no password and asks for one with “Forgot your password?”.",
        "%d people have no password and ask for one with “Forgot your password?”.",
        without,
    )
    return {
        "who": who,
        "here": "log_in",
        "question": _("Remove company sign-in?"),
        "sentences": [
            _("Nobody comes in through your identity provider any more."),
            _("Issuer, client and secret are forgotten: to have it again, enter them anew."),
            _("Passwords and passkeys let people in, also where they did not until now."),
            *([words % without] if without else []),
        ],
        "button": _("Remove company sign-in"),
        "back": reverse("settings_log_in"),
    }


def _page(
    request: HttpRequest,
    who: Administrator,
    *,
    policy: PolicyForm | None = None,
    changed: Policy | None = None,
    company_form: CompanyForm | None = None,
) -> HttpResponse:
    account = who.account
    row = SignOn.objects.filter(account=account).first()
    now = Policy.of(account)
    facts = {
        "requires_second_factor": now.requires_second_factor,
        "idle_minutes": now.idle_minutes,
        **_shown(now),
    }
    callback = reverse("openid_connect_callback", kwargs={"provider_id": str(account.public_id)})
    context = {
        "who": who,
        "here": "log_in",
        "policy": policy or PolicyForm(initial=facts),
        "changed": changed,
        "company": company_form or CompanyForm(initial=_initial(row)),
        "sign_on": row,
        "callback": request.build_absolute_uri(callback),
        "start": request.build_absolute_uri(reverse("company_sign_in")),
    }
    status = 409 if changed else 422 if company_form else 200
    return render(request, "settings/log_in.html", context, status=status)


def _initial(row: SignOn | None) -> dict[str, Any]:
    if row is None:
        return {"is_on": True, "version": 0}
    return {
        "issuer": row.issuer,
        "client_id": row.client_id,
        "domains": "\n".join(row.domains),
        "is_on": row.is_on,
        "version": row.version,
    }
