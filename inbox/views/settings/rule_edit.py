"""What does one rule say? The page on which it is written: when, if, then."""

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from compliance.gate import Purpose
from inbox.explaining.verdicts import reader_of, verdicts_on
from inbox.models import TeamInbox
from inbox.setup.rule_counts import DAYS, runs_of
from inbox.setup.rules import (
    RuleChangedError,
    draft_document,
    draft_findings,
    draft_of,
    new_id,
    save_rule,
)
from inbox.setup.tags_in_use import tags_in_use
from inbox.views.settings import condition_forms
from inbox.views.settings.condition_forms import Offered, offered_in
from inbox.views.settings.rule_forms import UNITS, RuleForm, priorities, targets, triggers
from inbox.views.settings.rules_desk import RulesDesk, anchor_of, rules_desk
from routing.documents import DocumentError, document_of, read_rulebook
from routing.sentences import sentence


@require_http_methods(["GET", "POST"])
def rule_edit(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """Show a rule, or a new one; do what a button says; save it into the draft."""
    desk = rules_desk(request, slug)
    rule_id = request.GET.get("id", "")
    there = _in_draft(desk, rule_id)
    if request.method == "GET":
        if rule_id and there is None:
            raise Http404
        return _page(desk, RuleForm.of(there or {}, _offered(desk)), seen=there)
    form = RuleForm.posted(request.POST, rule_id, _offered(desk))
    seen = _seen(request.POST)
    if form.do(request.POST.get("do", ""), request.POST):
        return _page(desk, form, seen=seen, is_unsaved=True)
    return _save(desk, form, seen)


def _in_draft(desk: RulesDesk, rule_id: str) -> dict[str, Any] | None:
    rules = document_of(read_rulebook(draft_document(desk.row)))["rules"]
    return next((rule for rule in rules if rule["id"] == rule_id), None)


def _seen(data: QueryDict) -> dict[str, Any] | None:
    """Return the rule as the page showed it when it was opened."""
    try:
        found = json.loads(data.get("seen", "") or "null")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _save(desk: RulesDesk, form: RuleForm, seen: dict[str, Any] | None) -> HttpResponse:
    document = form.document()
    if not form.check():
        return _page(desk, form, seen=seen, is_unsaved=True, status=422)
    document["id"] = form.id or new_id(form.name)
    try:
        save_rule(rule=document, seen=seen, world=desk.world, **desk.deed)
    except DocumentError as refused:
        form.refuse(refused.problems)
        return _page(desk, form, seen=seen, is_unsaved=True, status=422)
    except RuleChangedError as changed:
        return _page(desk, form, seen=changed.now, changed=changed, is_unsaved=True, status=409)
    words = _("“%s” is saved in the draft. It holds when you publish it.") % form.name
    return desk.done(words, f"{desk.url()}#rule-{anchor_of(document['id'])}")


def _offered(desk: RulesDesk) -> Offered:
    """Return what conditions and ladders can name."""
    return offered_in(desk.whose.account.pk, desk.whose.inbox, desk.world.directory.people)


def _page(
    desk: RulesDesk,
    form: RuleForm,
    *,
    seen: dict[str, Any] | None,
    changed: RuleChangedError | None = None,
    is_unsaved: bool = False,
    status: int = 200,
) -> HttpResponse:
    known, world = desk.world.known, desk.world
    ran = runs_of([form.id], inboxes=desk.inboxes, now=desk.who.now)[form.id]
    context: dict[str, Any] = {
        "form": form,
        "conditions": form.conditions,
        "seen": json.dumps(seen) if seen else "",
        "is_unsaved": is_unsaved,
        "action": desk.url("", id=form.id) if form.id else desk.url(""),
        "changed": changed,
        "theirs": _sentence_of(changed.now, desk) if changed and changed.now else "",
        "mine": _sentence_of(form.document(), desk) if changed else "",
        "findings": _findings(desk, form.id) if form.id and not is_unsaved else (),
        "facts": condition_forms.facts(),
        "targets": targets(),
        "triggers": triggers(),
        "priorities": priorities(),
        "units": [(unit, _(unit)) for unit in UNITS],
        "people": form.offered.everybody.options(),
        "teams": [(str(one), name) for one, name in world.teams.items() if one != desk.whose.team],
        "data_actions": _with(world.data_actions, [one.lookup for one in form.steps]),
        "crm_fields": sorted(f"{name}.{one}" for name, of in known.fields.items() for one in of),
        "policies": _with(sorted(known.escalations), [form.escalation]),
        "webhooks": _with(sorted(known.webhooks), [form.webhook]),
        "variables": world.variables,
        "tags_in_use": tags_in_use(desk.inboxes, (*world.first, *draft_of(desk.row).rules)),
        "ran": ran,
        "days": DAYS,
        "cost": ran.times * max((one.segments for one in form.replies), default=0),
    }
    context |= _gate(desk, form)
    return desk.page("rule", status=status, **context)


def _gate(desk: RulesDesk, form: RuleForm) -> dict[str, Any]:
    """Say what the gate says of the rule's answer; of rules of every inbox, in the first one."""
    if not form.replies:
        return {}
    inbox = desk.whose.inbox or TeamInbox.objects.filter(account=desk.whose.account).first()
    if inbox is None:
        return {}
    reads = reader_of(inbox, now=desk.who.now)
    notices = (
        (number, reads.notices(one.text, Purpose.AUTO_REPLY, is_first=True))
        for number, one in enumerate(form.replies, start=1)
    )
    return {
        "gate": verdicts_on(inbox, Purpose.AUTO_REPLY, now=desk.who.now),
        "gate_inbox": inbox if desk.whose.inbox is None else None,
        "gate_notices": [(number, found) for number, found in notices if found],
    }


def _with(known: Any, used: list[str]) -> list[str]:
    """Return what can be chosen, and what is chosen though it is there no more."""
    return list(dict.fromkeys([*known, *filter(None, used)]))


def _sentence_of(rule: dict[str, Any], desk: RulesDesk) -> str:
    """Return a rule in words; as it is written where it cannot be followed."""
    try:
        [read] = read_rulebook({"rules": [rule]}).rules
    except DocumentError:
        return json.dumps(rule, ensure_ascii=False)
    return str(sentence(read, desk.world.names))


def _findings(desk: RulesDesk, rule_id: str) -> tuple[Any, ...]:
    found = draft_findings(draft_of(desk.row), desk.world)
    return tuple(one for one in found if one.rule == rule_id)
