"""Which rules does an inbox have? The list in its order, publishing, versions, one document."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.numbers import number_in
from inbox.explaining.examples import failing_examples
from inbox.setup.rule_counts import DAYS, Ran, runs_of
from inbox.setup.rules import (
    DraftMovedError,
    arrange,
    bring_version_back,
    discard_draft,
    draft_document,
    draft_findings,
    draft_of,
    exported,
    imported,
    publish_draft,
    replace_draft,
    version_of,
)
from inbox.views.settings.documents import read_document, uploaded_text
from inbox.views.settings.rules_desk import RulesDesk, anchor_of, rules_desk
from routing.documents import DocumentError, read_rulebook
from routing.examples import Verdict
from routing.lint import Finding, Level, is_publishable
from routing.models import RulebookVersion
from routing.reading import Problem
from routing.rulebooks import DraftChangedError, HeldChangedError, RulebookError, rules_of
from routing.rules import Rule
from routing.sentences import Sentence, Told, sentence, told

_ARRANGING = ("up", "down", "move", "copy", "on", "off")


@dataclass(frozen=True)
class Line:
    """One rule as the list shows it."""

    rule: Rule
    position: int
    sentence: Sentence
    ran: Ran
    findings: tuple[Finding, ...]
    change: Told | None
    anchor: str


# --- The list ------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def rule_list(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """Show the rules in their order; move, copy or switch one."""
    desk = rules_desk(request, slug)
    if request.method == "GET":
        return _list(desk)
    do, _colon, rule = request.POST.get("do", "").partition(":")
    position = 0
    if do == "move":
        # Enter in a field names no rule: the one whose number was changed is meant.
        rule = rule or _renumbered(desk)
        position = number_in(request.POST.get(f"position-{anchor_of(rule)}", "")) or 0
    if do not in _ARRANGING or (do == "move" and not position):
        messages.info(request, _("Write the number of the place to which a rule is to move."))
        return HttpResponseRedirect(desk.url())
    try:
        arrange(do=do, rule=rule, seen=desk.seen, position=position, **desk.deed)
    except RulebookError as refused:
        messages.error(request, refused.reason)
        return HttpResponseRedirect(desk.url())
    except DocumentError as refused:
        messages.error(request, " ".join(one.words for one in refused.problems))
        return HttpResponseRedirect(desk.url())
    where = {"move": "position", "copy": "rule", "on": "off", "off": "on"}.get(do, do)
    return HttpResponseRedirect(f"{desk.url()}#{where}-{anchor_of(rule)}")


def _renumbered(desk: RulesDesk) -> str:
    for place, rule in enumerate(draft_of(desk.row).rules, start=1):
        written = number_in(desk.request.POST.get(f"position-{anchor_of(rule.id)}", ""))
        if written and written != place:
            return rule.id
    return ""


def _list(desk: RulesDesk) -> HttpResponse:
    draft, world = draft_of(desk.row), desk.world
    findings = draft_findings(draft, world)
    changes = _changes(desk)
    by_rule = {one.rule: one for one in changes}
    ran = runs_of([rule.id for rule in draft.rules], inboxes=desk.inboxes, now=desk.who.now)
    lines = [
        Line(
            rule=rule,
            position=place,
            sentence=sentence(rule, world.names),
            ran=ran[rule.id],
            findings=tuple(one for one in findings if one.rule == rule.id),
            change=by_rule.get(rule.id),
            anchor=anchor_of(rule.id),
        )
        for place, rule in enumerate(draft.rules, start=1)
    ]
    return desk.page(
        "list",
        lines=lines,
        days=DAYS,
        row=desk.row,
        changes=changes,
        first=[rule.name for rule in world.first if rule.is_on],
        errors=sum(one.level is Level.ERROR for one in findings),
        warnings=sum(one.level is Level.WARNING for one in findings),
        shared=list(desk.sharing.values()),
    )


def _changes(desk: RulesDesk) -> tuple[Told, ...]:
    """Say what publishing the draft would change."""
    if desk.row is None:
        return ()
    return told(rules_of(desk.row), draft_of(desk.row), desk.world.names)


@require_http_methods(["GET", "POST"])
def rule_delete(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """Say what a rule does, then take it out of the draft."""
    desk = rules_desk(request, slug)
    rule_id = request.GET.get("id", "")
    if request.method == "POST":
        try:
            arrange(do="delete", rule=rule_id, seen=desk.seen, **desk.deed)
        except RulebookError as refused:
            messages.error(request, refused.reason)
            return HttpResponseRedirect(desk.url())
        return desk.done(
            _("The rule is taken out of the draft. What holds stays until you publish.")
        )
    rule = next((one for one in draft_of(desk.row).rules if one.id == rule_id), None)
    if rule is None:
        raise Http404
    return desk.page(
        "confirm",
        question=_("Delete “%s”?") % rule.name,
        sentences=[
            str(sentence(rule, desk.world.names)),
            _("It leaves the draft. What is published goes on until the draft is published."),
        ],
        button=_("Delete"),
    )


@require_http_methods(["GET", "POST"])
def rules_discard(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """Say what is lost, then let the draft be what holds."""
    desk = rules_desk(request, slug)
    if request.method == "POST":
        try:
            discard_draft(seen=desk.seen, **desk.deed)
        except DraftMovedError as refused:
            messages.error(request, refused.reason)
            return HttpResponseRedirect(desk.url())
        return desk.done(_("The draft is again what holds."))
    return desk.page(
        "confirm",
        question=_("Throw the draft away?"),
        sentences=[one.words for one in _changes(desk)]
        or [_("The draft is what holds: nothing is lost.")],
        button=_("Throw it away"),
    )


# --- Publishing ----------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def rules_publish(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """Show what would change and what the linter says, then let the draft hold."""
    desk = rules_desk(request, slug)
    if request.method == "GET":
        return _before_publishing(desk)
    data = request.POST
    try:
        made = publish_draft(
            seen=desk.seen,
            note=data.get("note", ""),
            is_sure="sure" in data,
            failing=partial(failing_examples, now=desk.who.now),
            has_seen_examples="examples_sure" in data,
            **desk.deed,
        )
    except DraftChangedError as changed:
        words = _("%s Nothing was published. Below is what would be published now.")
        desk.look_again()
        return _before_publishing(desk, words % changed.reason, status=409)
    except RulebookError as refused:
        return _before_publishing(desk, refused.reason, status=422)
    return desk.done(_("Version %d holds from now on.") % made.number)


def _failing(desk: RulesDesk) -> tuple[Verdict, ...]:
    """Return the examples that would come out otherwise than they should."""
    if desk.row is None:
        return ()
    return failing_examples(desk.row, draft_of(desk.row), now=desk.who.now)


def _before_publishing(desk: RulesDesk, problem: str = "", *, status: int = 200) -> HttpResponse:
    draft = draft_of(desk.row)
    findings = draft_findings(draft, desk.world)
    names = {rule.id: rule.name for rule in draft.rules}
    return desk.page(
        "publish",
        status=status,
        problem=problem,
        changes=_changes(desk),
        findings=[(names.get(one.rule, one.rule), one) for one in findings],
        is_publishable=is_publishable(findings),
        note=desk.request.POST.get("note", ""),
        is_sure="sure" in desk.request.POST,
        failing=_failing(desk),
        is_examples_sure="examples_sure" in desk.request.POST,
        shared=list(desk.sharing.values()),
    )


# --- Versions ------------------------------------------------------------------------------------


@require_GET
def rules_versions(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """List what held, when, by whom and why."""
    desk = rules_desk(request, slug)
    before = number_in(request.GET.get("before", "")) or 2**31 - 1
    rows = RulebookVersion.objects.filter(rulebook=desk.row, number__lt=before)
    page = list(rows.select_related("published_by").defer("document")[:51]) if desk.row else []
    return desk.page(
        "versions",
        rows=[(row, desk.url("s_version", number=row.number)) for row in page[:50]],
        holds=desk.row.published_id if desk.row else None,
        older=page[49].number if len(page) > 50 else None,
    )


@require_http_methods(["GET", "POST"])
def rules_version(request: HttpRequest, number: int, slug: str | None = None) -> HttpResponse:
    """Show what held, and what would change if it held again; bring it back."""
    desk = rules_desk(request, slug)
    version = version_of(desk.whose, number)
    if version is None:
        raise Http404
    if request.method == "GET":
        return _version_page(desk, version)
    data = request.POST
    try:
        made = bring_version_back(
            version=version,
            note=data.get("note", ""),
            seen=number_in(data.get("holds", "")),
            is_sure="sure" in data,
            failing=partial(failing_examples, now=desk.who.now),
            has_seen_examples="examples_sure" in data,
            **desk.deed,
        )
    except HeldChangedError as changed:
        desk.look_again()
        again = version_of(desk.whose, number) or version
        return _version_page(desk, again, changed.reason, status=409)
    except RulebookError as refused:
        return _version_page(desk, version, refused.reason, status=422)
    words = _("Version %(old)d is back: as version %(new)d it holds from now on.")
    return desk.done(words % {"old": number, "new": made.number})


def _version_page(
    desk: RulesDesk, version: RulebookVersion, problem: str = "", *, status: int = 200
) -> HttpResponse:
    rules, names, data = version.rules(), desk.world.names, desk.request.POST
    held, is_asked = version.rulebook.published, version.rulebook.published_id != version.pk
    findings = draft_findings(rules, desk.world) if is_asked else ()
    titles = {rule.id: rule.name for rule in rules.rules}
    return desk.page(
        "version",
        status=status,
        problem=problem,
        row=version,
        findings=[(titles.get(one.rule, one.rule), one) for one in findings],
        is_publishable=is_publishable(findings),
        failing=failing_examples(version.rulebook, rules, now=desk.who.now) if is_asked else (),
        is_sure="sure" in data,
        is_examples_sure="examples_sure" in data,
        held=held.number if held else 0,
        lines=[(rule, sentence(rule, names)) for rule in rules.rules],
        changes=told(rules_of(version.rulebook), rules, names),
        holds=not is_asked,
        note=data.get("note", ""),
        download=desk.url("s_download", of=version.number),
    )


# --- One document --------------------------------------------------------------------------------


@require_GET
def rules_download(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """Give the rules as one JSON document: the draft, or a version by its number."""
    desk = rules_desk(request, slug)
    of = request.GET.get("of", "draft")
    number = number_in(of)
    version = version_of(desk.whose, number) if number else None
    if of != "draft" and version is None:
        raise Http404
    document = version.document if version else draft_document(desk.row)
    name = slugify(desk.whose.inbox.name if desk.whose.inbox else "always-first") or "rules"
    answer = JsonResponse(
        exported(document, desk.world), json_dumps_params={"indent": 2, "ensure_ascii": False}
    )
    answer["Content-Disposition"] = f'attachment; filename="rules-{name}-{slugify(of)}.json"'
    return answer


@require_http_methods(["GET", "POST"])
def rules_document(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """Offer the rules as one document; check one, show what it would change, keep it as draft."""
    desk = rules_desk(request, slug)
    if request.method == "GET":
        return _document_page(desk)
    text = uploaded_text(request)
    try:
        document = imported(read_document(text), desk.world)
        if "save" in request.POST:
            replace_draft(document=document, seen=desk.seen, **desk.deed)
            return desk.done(_("The document is the draft now. Look at it, then publish it."))
    except DocumentError as refused:
        return _document_page(desk, text, problems=refused.problems, status=422)
    except RulebookError as refused:
        problem = [Problem("", refused.reason)]
        desk.look_again()
        changes = _against_draft(desk, document)
        return _document_page(
            desk, text, problems=problem, changes=changes, is_checked=True, status=409
        )
    return _document_page(desk, text, changes=_against_draft(desk, document), is_checked=True)


def _against_draft(desk: RulesDesk, document: dict[str, Any]) -> tuple[Told, ...]:
    """Say what a document would change in the draft as it is now."""
    return told(draft_of(desk.row), read_rulebook(document), desk.world.names)


def _document_page(
    desk: RulesDesk,
    text: str = "",
    *,
    problems: Iterable[Problem] = (),
    changes: tuple[Told, ...] = (),
    is_checked: bool = False,
    status: int = 200,
) -> HttpResponse:
    published = desk.row.published if desk.row else None
    context: dict[str, Any] = {
        "text": text,
        "problems": list(problems),
        "changes": changes,
        "is_checked": is_checked,
        "published": published.number if published else None,
        "download_draft": desk.url("s_download", of="draft"),
        "download_published": desk.url("s_download", of=published.number) if published else "",
    }
    return desk.page("document", status=status, **context)
