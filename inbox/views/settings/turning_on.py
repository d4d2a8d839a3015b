"""How is a Team Inbox switched on for a team, from "Turn on" to a test message, and off again?"""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from accounts.administrators import Administrator, administrator
from accounts.models import Team, TwilioAccount
from accounts.numbers import number_in
from inbox.forms import plain_lines
from inbox.models import TeamInbox
from inbox.segments import MAX_CHARACTERS
from inbox.setup.connections import connections_of
from inbox.setup.numbers import Choice, unused_numbers
from inbox.setup.preflight import preflight
from inbox.setup.previews import preview_inbox_off
from inbox.setup.refusals import SetUpError
from inbox.setup.switching import Wanted, turn_off, turn_on
from inbox.views.settings.answers import (
    REFUSALS,
    inbox_of,
    say_replaced,
    segments_of,
    team_of,
)
from inbox.views.settings.numbers import Recent, recent_test
from routing.hours_presets import HoursPreset
from routing.models import BusinessHours
from routing.replies import FirstWhen
from routing.texts import BUILT_IN, Text, problems

# A number of a Twilio account: its key and its address.
LONGEST_KEY = 160
# Where the form shows what a story refuses.
_FIELDS = {"address": "numbers", "hours": "hours"}
MOST_NUMBERS = 50
_GREETINGS = (
    ("off", gettext_lazy("Never")),
    (FirstWhen.EVER.value, gettext_lazy("To a customer's first message ever")),
    (FirstWhen.PER_CONVERSATION.value, gettext_lazy("To the first message of each conversation")),
)
MOST_DEAF = 5


