"""How is a message typed that nobody sent, and what should become of it chosen?"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inbox.explaining.places import Which
from inbox.explaining.replay import MOST
from inbox.labels import channel_words
from routing.example_models import MOST_NAME
from routing.examples import Expected
from routing.facts import Answer, Trigger, Value
from routing.trying import CHANNELS, MEDIA_KINDS, MOST_TEXT, Typed

WHICH = {
    Which.DRAFT: gettext_lazy("The draft"),
    Which.PUBLISHED: gettext_lazy("The rules that hold now"),
    Which.ACCOUNT_DRAFT: gettext_lazy("The draft of the rules asked first, with those that hold"),
}
_TRIGGERS = {
    Trigger.NEW: gettext_lazy("A new conversation"),
    Trigger.REOPENED: gettext_lazy("A closed conversation that comes back"),
    Trigger.TRANSFERRED: gettext_lazy("A conversation transferred to this inbox"),
}
_MEDIA = {
    "image": gettext_lazy("Picture"),
    "audio": gettext_lazy("Voice message"),
    "video": gettext_lazy("Video"),
    "pdf": gettext_lazy("PDF"),
    "vcard": gettext_lazy("Contact card"),
}
_EXPECTED = (
    ("who", gettext_lazy("the same people get it")),
    ("reply", gettext_lazy("the answer is the same")),
    ("rule", gettext_lazy("the same rule decides")),
)
LONGEST_LINES = 4000
REPLAYED = (100, 312, 500, MOST)


class WhichForm(forms.Form):
    """Which rules are tried."""

    which = forms.ChoiceField(label=gettext_lazy("Which rules"), required=False)

    def __init__(self, *args: Any, has_account_draft: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [one for one in Which if has_account_draft or one is not Which.ACCOUNT_DRAFT]
        self.fields["which"].choices = [(one.value, WHICH[one]) for one in known]  # type: ignore[attr-defined]

    def chosen(self) -> Which:
        """Return which rules are to be tried: the draft if nothing is chosen."""
        return Which(self.cleaned_data.get("which") or Which.DRAFT)


class TypedForm(WhichForm):
    """A message that nobody sent, with its circumstances; `zone` is the inbox's."""

    text = forms.CharField(
        label=gettext_lazy("What the customer writes"),
        required=False,
        max_length=MOST_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    number = forms.CharField(
        label=gettext_lazy("From which number"),
        help_text=gettext_lazy(
            "Such as +14155550123, or blank. What is known of the contact counts too, if you may "
            "read a conversation with them."
        ),
        required=False,
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
    )
    at = forms.CharField(
        label=gettext_lazy("When"),
        required=False,
        max_length=30,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"),
        choices=[(one, channel_words(one)) for one in CHANNELS],
        required=False,
    )
    sender = forms.ChoiceField(label=gettext_lazy("To which of your numbers"), required=False)
    trigger = forms.ChoiceField(
        label=gettext_lazy("Occasion"),
        choices=[(one.value, words) for one, words in _TRIGGERS.items()],
        required=False,
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("With it comes"),
        choices=[(one, _MEDIA[one]) for one in MEDIA_KINDS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    name = forms.CharField(
        label=gettext_lazy("The customer's name"),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    language = forms.CharField(
        label=gettext_lazy("Their language, if it is known"),
        help_text=gettext_lazy("Such as es. Blank: it is detected in what they write."),
        required=False,
        max_length=12,
    )
    tags = forms.CharField(
        label=gettext_lazy("Their tags, with commas between"), required=False, max_length=400
    )
    attributes = forms.CharField(
        label=gettext_lazy("Their attributes"),
        help_text=gettext_lazy("One on each line: tier = gold"),
        required=False,
        max_length=LONGEST_LINES,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    conversation_tags = forms.CharField(
        label=gettext_lazy("The conversation's tags, with commas between"),
        required=False,
        max_length=400,
    )
    is_back = forms.BooleanField(
        label=gettext_lazy("This customer wrote before, in another conversation"), required=False
    )
    answers = forms.CharField(
        label=gettext_lazy("What look-ups answer"),
        help_text=gettext_lazy(
            "One field on each line: hubspot.tier = gold. A look-up that is away: "
            "hubspot.failure = It did not answer. Of those that are missing nothing is known."
        ),
        required=False,
        max_length=LONGEST_LINES,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    asks = forms.BooleanField(
        label=gettext_lazy("Ask look-ups now: they are real, and learn of this message"),
        required=False,
    )
    people = forms.ChoiceField(
        label=gettext_lazy("Your people"),
        choices=(
            ("now", gettext_lazy("As they are now: some away, some busy")),
            ("there", gettext_lazy("All there, with nothing to do")),
        ),
        required=False,
    )
    away = forms.MultipleChoiceField(
        label=gettext_lazy("But away are"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self,
        *args: Any,
        zone: str,
        now: datetime,
        senders: Iterable[tuple[str, str]],
        colleagues: Iterable[tuple[int, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.zone, self.now = zone, now
        self.fields["at"].help_text = _("In %(zone)s. Blank: now.") % {"zone": zone}
        self.fields["sender"].choices = [*senders] or [("", "–")]  # type: ignore[attr-defined]
        people = [(str(pk), name) for pk, name in colleagues]
        self.fields["away"].choices = people  # type: ignore[attr-defined]

    def clean_number(self) -> str:
        """Return the number as E.164; blank if there is none."""
        written = str(self.cleaned_data["number"]).strip()
        if not written:
            return ""
        try:
            parsed = phonenumbers.parse(written)
        except phonenumbers.NumberParseException as error:
            raise forms.ValidationError(
                _("Write it with + and its country, such as +14155550123.")
            ) from error
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)

    def clean_at(self) -> datetime:
        """Return the moment that is meant on the clock of the inbox."""
        return moment_on(str(self.cleaned_data["at"]), self.zone) or self.now

    def clean_attributes(self) -> dict[str, Value]:
        """Return attributes by name."""
        return dict(_lines(self.cleaned_data["attributes"]))

    def clean_answers(self) -> dict[str, Answer]:
        """Return what look-ups answer, by name."""
        fields: dict[str, dict[str, Value]] = {}
        for name, value in _lines(self.cleaned_data["answers"]):
            lookup, dot, field = name.partition(".")
            if not (dot and lookup and field):
                raise forms.ValidationError(
                    _("Write the look-up and its field: hubspot.tier = gold.")
                )
            fields.setdefault(lookup.strip(), {})[field.strip()] = value
        return {name: _answer(one) for name, one in fields.items()}

    def typed(self) -> Typed:
        """Return the message. Valid forms only."""
        said = self.cleaned_data
        return Typed(
            at=said["at"],
            text=said["text"],
            number=said["number"],
            name=said["name"],
            language=said["language"].strip(),
            channel=said["channel"] or CHANNELS[0],
            sender=said["sender"],
            trigger=Trigger(said["trigger"] or Trigger.NEW),
            media_kinds=tuple(said["kinds"]),
            tags=_words(said["tags"]),
            attributes=said["attributes"],
            conversation_tags=_words(said["conversation_tags"]),
            is_first_ever=not said["is_back"],
            answers=said["answers"],
            away=tuple(map(int, said["away"])),
        )


class PastForm(WhichForm):
    """A message that came, and when it is to have come."""

    message = forms.ChoiceField(label=gettext_lazy("Message"))
    at = forms.CharField(
        label=gettext_lazy("When"),
        required=False,
        max_length=30,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    asks = forms.BooleanField(
        label=gettext_lazy("Ask look-ups now that were not asked then: they are real"),
        required=False,
    )

    def __init__(
        self, *args: Any, zone: str, messages: Iterable[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        self.fields["at"].help_text = _("In %(zone)s. Blank: when it came.") % {"zone": zone}
        self.fields["message"].choices = [*messages]  # type: ignore[attr-defined]

    def clean_at(self) -> datetime | None:
        """Return the moment that is meant on the clock of the inbox."""
        return moment_on(str(self.cleaned_data["at"]), self.zone)


class KeepForm(forms.Form):
    """Under which name a typed message is kept as an example, and what must stay as it is."""

    example = forms.CharField(label=gettext_lazy("Name of the example"), max_length=MOST_NAME)
    expects = forms.MultipleChoiceField(
        label=gettext_lazy("Rules must see to it that"),
        choices=_EXPECTED,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose what must stay as it is.")},
    )

    def wanted(self, outcome: Expected) -> Expected:
        """Return of what became of it that which must stay."""
        chosen = self.cleaned_data["expects"]
        return Expected(
            rule=outcome.rule if "rule" in chosen else None,
            who=outcome.who if "who" in chosen else None,
            reply=outcome.reply if "reply" in chosen else None,
        )


class ReplayForm(WhichForm):
    """How many messages are replayed, and which of those that differ are listed."""

    limit = forms.TypedChoiceField(
        label=gettext_lazy("How many"),
        coerce=int,
        choices=[(number, number) for number in REPLAYED],
        initial=REPLAYED[1],
        required=False,
        empty_value=None,
    )

    def number(self) -> int:
        """Return how many messages are to be replayed."""
        return int(self.cleaned_data.get("limit") or REPLAYED[1])


def moment_on(written: str, zone: str) -> datetime | None:
    """Return the moment that a clock shows. Raises ValidationError for what is none."""
    if not written.strip():
        return None
    try:
        shown = datetime.fromisoformat(written.strip())
        local = shown if shown.tzinfo else shown.replace(tzinfo=ZoneInfo(zone))
        return local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise forms.ValidationError(
            _("Write the day and the time, such as 2026-12-24T17:30.")
        ) from error


def shown_at(at: datetime, zone: str) -> str:
    """Write a moment as a field for day and time takes it."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}"


def _lines(text: str) -> Iterable[tuple[str, Value]]:
    for line in text.splitlines():
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise forms.ValidationError(
                _("“%(line)s” is no name, = and value."), params={"line": line.strip()[:60]}
            )
        yield name.strip(), value.strip()


def _answer(fields: Mapping[str, Value]) -> Answer:
    failure = fields.get("failure")
    return Answer(failure=str(failure)) if failure else Answer(dict(fields))


def _words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (one.strip() for one in text.split(","))))
