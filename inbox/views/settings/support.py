"""Who from outside is or was in the account for support, and how is that ended?"""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.administrators import administrator
from accounts.models import SupportAccess
from accounts.support import end_support

SHOWN = 50


@require_GET
def support(request: HttpRequest) -> HttpResponse:
    """List who was let in, why and for how long, the last first."""
    who = administrator(request)
    rows = SupportAccess.objects.filter(account=who.account).select_related("user", "ended_by")
    context = {"who": who, "here": "support", "accesses": rows[:SHOWN]}
    return render(request, "settings/support.html", context)


@require_POST
def support_end(request: HttpRequest, *, pk: int) -> HttpResponse:
    """End somebody's stay at once. The account's admins end any, who is here for support theirs."""
    who = administrator(request)
    access = SupportAccess.objects.filter(pk=pk, account=who.account).first()
    if access is None or (who.support and who.support.pk != access.pk):
        raise Http404("No such page.")
    end_support(access=access, by=who.user, now=who.now)
    if who.support:
        messages.success(request, _("You have left %(account)s.") % {"account": who.account})
        place = reverse("admin:accounts_account_change", args=[who.account.pk])
        return HttpResponseRedirect(place)
    messages.success(request, _("%(name)s is out.") % {"name": access.user})
    return HttpResponseRedirect(reverse("settings_support"))