class TurnOnForm(forms.Form):
    """What an inbox is to be like when it is switched on."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("What your people see."),
        max_length=80,
        error_messages={"required": gettext_lazy("Give the inbox a name.")},
    )
    numbers = forms.MultipleChoiceField(
        label=gettext_lazy("Numbers"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "invalid_choice": gettext_lazy("A number was taken meanwhile. Choose again.")
        },
    )
    is_pointed = forms.BooleanField(
        label=gettext_lazy("Set the webhooks at Twilio for me"),
        help_text=gettext_lazy(
            "We remember what is there now, so that it can be put back when you turn the inbox off."
        ),
        required=False,
        initial=True,
    )
    claim_rule = forms.ChoiceField(
        label=gettext_lazy("Who answers"), choices=TeamInbox.ClaimRule.choices
    )
    hours = forms.ChoiceField(label=gettext_lazy("Business hours"))
    bot_name = forms.CharField(
        label=gettext_lazy("Name that automatic replies are signed with"),
        max_length=40,
        error_messages={"required": gettext_lazy("Give it a name, such as Assistant.")},
    )
    first_reply = forms.ChoiceField(label=gettext_lazy("Automatic first reply"), choices=_GREETINGS)
    first_reply_text = forms.CharField(
        label=gettext_lazy("Text of the first reply"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": MAX_CHARACTERS}),
    )

    def __init__(
        self,
        *args: Any,
        choices: list[Choice],
        calendars: list[BusinessHours],
        is_new: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if not is_new:
            # It goes on saying what it said.
            del self.fields["first_reply"], self.fields["first_reply_text"]
        hours = self.fields["hours"]
        assert isinstance(hours, forms.ChoiceField)
        own = [(str(one.pk), one.name) for one in calendars]
        hours.choices = [*HoursPreset.choices, *own]
        field = self.fields["numbers"]
        assert isinstance(field, forms.MultipleChoiceField)
        offered = [(key_of(one), _words_of(one)) for one in choices if one.can_text]
        field.choices = offered
        self._offer_a_few(field, offered)

    def _offer_a_few(
        self, field: forms.MultipleChoiceField, offered: list[tuple[str, str]]
    ) -> None:
        """Draw a box for each of the first numbers, and for those that were ticked already."""
        ticked = set(self["numbers"].value() or ())
        shown = [one for n, one in enumerate(offered) if n < MOST_NUMBERS or one[0] in ticked]
        self.more_numbers = len(offered) - len(shown)
        assert isinstance(field.widget, forms.CheckboxSelectMultiple)
        field.widget.choices = shown

    def clean(self) -> dict[str, Any]:
        """Refuse an automatic reply without words."""
        cleaned: dict[str, Any] = super().clean() or {}
        text = plain_lines(cleaned.get("first_reply_text", ""))
        cleaned["first_reply_text"] = text
        if len(text) > MAX_CHARACTERS:
            self.add_error("first_reply_text", _("At most 1,600 characters fit into one message."))
        elif cleaned.get("first_reply") in set(FirstWhen):
            for problem in problems(Text.parse(text), BUILT_IN):
                self.add_error("first_reply_text", problem.words)
        return cleaned


def key_of(choice: Choice) -> str:
    """Return how a form names a number."""
    return f"{choice.twilio_account_id}:{choice.address}"


def _words_of(choice: Choice) -> str:
    """Name a number, and what takes its messages now: that would be replaced."""
    if not choice.goes_to:
        return choice.label
    values = {"number": choice.label, "address": choice.goes_to}
    return _("%(number)s (its messages go to %(address)s now)") % values


@require_http_methods(["GET", "POST"])
def turning_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Turn an inbox on; when it is on, show what is left and send a test."""
    who = administrator(request)
    team = team_of(who, pk)
    inbox = TeamInbox.objects.filter(team=team).first()
    if inbox and inbox.is_on and request.method == "GET":
        return _ready(request, who, team, inbox)
    choices, problem = _choices(who)
    posted = request.POST if request.method == "POST" else None
    if posted and problem:
        # What was chosen stays chosen, and is looked for again when it is attached.
        choices = _as_posted(who, posted.getlist("numbers"))
    own = list(BusinessHours.objects.filter(account=who.account).order_by("name"))
    form = TurnOnForm(
        posted,
        choices=choices,
        calendars=own,
        is_new=inbox is None,
        initial=_initial(team, inbox),
    )
    if request.method == "POST" and form.is_valid() and _switched_on(request, who, team, form):
        return HttpResponseRedirect(reverse("settings_turn_on", kwargs={"pk": team.pk}))
    context = {
        "who": who,
        "here": "home",
        "team": team,
        "inbox": inbox,
        "form": form,
        "problem": problem,
        "deaf": [one.label for one in choices if not one.can_text][:MOST_DEAF],
        "segments": segments_of(form["first_reply_text"].value() or "") if inbox is None else 0,
        "checks_url": reverse("settings_checks", kwargs={"pk": team.pk}),
        "found": preflight(team=team, now=who.now) if "check" in request.GET else None,
    }
    return render(request, "settings/turn_on.html", context, status=422 if form.errors else 200)


def _initial(team: Team, inbox: TeamInbox | None) -> dict[str, Any]:
    row = inbox or TeamInbox(name=team.name)
    names = ("name", "claim_rule", "bot_name")
    hours = str(row.hours_id or (HoursPreset.ALWAYS if inbox else HoursPreset.WORK_WEEK))
    return {**{name: getattr(row, name) for name in names}, "hours": hours}


def _choices(who: Administrator) -> tuple[list[Choice], str]:
    """Return the numbers that can be chosen, or why Twilio does not say them."""
    try:
        return unused_numbers(connections_of(who.account)), ""
    except REFUSALS as error:
        return [], error.reason


def _as_posted(who: Administrator, keys: list[str]) -> list[Choice]:
    """Return what a form chose as if Twilio had said it."""
    held = {str(one.pk): one for one in connections_of(who.account)}
    pairs = [key.partition(":") for key in keys if len(key) <= LONGEST_KEY]
    return [Choice(held[pk].pk, address, address, True) for pk, _c, address in pairs if pk in held]


