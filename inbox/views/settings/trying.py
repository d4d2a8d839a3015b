"""What does a look-up say right now? Asked for real, about a number that an admin types."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.administrators import Administrator, administrator
from inbox.models import TeamInbox
from inbox.setup.trying import Wish, try_lookup
from inbox.views.settings.lookups import base, definition_of, url_of
from routing.lookups import DefinitionError
from routing.models import CrmConnector, DataAction


class TryForm(forms.Form):
    """About whom, and for a Data Action which message in which inbox."""

    number = forms.CharField(
        label=gettext_lazy("Customer's number"),
        help_text=gettext_lazy("Such as +14155550123."),
        max_length=30,
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Write the number of a customer.")},
    )
    name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=120)
    language = forms.CharField(
        label=gettext_lazy("Language"),
        help_text=gettext_lazy("Such as en or es."),
        required=False,
        max_length=12,
    )


class MessageForm(TryForm):
    """A message that is made up."""

    inbox = forms.ModelChoiceField(
        TeamInbox.objects.none(),
        label=gettext_lazy("In the inbox"),
        empty_label=None,
        error_messages={
            "required": gettext_lazy("Make an inbox first: a message comes into one."),
            "invalid_choice": gettext_lazy("There is no such inbox."),
        },
    )
    text = forms.CharField(
        label=gettext_lazy("What they write"),
        max_length=1600,
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": gettext_lazy("Write a message.")},
    )


@never_cache
@require_http_methods(["GET", "POST"])
def lookup_try(request: HttpRequest, *, what: str, pk: int) -> HttpResponse:
    """Ask a look-up now and show what was asked, what came, or why not."""
    who = administrator(request)
    row = definition_of(who, what, pk)
    form = _form(request, who, row)
    shown: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        try:
            wish = Wish(**form.cleaned_data)
            shown["outcome"] = try_lookup(row=row, wish=wish, by=who.user, now=who.now)
        except DefinitionError as refused:
            form.add_error("number", refused.reason)
    context = {
        **base(who),
        "row": row,
        "form": form,
        "is_action": isinstance(row, DataAction),
        "is_table": isinstance(row, CrmConnector) and row.kind == CrmConnector.Kind.TABLE,
        "back": url_of(row),
        **shown,
    }
    return render(request, "settings/lookup_try.html", context)


def _form(request: HttpRequest, who: Administrator, row: DataAction | CrmConnector) -> TryForm:
    data = request.POST if request.method == "POST" else None
    if isinstance(row, CrmConnector):
        return TryForm(data)
    form = MessageForm(data, initial={"text": _("Hello, where is my order?")})
    inboxes = form.fields["inbox"]
    assert isinstance(inboxes, forms.ModelChoiceField)
    inboxes.queryset = TeamInbox.objects.filter(account=who.account)
    return form
