"""What is an inbox called, who has a conversation after a claim, when does one end?"""

from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.numbers import number_in
from inbox.closing import MOST_COUNTED, older_than_setting
from inbox.forms import plain_lines
from inbox.models import TeamInbox
from inbox.setup.general import (
    CARDS,
    FOR_SUPERVISORS,
    ChangedMeanwhileError,
    change_inbox,
    close_older_too,
)
from inbox.views.settings.answers import inbox_of
from inbox.views.settings.door import Setter, setter

LANGUAGES = (
    ("", gettext_lazy("As the account")),
    ("en", "English"),
    ("es", "Español"),
    ("fr", "Français"),
    ("pt", "Português"),
    ("de", "Deutsch"),
    ("it", "Italiano"),
)
_SEEN = "seen_"


class LookForm(forms.ModelForm[TeamInbox]):
    """Name, colour, time zone and language."""

    time_zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("Such as America/New_York. Empty: as the account."),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        help_text=gettext_lazy(
            "Of what you write to customers: spelling is checked, and read out, in it."
        ),
        choices=LANGUAGES,
        required=False,
    )

    class Meta:
        model = TeamInbox
        fields: ClassVar[tuple[str, ...]] = CARDS["look"]
        labels: ClassVar[dict[str, Any]] = {
            "name": gettext_lazy("Name"),
            "colour": gettext_lazy("Colour"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "colour": gettext_lazy("Of its sign where people choose between their inboxes."),
        }

    def clean_time_zone(self) -> str:
        """Refuse what is no time zone."""
        zone: str = self.cleaned_data["time_zone"].strip()
        if zone and zone not in available_timezones():
            raise forms.ValidationError(
                _("There is no time zone “%(zone)s”. Choose one such as Europe/London."),
                params={"zone": zone},
            )
        return zone


class ClaimingForm(forms.ModelForm[TeamInbox]):
    """Who answers, and what colleagues see after a claim."""

    class Meta:
        model = TeamInbox
        fields: ClassVar[tuple[str, ...]] = CARDS["claiming"]
        labels: ClassVar[dict[str, Any]] = {
            "claim_rule": gettext_lazy("Claim rule"),
            "after_claim": gettext_lazy("After a claim"),
            "closed_visibility": gettext_lazy("Closed conversations are found by"),
            "most_open": gettext_lazy("Most open conversations of one person"),
            "may_start_conversations": gettext_lazy("Agents may begin conversations"),
            "is_transfer_note_required": gettext_lazy("Who transfers must write a note"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "after_claim": gettext_lazy(
                "“No longer see it”: it leaves the lists, search and alerts of colleagues; who "
                "opens an old link reads who has it. “Go on reading”: they find and read it, and "
                "only its owner answers. Supervisors always see everything."
            ),
            "most_open": gettext_lazy(
                "Who has as many open, in all inboxes together, gets no more by rules and none "
                "that comes back; a step of a rule may say otherwise. Anybody may still claim. "
                "Empty: no limit."
            ),
            "may_start_conversations": gettext_lazy(
                "With customers who have not written. Only where consent is on record: every "
                "message is checked as always."
            ),
            "is_transfer_note_required": gettext_lazy(
                "Whoever gets the conversation reads it above the thread. Rules and escalation "
                "write none."
            ),
        }


class EndingForm(forms.ModelForm[TeamInbox]):
    """When a conversation ends, and who has it when it comes back."""

    class Meta:
        model = TeamInbox
        fields: ClassVar[tuple[str, ...]] = CARDS["ending"]
        labels: ClassVar[dict[str, Any]] = {
            "is_close_reason_required": gettext_lazy("Who closes must say why"),
            "reopen_hours": gettext_lazy("Reopen within (hours)"),
            "reopen_owner": gettext_lazy("A reopened conversation goes to"),
            "auto_close_hours": gettext_lazy("Close by itself after (hours)"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "reopen_hours": gettext_lazy(
                "A customer who writes within this time after a close reopens the conversation. "
                "0: always a new one. Empty: always reopen."
            ),
            "auto_close_hours": gettext_lazy(
                "After your last answer, if the customer is silent. Empty: never. Counts for "
                "conversations that begin from now on, never while a customer waits."
            ),
        }


class GoodbyeForm(forms.ModelForm[TeamInbox]):
    """What a customer hears when a person closes their conversation."""

    class Meta:
        model = TeamInbox
        fields: ClassVar[tuple[str, ...]] = CARDS["goodbye"]
        labels: ClassVar[dict[str, Any]] = {"goodbye": gettext_lazy("Goodbye")}
        widgets: ClassVar[dict[str, Any]] = {"goodbye": forms.Textarea(attrs={"rows": 3})}
        help_texts: ClassVar[dict[str, Any]] = {
            "goodbye": gettext_lazy(
                "Sent when a person closes one conversation, as far as an automatic reply may go; "
                "where not, its timeline says why. Empty: nothing. Closing by itself, and closing "
                "many at once, says nothing."
            ),
        }

    def clean_goodbye(self) -> str:
        """Refuse what looks like a variable: it would be sent as it stands."""
        text = plain_lines(self.cleaned_data["goodbye"])
        if "{{" in text:
            raise forms.ValidationError(
                _("Nothing is filled in here: write it without {{ and }}."), code="variable"
            )
        return text


class WaitingForm(forms.ModelForm[TeamInbox]):
    """Within what time a customer should have an answer."""

    class Meta:
        model = TeamInbox
        fields: ClassVar[tuple[str, ...]] = CARDS["waiting"]
        labels: ClassVar[dict[str, Any]] = {
            "target_minutes": gettext_lazy("An answer within (minutes)"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "target_minutes": gettext_lazy(
                "From then on the list marks how long a customer has waited. It calls nobody: "
                "that is what an escalation policy is for."
            ),
        }


class GreetingForm(forms.ModelForm[TeamInbox]):
    """Who signs automatic replies."""

    class Meta:
        model = TeamInbox
        fields: ClassVar[tuple[str, ...]] = CARDS["greeting"]
        labels: ClassVar[dict[str, Any]] = {"bot_name": gettext_lazy("Name of the bot")}
        help_texts: ClassVar[dict[str, Any]] = {
            "bot_name": gettext_lazy("Agents see it at every message that nobody wrote by hand."),
        }


class SupervisorsForm(forms.ModelForm[TeamInbox]):
    """What supervisors may change."""

    class Meta:
        model = TeamInbox
        fields: ClassVar[tuple[str, ...]] = CARDS["supervisors"]
        labels: ClassVar[dict[str, Any]] = {
            "supervisors_may_set_up": gettext_lazy(
                "Supervisors may set business hours, automatic replies and rules of this inbox"
            ),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "supervisors_may_set_up": gettext_lazy(
                "They find it in their own menu. Hours that other inboxes keep as well stay yours."
            ),
        }


FORMS: dict[str, tuple[type[forms.ModelForm[TeamInbox]], Any]] = {
    "look": (LookForm, gettext_lazy("Name and place")),
    "claiming": (ClaimingForm, gettext_lazy("Who answers")),
    "greeting": (GreetingForm, gettext_lazy("Who signs automatic replies")),
    "waiting": (WaitingForm, gettext_lazy("How long customers should wait")),
    "ending": (EndingForm, gettext_lazy("How conversations end")),
    "goodbye": (GoodbyeForm, gettext_lazy("What is said at the end")),
    "supervisors": (SupervisorsForm, gettext_lazy("What supervisors may change")),
}


@require_http_methods(["GET", "POST"])
def general(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what an inbox is like, and save one card of it."""
    who = setter(request)
    inbox = inbox_of(who, slug)
    if not who.may_set(inbox.pk):
        raise Http404
    if request.method == "POST":
        return _save(request, who, inbox)
    return _page(request, who, inbox)


def _cards_for(who: Setter) -> dict[str, tuple[type[forms.ModelForm[TeamInbox]], Any]]:
    if not who.is_supervisor:
        return FORMS
    return {name: FORMS[name] for name in FOR_SUPERVISORS}


def _save(request: HttpRequest, who: Setter, inbox: TeamInbox) -> HttpResponse:
    card = request.POST.get("card", "")
    if card == "older" and "ending" in _cards_for(who):
        close_older_too(inbox=inbox, by=who.user, now=who.now)
        messages.success(request, _("Older conversations are closed by themselves now, too."))
        return HttpResponseRedirect(reverse("settings_inbox", args=[inbox.slug]) + "#ending")
    if card not in _cards_for(who):
        raise Http404
    # The form writes into a row of its own: what is in the database changes in the story alone.
    form = FORMS[card][0](request.POST, instance=inbox_of(who, inbox.slug), prefix=card)
    if not form.is_valid():
        return _page(request, who, inbox, tried=(card, form))
    seen = {
        name: request.POST[_SEEN + name] for name in CARDS[card] if _SEEN + name in request.POST
    }
    try:
        change_inbox(
            inbox=inbox,
            card=card,
            values=form.cleaned_data,
            seen=seen,
            version=number_in(request.POST.get("version", "")) or 0,
            by=who.user,
            now=who.now,
        )
    except ChangedMeanwhileError as changed:
        return _page(request, who, inbox, tried=(card, form), changed=changed)
    messages.success(request, _("“%s” is saved.") % FORMS[card][1])
    return HttpResponseRedirect(reverse("settings_inbox", args=[inbox.slug]) + f"#{card}")


def _page(
    request: HttpRequest,
    who: Setter,
    inbox: TeamInbox,
    *,
    tried: tuple[str, forms.ModelForm[TeamInbox]] | None = None,
    changed: ChangedMeanwhileError | None = None,
) -> HttpResponse:
    cards = []
    for name, (form_class, title) in _cards_for(who).items():
        is_tried = tried is not None and tried[0] == name
        form = tried[1] if tried and is_tried else form_class(instance=inbox, prefix=name)
        cards.append(
            {
                "name": name,
                "title": title,
                "form": form,
                "seen": [(_SEEN + one, _plain(getattr(inbox, one))) for one in CARDS[name]],
                "changed": changed if is_tried else None,
            }
        )
    context = {
        "who": who,
        "here": "home",
        "tab": "general",
        "inbox": inbox,
        "cards": cards,
        "older": older_than_setting(inbox, now=who.now) if not who.is_supervisor else None,
        "most": MOST_COUNTED,
        "zones": sorted(available_timezones()),
    }
    status = 409 if changed else 422 if tried else 200
    return render(request, "settings/inbox/general.html", context, status=status)


def _plain(value: Any) -> str:
    return "" if value is None else str(value)
