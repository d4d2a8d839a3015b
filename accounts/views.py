"""What can a person see and change about themselves?"""

from django.contrib import messages
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import viewer_of
from accounts.forms import AvailabilityForm, ProfileForm, ThemeForm
from accounts.models import User


@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show who I am here, and let me change how it looks and whether I am available."""
    user = _me(request)
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(reverse("profile"))
    context = {
        "form": form,
        "viewer": viewer_of(user, now=timezone.now()),
        "teams": user.memberships.select_related("team").order_by("team__name"),
    }
    return render(request, "accounts/profile.html", context)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Choose light or dark."""
    return _save(request, ThemeForm(request.POST, instance=_me(request)), "theme")


@require_POST
def availability(request: HttpRequest) -> HttpResponse:
    """Say whether I am here."""
    form = AvailabilityForm(request.POST, instance=_me(request))
    return _save(request, form, "availability")


def _me(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # LoginRequiredMiddleware lets nobody else in.
    return request.user


def _save(request: HttpRequest, form: ModelForm[User], field: str) -> HttpResponse:
    if form.is_valid():
        form.instance.save(update_fields=[field])
    if "application/json" in request.headers.get("Accept", ""):
        return HttpResponse(status=204 if form.is_valid() else 422)
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return HttpResponseRedirect(wanted if is_ours else reverse("profile"))
