"""What is switched on for an account, and how does its admin ask for more?"""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from accounts.administrators import Administrator, administrator
from accounts.feature_states import features_of, packages_of
from accounts.granting import ask_for_feature, withdraw_request
from accounts.models import Account, Feature, FeatureRequest
from accounts.refusals import RefusedError
from inbox.setup.expiring import ending_soon


class AskForm(forms.Form):
    """Which feature, and what should the partner know?"""

    feature = forms.ChoiceField(
        choices=Feature.choices,
        error_messages={"invalid_choice": gettext_lazy("There is no such feature.")},
    )
    words = forms.CharField(
        label=gettext_lazy("What should your partner know?"),
        required=False,
        max_length=500,
        widget=forms.Textarea({"rows": 2}),
        error_messages={
            "max_length": gettext_lazy(
                "At most 500 letters reach your partner; these are %(show_value)d."
            )
        },
    )


@require_GET
def features(request: HttpRequest) -> HttpResponse:
    """Show what is on, until when and by whom, what was asked, and how far the set-up is."""
    return _page(request, administrator(request))


@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Ask the partner to switch a feature on."""
    who = administrator(request)
    form = AskForm(request.POST)
    if not form.is_valid():
        problem = " ".join(str(words) for errors in form.errors.values() for words in errors)
        return _page(request, who, problem=problem, tried=form)
    try:
        asked = ask_for_feature(
            account=who.account,
            feature=form.cleaned_data["feature"],
            words=form.cleaned_data["words"],
            by=who.user,
            now=who.now,
        )
    except RefusedError as no:
        return _page(request, who, problem=no.reason, tried=form)
    words = _("Your partner was asked for %s.") % asked.get_feature_display()
    messages.success(request, words)
    return HttpResponseRedirect(reverse("settings_features"))


@require_POST
def withdraw(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Take back what was asked."""
    who = administrator(request)
    asked = get_object_or_404(FeatureRequest, pk=pk, account=who.account)
    try:
        withdraw_request(request=asked, by=who.user, now=who.now)
    except RefusedError as no:
        return _page(request, who, problem=no.reason)
    words = _("Your request for %s is taken back.") % asked.get_feature_display()
    messages.success(request, words)
    return HttpResponseRedirect(reverse("settings_features"))


def _page(
    request: HttpRequest,
    who: Administrator,
    *,
    problem: str = "",
    tried: AskForm | None = None,
) -> HttpResponse:
    context = {
        "who": who,
        "here": "features",
        "features": features_of(who.account, now=who.now),
        "packages": packages_of(who.account),
        "endings": ending_soon(Account.objects.filter(pk=who.account.pk), now=who.now),
        "problem": problem,
        "tried_feature": tried.data.get("feature") if tried else "",
        "tried_words": tried.data.get("words", "") if tried else "",
    }
    return render(request, "settings/features.html", context, status=422 if problem else 200)