def _switched_on(request: HttpRequest, who: Administrator, team: Team, form: TurnOnForm) -> bool:
    try:
        wanted = _wanted(who, form.cleaned_data)
        done = turn_on(team=team, wanted=wanted, by=who.user, now=who.now)
    except SetUpError as error:
        form.add_error(_FIELDS.get(error.field), error.reason)
        return False
    except REFUSALS as error:
        form.add_error(None, error.reason)
        return False
    messages.success(request, _("%s is on.") % done.inbox.name)
    for number, before in done.replaced.items():
        say_replaced(request, number, before)
    for problem in done.problems:
        messages.error(request, _("Not set at Twilio yet: %s") % problem)
    return True


def _wanted(who: Administrator, data: dict[str, Any]) -> Wanted:
    held = {str(one.pk): one for one in connections_of(who.account)}
    return Wanted(
        name=data["name"],
        numbers=[_chosen(key, held) for key in data["numbers"]],
        claim_rule=data["claim_rule"],
        bot_name=data["bot_name"],
        greets=FirstWhen(first) if (first := data.get("first_reply")) in set(FirstWhen) else None,
        greeting=data.get("first_reply_text", ""),
        hours=_hours(who, data["hours"]),
        is_pointed=data["is_pointed"],
    )


def _hours(who: Administrator, chosen: str) -> BusinessHours | HoursPreset:
    if chosen in HoursPreset.values:
        return HoursPreset(chosen)
    row = BusinessHours.objects.filter(account=who.account, pk=number_in(chosen) or 0).first()
    if row is None:
        raise SetUpError(_("Somebody deleted these hours meanwhile. Choose others."), field="hours")
    return row


def _chosen(key: str, held: dict[str, TwilioAccount]) -> tuple[TwilioAccount, str]:
    pk, _colon, address = key.partition(":")
    if pk not in held:
        raise SetUpError(_("A number was taken meanwhile. Choose again."), field="address")
    return held[pk], address


def _ready(request: HttpRequest, who: Administrator, team: Team, inbox: TeamInbox) -> HttpResponse:
    recent: Recent | None = recent_test(inbox, request.GET.get("test", ""))
    context = {
        "who": who,
        "here": "home",
        "team": team,
        "inbox": inbox,
        "senders": inbox.senders.in_use(),
        "recent": recent,
        "checks_url": reverse("settings_checks", kwargs={"pk": team.pk}),
        "found": preflight(team=team, now=who.now) if "check" in request.GET else None,
    }
    return render(request, "settings/turned_on.html", context)


@require_GET
def checks(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the checklist alone, as everything is at this moment."""
    who = administrator(request)
    team = team_of(who, pk)
    found = preflight(team=team, now=who.now)
    context = {
        "who": who,
        "team": team,
        "inbox": getattr(team, "inbox", None),
        "found": found,
    }
    # htmx stops asking on 286: nothing is left to wait for.
    is_over = found.is_ready and "HX-Request" in request.headers
    return render(request, "settings/_checks.html", context, status=286 if is_over else 200)


@require_http_methods(["GET", "POST"])
def turning_off(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what would happen, then turn an inbox off."""
    who = administrator(request)
    inbox = inbox_of(who, slug)
    if request.method == "POST":
        try:
            problems = turn_off(
                inbox=inbox,
                gives_back=bool(request.POST.get("gives_back")),
                by=who.user,
                now=who.now,
            )
        except SetUpError as error:
            messages.error(request, error.reason)
        else:
            messages.success(request, _("%s is off.") % inbox.name)
            for problem in problems:
                messages.error(request, _("Not put back at Twilio: %s") % problem)
        return HttpResponseRedirect(reverse("settings"))
    context = {
        "who": who,
        "here": "home",
        "tab": "off",
        "inbox": inbox,
        "preview": preview_inbox_off(inbox=inbox, now=who.now),
        "remembered": inbox.senders.in_use().exclude(pointed_before=None).count(),
    }
    return render(request, "settings/inbox/turn_off.html", context)
