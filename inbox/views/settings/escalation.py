"""Who gets help when a customer waits too long? The pages on which account admins say so."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import feature_is_on
from accounts.administrators import Administrator, administrator
from accounts.models import Account, Feature, Team, User
from accounts.numbers import number_in
from inbox.models import TeamInbox
from inbox.setup.policies import (
    MOST_POLICIES,
    TO_SUPERVISORS,
    PolicyChangedError,
    PolicyProblemsError,
    choose_inboxes,
    choose_policy,
    copy_policy,
    delete_policy,
    make_policy,
    names_for,
    problems_of,
    rules_that_choose,
    save_policy,
)
from inbox.setup.refusals import SetUpError
from inbox.views.settings.answers import inbox_of
from inbox.views.settings.escalation_forms import PolicyForm, choices_of, key_words
from inbox.views.settings.escalation_run import RunForm
from inbox.views.settings.hours_page import Difference
from routing.business_hours import Change
from routing.escalation import Policy
from routing.models import DataAction, EscalationPolicy
from routing.policy_documents import PolicyError, Problem, read_policy
from routing.policy_words import (
    PRIORITY_WORDS,
    Names,
    last_step_words,
    step_words,
    warning_words,
)

PAGE = 50


@dataclass
class Desk:
    """Who works on which policy, and what the page is to show besides it."""

    request: HttpRequest
    who: Administrator
    row: EscalationPolicy
    version: int
    errors: list[tuple[str, str]] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    # Not while somebody is still adding to what they write: it is not wrong yet.
    is_trying: bool = True

    @property
    def deed(self) -> dict[str, Any]:
        """Return what every story is told."""
        return {"policy": self.row, "by": self.who.user, "now": self.who.now}

    def done(self, words: str) -> HttpResponse:
        """Say that it is saved, on the page as it is now."""
        messages.success(self.request, words)
        return HttpResponseRedirect(_url(self.row))


# --- The list ---


@require_http_methods(["GET", "POST"])
def policy_list(request: HttpRequest) -> HttpResponse:
    """List the account's policies and the inboxes that have them; make new ones."""
    who, error = administrator(request), ""
    if request.method == "POST":
        first = TO_SUPERVISORS if request.POST.get("start") != "empty" else Policy()
        name = request.POST.get("name", "")
        try:
            made = make_policy(
                account=who.account, name=name, policy=first, by=who.user, now=who.now
            )
        except SetUpError as refused:
            error = refused.reason
        else:
            messages.success(request, _("%(name)s is there. Check it here.") % {"name": made})
            return HttpResponseRedirect(_url(made))
    context = _list_context(who, after=number_in(request.GET.get("after", "")) or 0)
    context |= {"error": error, "name": request.POST.get("name", "")}
    return render(request, "settings/escalation.html", context, status=422 if error else 200)


def _list_context(who: Administrator, *, after: int) -> dict[str, Any]:
    after = min(after, MOST_POLICIES)
    found = list(EscalationPolicy.objects.filter(account=who.account)[after : after + PAGE + 1])
    rows = found[:PAGE]
    inboxes = list(TeamInbox.objects.filter(account=who.account).only("name", "escalation_id"))
    read = {row.pk: _read(row) for row in rows}
    names = names_for(who.account.pk, [policy for policy in read.values() if policy])
    return {
        "who": who,
        "here": "escalation",
        "last_step": last_step_words(),
        "rows": [
            {
                "policy": row,
                "steps": _steps_in_words(read[row.pk], names),
                "inboxes": [one.name for one in inboxes if one.escalation_id == row.pk],
            }
            for row in rows
        ],
        "next": after + PAGE if len(found) > PAGE else 0,
        "without": [one.name for one in inboxes if one.escalation_id is None],
    }


def _read(row: EscalationPolicy) -> Policy | None:
    """Return the policy of a row; None if its document is none, as an import may have left it."""
    try:
        return row.policy()
    except PolicyError:
        return None


def _steps_in_words(policy: Policy | None, names: Names) -> list[str]:
    return [step_words(step, names) for step in policy.steps] if policy else []


