"""Which opt-ins wait for a second person? Account admins decide, auditors read."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.administrators import Administrator, consent_reader
from accounts.models import User
from accounts.numbers import number_in
from compliance.asking_settings import asking_of
from inbox.approving import approve, proposals, refuse
from inbox.models import OptInApproval
from inbox.refusals import RefusedError

MOST = 50
_DEEDS: dict[str, Callable[..., OptInApproval]] = {"approve": approve, "refuse": refuse}


@never_cache
@require_http_methods(["GET", "POST"])
def approvals(request: HttpRequest) -> HttpResponse:
    """Show the opt-ins that wait for a second person, and decide one."""
    who = consent_reader(request)
    if request.method == "GET":
        return _page(request, who)
    deed = _DEEDS.get(request.POST.get("do", ""))
    if deed is None or not _may_decide(who):
        raise Http404("Not yours to decide.")
    proposed = number_in(request.POST.get("event", "")) or 0
    if not OptInApproval.objects.filter(account=who.account, proposed=proposed).exists():
        raise Http404("No such opt-in.")
    try:
        row = deed(account=who.account, proposed=proposed, by=who.user, now=who.now)
    except RefusedError as refused:
        messages.error(request, refused.reason)
    else:
        _say(request, row)
    return HttpResponseRedirect(reverse("settings_approvals"))


def _say(request: HttpRequest, row: OptInApproval) -> None:
    if row.outcome == OptInApproval.Outcome.OUTDATED:
        words = _("Not recorded: something that happened since counts for more than this opt-in.")
        messages.error(request, words)
    elif row.outcome == OptInApproval.Outcome.MOOT:
        messages.info(request, _("Not needed: they are not opted out any more."))
    elif row.outcome == OptInApproval.Outcome.APPROVED:
        messages.success(request, _("Approved. The opt-in counts from now on."))
    else:
        messages.success(request, _("Refused. They stay opted out."))


def _may_decide(who: Administrator) -> bool:
    """Say whether somebody decides: the account's own admins, nobody who is in it for support."""
    return who.support is None and who.user.role == User.Role.ACCOUNT_ADMIN


def _page(request: HttpRequest, who: Administrator) -> HttpResponse:
    rows = OptInApproval.objects.filter(account=who.account)
    rows = rows.select_related("asked_by", "decided_by")
    context = {
        "who": who,
        "here": "consent",
        "may_decide": _may_decide(who),
        "is_on": asking_of(who.account.pk).approves,
        "waiting": proposals(rows.filter(outcome="").order_by("asked_at", "pk")[:MOST]),
        "decided": proposals(rows.exclude(outcome="").order_by("-decided_at", "-pk")[:MOST]),
    }
    return render(request, "settings/approvals.html", context)
