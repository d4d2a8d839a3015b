"""What do the pages of canned replies show, and for whom can one be?"""

from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance.opt_out_links import sample_link
from inbox.models import CannedReply, TeamInbox
from inbox.offering import agent_data
from inbox.segments import count
from inbox.setup.canned import Place
from inbox.setup.reply_variables import Variables
from inbox.views.settings.door import Keeper
from inbox.views.settings.replies_page import MOST_CULPRITS, Preview, moment_of
from routing.texts import Text
from routing.wording import Voice, values_for

EVERYBODY, MINE = "account", "mine"
_MOST_TYPED = 20_000


@dataclass(frozen=True)
class Choice:
    """For whom a canned reply can be, by the key that a form names it by."""

    key: str
    label: str
    inbox: TeamInbox | None = None


class CannedForm(forms.Form):
    """One canned reply."""

    place = forms.ChoiceField(label=gettext_lazy("For whom"))
    shortcut = forms.CharField(
        label=gettext_lazy("Shortcut"),
        help_text=gettext_lazy("What is typed after the slash: letters, digits, - and _."),
        required=False,
        max_length=200,
        widget=forms.TextInput(
            {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    body = forms.CharField(
        label=gettext_lazy("Text"),
        required=False,
        max_length=_MOST_TYPED,
        widget=forms.Textarea({"rows": 5, "dir": "auto", "data-variables": ""}),
    )
    version = forms.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput
    )

    def __init__(self, choices: list[Choice], data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        self.choices = {one.key: one for one in choices}
        place = self.fields["place"]
        assert isinstance(place, forms.ChoiceField)
        place.choices = [(one.key, one.label) for one in choices]
        # A browser counts otherwise than we do: the server says what is too long.
        self.fields["body"].widget.attrs.pop("maxlength", None)

    @property
    def text(self) -> str:
        """Return the text as it stands in the form, whether it will do or not."""
        return str(self["body"].value() or "").replace("\r\n", "\n").strip()[:_MOST_TYPED]


def choices_for(who: Keeper) -> list[Choice]:
    """Return for whom this person may write a canned reply; their own first where they answer."""
    found = [Choice(MINE, _("Only me"))] if who.is_agent else []
    if who.sets_account:
        found.append(Choice(EVERYBODY, _("Everybody of the account")))
    if who.sets_shared:
        rows = who.inboxes or TeamInbox.objects.filter(account=who.account).order_by("name")
        found += [Choice(f"inbox-{one.slug}", one.name, one) for one in rows]
    return found


def places_shown(who: Keeper) -> list[Choice]:
    """Return for whom those are that this person may know of."""
    found = [Choice(MINE, _("Only me"))] if who.is_agent else []
    found.append(Choice(EVERYBODY, _("Everybody of the account")))
    return [*found, *(Choice(f"inbox-{one.slug}", one.name, one) for one in _inboxes(who))]


def any_inbox(who: Keeper) -> TeamInbox:
    """Return an inbox in whose name a text of no inbox is shown."""
    return _inboxes(who).first() or TeamInbox(account=who.account, name=who.account.name)


def _inboxes(who: Keeper) -> "QuerySet[TeamInbox]":
    rows = TeamInbox.objects.filter(account=who.account).order_by("name", "pk")
    if who.sets_account:
        return rows
    return rows.filter(pk__in=who.member_of | {inbox.pk for inbox in who.inboxes})


def place_in(choice: Choice, who: Keeper) -> Place:
    """Return the place that a choice stands for."""
    return Place(inbox=choice.inbox, person=who.user if choice.key == MINE else None)


def label_of(row: CannedReply) -> str:
    """Say for whom a canned reply is."""
    if row.person_id:
        return _("Only me")
    return row.inbox.name if row.inbox else _("Everybody of the account")


def as_form(row: CannedReply) -> dict[str, Any]:
    """Return what the form of a canned reply begins with."""
    inbox = f"inbox-{row.inbox.slug}" if row.inbox else EVERYBODY
    place = MINE if row.person_id else inbox
    return {
        "place": place,
        "shortcut": row.shortcut,
        "body": row.body,
        "version": row.version,
    }


def previews(
    body: str, inbox: TeamInbox, who: Keeper, variables: Variables, *, problems: list[str]
) -> list[Preview]:
    """Return a text as two customers would get it: one who is known, and one who is not."""
    return [
        _preview(body, inbox, who, variables, knows_all=True, problems=problems),
        _preview(body, inbox, who, variables, knows_all=False, problems=[]),
    ]


def _preview(
    body: str,
    inbox: TeamInbox,
    who: Keeper,
    variables: Variables,
    *,
    knows_all: bool,
    problems: list[str],
) -> Preview:
    calendar, at = moment_of(inbox, who.now)
    language = inbox.language or "en"
    link = sample_link(who.account.pk, now=who.now)
    voice = Voice(inbox.name, inbox.bot_name, language, dict(variables.known), link)
    text, facts = Text.parse(body), variables.sample(calendar, knows_all=knows_all)
    values = values_for(text, facts, voice, language, at=at)
    said = text.render(replace(values, data={**values.data, **agent_data(who.user.name)}))
    cost = count(said)
    label = (
        _("Maria López, of whom everything is known")
        if knows_all
        else _("somebody of whom nothing is known")
    )
    culprits = " ".join(cost.culprits[:MOST_CULPRITS])
    return Preview(label, said, language, cost, culprits, tuple(problems), ())
