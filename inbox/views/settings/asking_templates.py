"""Which WhatsApp template asks people whether they consent, once the 24 hours are over?

Account admins choose, auditors read. Product behaviour, not legal advice.
"""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.administrators import Administrator, reader
from accounts.numbers import number_in
from inbox.asking_templates import (
    NAMED,
    askable_templates,
    chosen_templates,
    let_it_ask,
    let_it_not_ask,
)
from inbox.models import WhatsAppTemplate
from inbox.refusals import MissingInputError
from inbox.template_words import LONGEST_VALUE, places_of
from inbox.tongues import language_name, languages_with
from inbox.views.settings.compliance import may_change

FIELD = "value_"


@require_http_methods(["GET", "POST"])
def asking_template(request: HttpRequest) -> HttpResponse:
    """Show which templates ask, and choose one or take one back."""
    who = reader(request)
    language = _language(request, who)
    if request.method == "GET":
        return _page(request, who, language, _named(request.GET.get("template", ""), who))
    if not may_change(who):
        raise Http404("Not yours to choose.")
    template = _named(request.POST.get("template", ""), who)
    if template is None:
        raise Http404("No such template.")
    if request.POST.get("do") == "stop":
        let_it_not_ask(template=template, by=who.user, now=who.now)
        messages.success(request, _("Taken back: this template asks nobody any more."))
        return _back(language)
    values = {
        name.removeprefix(FIELD): str(value)[:LONGEST_VALUE]
        for name, value in request.POST.items()
        if name.startswith(FIELD)
    }
    try:
        let_it_ask(
            account=who.account,
            template=template,
            language=language,
            values=values,
            by=who.user,
            now=who.now,
        )
    except MissingInputError as error:
        return _page(request, who, language, template, values=values, problem=error.reason)
    messages.success(request, _("Saved. It asks from now on, once the 24 hours are over."))
    return _back(language)


def _back(language: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('settings_asking_template')}?language={language}")


def _named(pk: str, who: Administrator) -> WhatsAppTemplate | None:
    rows = WhatsAppTemplate.objects.filter(account=who.account, pk=number_in(pk) or 0)
    return rows.select_related("twilio_account").first()


def _language(request: HttpRequest, who: Administrator) -> str:
    there = [row.asks_in for row in chosen_templates(who.account)]
    asked = request.GET.get("language", "").strip()
    return asked if asked in dict(languages_with(there)) else "en"


def _page(
    request: HttpRequest,
    who: Administrator,
    language: str,
    template: WhatsAppTemplate | None,
    *,
    values: dict[str, str] | None = None,
    problem: str = "",
) -> HttpResponse:
    chosen = chosen_templates(who.account)
    choices = askable_templates(who.account)
    connections = {row.twilio_account_id for row in (*choices, *chosen)}
    given = values if values is not None else template.asks_with if template else {}
    places = places_of(template.body, template.variables) if template else []
    context = {
        "who": who,
        "here": "compliance",
        "may_change": may_change(who),
        "chosen": [(row, language_name(row.asks_in)) for row in chosen],
        "choices": choices,
        "has_several": len(connections) > 1,
        "template": template,
        "places": [(place, given.get(place.name, "")) for place in places],
        "problem": problem,
        "named": NAMED,
        "language": language,
        "language_name": language_name(language),
        "languages": languages_with([row.asks_in for row in chosen]),
        "longest": LONGEST_VALUE,
    }
    status = 422 if problem else 200
    return render(request, "settings/asking_template.html", context, status=status)