@require_POST
def policy_copy(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Make a policy that is like this one."""
    desk = _desk(request, pk)
    try:
        copy = copy_policy(**desk.deed)
    except SetUpError as refused:
        messages.error(request, refused.reason)
        return HttpResponseRedirect(reverse("settings_escalation"))
    messages.success(request, _("This is the copy. Give it a name."))
    return HttpResponseRedirect(_url(copy))


@require_http_methods(["GET", "POST"])
def policy_delete(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Say what is lost, then delete a policy that nothing has."""
    desk = _desk(request, pk)
    if request.method == "GET":
        return render(request, "settings/confirm.html", _before_deleting(desk))
    try:
        delete_policy(**desk.deed)
    except SetUpError as refused:
        messages.error(request, refused.reason)
        return HttpResponseRedirect(_url(desk.row))
    messages.success(request, _("%(name)s is deleted.") % {"name": desk.row})
    return HttpResponseRedirect(reverse("settings_escalation"))


def _before_deleting(desk: Desk) -> dict[str, Any]:
    return {
        "who": desk.who,
        "here": "escalation",
        "question": _("Delete %(name)s?") % {"name": desk.row},
        "sentences": [
            _("It goes only if no inbox and no published rule has it."),
            _("Customers who wait already keep the steps that they began with."),
            _("The audit log keeps its steps in words."),
        ],
        "button": _("Delete"),
        "back": _url(desk.row),
    }


# --- The editor ---


@require_http_methods(["GET", "POST"])
def policy_edit(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Show a policy with its steps; save what one card of the page says, or try it."""
    desk = _desk(request, pk)
    cards = {"policy": _save, "inboxes": _save_inboxes}
    if request.method == "GET":
        return _show(desk)
    card = cards.get(request.POST.get("card", ""))
    return card(desk) if card else HttpResponseRedirect(_url(desk.row))


def _save(desk: Desk) -> HttpResponse:
    """Do what a button of the editor says: change what is written, try it, or save it."""
    data = desk.request.POST
    form = PolicyForm.posted(data, _choices(desk.who.account))
    desk.shown["form"], what = form, data.get("do", "")
    desk.shown["run"] = run = _run_form(desk)
    if form.do(what) or run.do(what):
        desk.is_trying = False
        return _show(desk)
    document = form.document()
    if document is None or what != "save":
        desk.errors += form.errors()
        desk.status = 422 if form.errors() else 200
        return _show(desk)
    is_sure = "is_sure" in data
    try:
        save_policy(
            name=form.name, document=document, version=desk.version, is_sure=is_sure, **desk.deed
        )
    except PolicyChangedError as changed:
        desk.version, desk.status = changed.version, 409
        desk.shown |= {
            "is_changed": True,
            "changes": changed.changes,
            "differences": _differences(changed.changes),
        }
        return _show(desk)
    except PolicyProblemsError as refused:
        desk.errors.append(("" if refused.is_refused else "id_is_sure", refused.reason))
        desk.errors += [_place(problem) for problem in refused.problems]
    except SetUpError as refused:
        if refused.field == "name":
            form.name_error = refused.reason
        desk.errors.append(("id_name" if refused.field else "", refused.reason))
    else:
        return desk.done(_("The policy is saved. It holds for customers who write from now on."))
    desk.status = 422
    return _show(desk)


def _place(problem: Problem) -> tuple[str, str]:
    told = _("Step %d") % problem.step
    return f"id_s{problem.step - 1}-after", f"{told}: {problem.words}"


def _differences(changes: tuple[Change, ...]) -> list[Difference]:
    """Say step by step what others changed, from the first state to the last."""
    found: dict[str, tuple[str, str]] = {}
    for change in changes:
        for name, (before, after) in change.what.items():
            found[name] = (found.get(name, (before, after))[0], after)
    return [
        Difference(_label(name), before, after)
        for name, (before, after) in found.items()
        if before != after
    ]


def _label(name: str) -> str:
    if name.startswith("step "):
        return _("Step %s") % name.removeprefix("step ")
    return {"name": _("Name"), "warning": _("Warning")}.get(name, name)


def _save_inboxes(desk: Desk) -> HttpResponse:
    data = desk.request.POST
    chosen = [pk for text in data.getlist("inbox") if (pk := number_in(text))]
    seen = [pk for text in data.getlist("seen") if (pk := number_in(text))]
    try:
        changed = choose_inboxes(chosen=chosen, seen=seen, **desk.deed)
    except SetUpError as refused:
        messages.error(desk.request, refused.reason)
        return HttpResponseRedirect(reverse("settings_escalation"))
    if not changed:
        return desk.done(_("Nothing was changed."))
    names = ", ".join(inbox.name for inbox in changed)
    return desk.done(
        _("Changed for %(inboxes)s, for customers who write from now on.") % {"inboxes": names}
    )


# --- What the editor shows ---


def _show(desk: Desk) -> HttpResponse:
    """Show the page, with what was written where it is not saved."""
    account, row = desk.who.account, desk.row
    choices = _choices(account)
    form = desk.shown.get("form") or PolicyForm.of(row.name, _read(row) or Policy(), choices)
    run = desk.shown.get("run") or _run_form(desk)
    written = _written(form)
    lines = None
    if written is not None:
        names = names_for(account.pk, [written])
        form.tell(problems_of(row, written, now=desk.who.now))
        if desk.is_trying:
            lines = run.lines(written, names, now=desk.who.now)
            desk.errors += run.errors()
    context = {
        "who": desk.who,
        "here": "escalation",
        "policy": row,
        "version": desk.version,
        "errors": desk.errors,
        "form": form,
        "steps": _shown_steps(account, form),
        "last_step": last_step_words(),
        "actions": list(_actions(account)),
        "priorities": [(value, words) for value, words in PRIORITY_WORDS.items()],
        "run": run,
        "lines": lines,
        "is_trying": desk.is_trying,
        "inboxes": run.inboxes,
        "rules": rules_that_choose(account.pk, row.name),
        "rules_are_on": feature_is_on(account.pk, Feature.CUSTOM_ROUTING, now=desk.who.now),
        **desk.shown,
    }
    return render(desk.request, "settings/escalation_edit.html", context, status=desk.status)


def _written(form: PolicyForm) -> Policy | None:
    """Return the policy that the form means now; None while something in it is wrong."""
    if form.errors():
        return None
    document = {
        "format": 1,
        "warn": {"percent": number_in(form.percent), "minutes": number_in(form.minutes)},
        "steps": [step.document() for step in form.steps],
    }
    try:
        return read_policy(document)
    except PolicyError:
        return None


def _shown_steps(account: Account, form: PolicyForm) -> list[dict[str, Any]]:
    """Return the steps with whom they name, in words."""
    people = {int(key[1:]) for step in form.steps for keys in step.rungs for key in keys}
    rows = User.objects.filter(account=account, pk__in=people).values_list("pk", "name")
    names = Names(dict(rows), _teams(account))
    return [
        {
            "form": step,
            "rungs": [[(key, key_words(key, names)) for key in keys] for keys in step.rungs],
        }
        for step in form.steps
    ]


def _teams(account: Account) -> dict[int, str]:
    rows = Team.objects.filter(account=account).order_by("name")
    return {pk: inbox or name for pk, name, inbox in rows.values_list("pk", "name", "inbox__name")}


def _choices(account: Account) -> Any:
    people = User.objects.filter(account=account, is_active=True).exclude(role=User.Role.AUDITOR)
    rows = people.order_by("name", "pk").values_list("pk", "name", "email")
    return choices_of(list(rows), _teams(account))


def _actions(account: Account) -> Any:
    return (
        DataAction.objects.filter(account=account).order_by("name").values_list("name", flat=True)
    )


def _run_form(desk: Desk) -> RunForm:
    inboxes = list(
        TeamInbox.objects.filter(account=desk.who.account).select_related("account", "escalation")
    )
    usual = next((one.pk for one in inboxes if one.escalation_id == desk.row.pk), None)
    return RunForm.posted(desk.request.POST, inboxes, usual)


def _desk(request: HttpRequest, pk: int) -> Desk:
    """Return who works on which policy. Others' are not there: Http404."""
    who = administrator(request)
    row = EscalationPolicy.objects.filter(account=who.account, pk=pk).first()
    if row is None:
        raise Http404("No such page.")
    row.account = who.account
    version = number_in(request.POST.get("version", ""))
    return Desk(request, who, row, row.version if version is None else version)


def _url(row: EscalationPolicy) -> str:
    return reverse("settings_escalation_edit", kwargs={"pk": row.pk})


# --- The choice of one inbox ---


@require_http_methods(["GET", "POST"])
def inbox_policy(request: HttpRequest, slug: str) -> HttpResponse:
    """Show which policy an inbox has; choose another one, or none."""
    who = administrator(request)
    inbox, error = inbox_of(who, slug), ""
    rows = list(EscalationPolicy.objects.filter(account=who.account))
    if request.method == "POST":
        error = _choose(request, who, inbox, rows, now=who.now)
        if not error:
            place = reverse("settings_inbox_escalation", args=[inbox.slug])
            return HttpResponseRedirect(place)
        inbox = inbox_of(who, slug)
    row = next((one for one in rows if one.pk == inbox.escalation_id), None)
    policy = _read(row) if row else None
    names = names_for(who.account.pk, [policy] if policy else [])
    context = {
        "who": who,
        "here": "home",
        "tab": "escalation",
        "inbox": inbox,
        "policies": rows,
        "policy": row,
        "steps": _steps_in_words(policy, names),
        "warning": warning_words(policy.ahead) if policy else "",
        "last_step": last_step_words(),
        "error": error,
    }
    return render(request, "settings/inbox/escalation.html", context, status=422 if error else 200)


def _choose(
    request: HttpRequest,
    who: Administrator,
    inbox: TeamInbox,
    rows: list[EscalationPolicy],
    *,
    now: datetime,
) -> str:
    """Let the inbox have what was chosen; return what is wrong, if anything."""
    wanted = request.POST.get("policy", "")
    row = next((one for one in rows if str(one.pk) == wanted), None)
    if wanted and row is None:
        return _("There is no such policy any more. Choose another one.")
    seen = number_in(request.POST.get("seen", ""))
    try:
        choose_policy(inbox=inbox, policy=row, seen=seen, by=who.user, now=now)
    except SetUpError as refused:
        return refused.reason
    messages.success(request, _("Saved. It holds for customers who write from now on."))
    return ""
