"""Do the saved examples of rules still come out as they should? An inbox's, or the account's own.

There are at most a hundred (`routing.keeping_examples`), so that all of them stand on one page.
"""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.numbers import number_in
from inbox.explaining.examples import problem_of, verdicts_on
from inbox.setup.rules import draft_of
from inbox.views.settings.rules_desk import RulesDesk, rules_desk
from routing.examples import Expected, Verdict, expected_of, rule_name, who_words
from routing.keeping_examples import ExampleError, delete_example, expect_anew
from routing.models import Rulebook, RuleExample
from routing.rules import Rules


@dataclass(frozen=True)
class ExampleLine:
    """An example as the list shows it: what it says, what should be, and whether it is so."""

    row: RuleExample
    text: str
    should: tuple[str, ...]
    verdict: Verdict | None
    problem: str


@require_http_methods(["GET", "POST"])
def rule_examples(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """Run the examples with the draft; delete one, or let what is be right."""
    desk = rules_desk(request, slug)
    if request.method == "POST":
        return _change(desk)
    rulebook = desk.row
    verdicts = verdicts_on(rulebook, now=desk.who.now) if rulebook else ()
    by_row = {one.example.id: one for one in verdicts}
    rows = rulebook.examples.select_related("team", "changed_by") if rulebook else ()
    rules = Rules(always_first=desk.world.first, rules=draft_of(rulebook).rules)
    lines = [_line(desk, row, by_row.get(row.pk), rules) for row in rows]
    failing = sum(1 for one in lines if one.problem or not (one.verdict and one.verdict.passes))
    zone = desk.whose.inbox.zone if desk.whose.inbox else desk.who.account.time_zone
    return desk.page("examples", lines=lines, failing=failing, zone=zone)


def _line(desk: RulesDesk, row: RuleExample, verdict: Verdict | None, rules: Rules) -> ExampleLine:
    if verdict is None:
        return ExampleLine(row, "", (), None, problem_of(row))
    should = tuple(_should(desk, verdict.example.expected, rules))
    return ExampleLine(row, verdict.example.typed.text, should, verdict, "")


def _should(desk: RulesDesk, expected: Expected, rules: Rules) -> list[str]:
    found = []
    if expected.rule is not None:
        found.append(_("“%s” decides") % rule_name(expected.rule, rules))
    if expected.who is not None:
        found.append(_("it goes to %s") % who_words(expected.who, desk.world.directory))
    if expected.reply is not None:
        words = _("the answer is “%s”") % expected.reply if expected.reply else _("no answer")
        found.append(words)
    return found


def _change(desk: RulesDesk) -> HttpResponse:
    data, rulebook = desk.request.POST, desk.row
    pk = number_in(data.get("example", "")) or 0
    row = rulebook.examples.filter(pk=pk).first() if rulebook else None
    if rulebook is None or row is None:
        messages.error(desk.request, _("Somebody deleted this example meanwhile."))
        return HttpResponseRedirect(desk.url("s_examples"))
    try:
        if data.get("do") == "delete":
            delete_example(example=row, by=desk.who.user, now=desk.who.now)
            words = _("“%s” is deleted.") % row
        else:
            _expect_what_is(desk, rulebook, row)
            words = _("“%s” should be as it is now.") % row
    except ExampleError as refused:
        messages.error(desk.request, refused.reason)
        return HttpResponseRedirect(desk.url("s_examples"))
    return desk.done(words, desk.url("s_examples"))


def _expect_what_is(desk: RulesDesk, rulebook: Rulebook, row: RuleExample) -> None:
    """Let be right from now on what the draft makes of an example."""
    now = desk.who.now
    verdicts = verdicts_on(rulebook, now=now)
    outcome = next((one.outcome for one in verdicts if one.example.id == row.pk), None)
    if outcome is None:
        raise ExampleError(_("This example cannot be run: delete it."))
    before, found = row.value().expected, expected_of(outcome)
    expect_anew(
        example=row,
        expected=Expected(
            rule=None if before.rule is None else found.rule,
            who=None if before.who is None else found.who,
            reply=None if before.reply is None else found.reply,
        ),
        version=number_in(desk.request.POST.get("version", "")) or 0,
        by=desk.who.user,
        now=now,
    )
