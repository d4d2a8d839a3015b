"""What can be typed about keywords: a word of one's own, and a message to try."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance.foretelling import LONGEST_MESSAGE, Trial
from compliance.models import AccountKeyword
from compliance.own_keywords import OwnKeyword
from inbox.tongues import languages
from routing.reading import is_language

MOST_LANGUAGES = 10
ACTIONS = (
    (AccountKeyword.Action.OPT_OUT, gettext_lazy("Stop messages")),
    (AccountKeyword.Action.OPT_IN, gettext_lazy("Get messages again")),
    (AccountKeyword.Action.HELP, gettext_lazy("Ask for help")),
    (AccountKeyword.Action.NONE, gettext_lazy("Nothing: it is no keyword there")),
)


class WordForm(forms.Form):
    """A word, what it asks for, and where."""

    word = forms.CharField(
        label=gettext_lazy("Word"),
        max_length=200,
        help_text=gettext_lazy(
            "A plain word or a few: at most 34 letters, digits and spaces. It counts when it is "
            "the whole message; capitals, accents and marks around it do not matter."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
        error_messages={"required": gettext_lazy("Write a word.")},
    )
    action = forms.ChoiceField(label=gettext_lazy("Means"), choices=ACTIONS)
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    country = forms.CharField(
        label=gettext_lazy("Country"),
        required=False,
        max_length=20,
        help_text=gettext_lazy("Two letters, such as MX. Blank: everywhere."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        language = self.fields["language"]
        assert isinstance(language, forms.ChoiceField)
        language.choices = [("", _("Every language")), *_whole_languages()]

    def keyword(self) -> OwnKeyword:
        """Return what was typed."""
        said = self.cleaned_data
        return OwnKeyword(said["action"], said["word"], said["language"], said["country"])


def _whole_languages() -> Iterable[tuple[str, str]]:
    """Return languages without those of one country only: a country is a field of its own."""
    return [(code, name) for code, name in languages() if "-" not in code]


class TrialForm(forms.Form):
    """A message as it might come, and what was before it."""

    text = forms.CharField(
        label=gettext_lazy("Message"),
        max_length=LONGEST_MESSAGE,
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"),
        choices=[("sms", "SMS"), ("mms", "MMS"), ("rcs", "RCS"), ("whatsapp", "WhatsApp")],
    )
    languages = forms.CharField(
        label=gettext_lazy("Languages"),
        required=False,
        max_length=120,
        help_text=gettext_lazy(
            "Of the inbox and of the customer: codes with commas between them, such as en, es."
        ),
    )
    country = forms.CharField(
        label=gettext_lazy("Country of the number"),
        required=False,
        max_length=2,
        help_text=gettext_lazy("Two letters, such as US; it matters for words of one country."),
    )
    last_outbound = forms.CharField(
        label=gettext_lazy("Your last message to them"),
        required=False,
        max_length=LONGEST_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
    )
    last_was_promotional = forms.BooleanField(label=gettext_lazy("It was an offer"), required=False)
    opt_out_type = forms.ChoiceField(
        label=gettext_lazy("OptOutType from Twilio"),
        required=False,
        choices=[("", gettext_lazy("None")), *((one, one) for one in ("STOP", "START", "HELP"))],
    )
    is_opted_out = forms.BooleanField(
        label=gettext_lazy("They are opted out already"), required=False
    )

    def clean_languages(self) -> tuple[str, ...]:
        """Return the codes; none stands for English."""
        codes = [code.strip() for code in self.cleaned_data["languages"].split(",")]
        codes = [code for code in codes if code]
        if wrong := [code for code in codes if not is_language(code)]:
            raise forms.ValidationError(_("“%s” is no code of a language.") % wrong[0])
        if len(codes) > MOST_LANGUAGES:
            raise forms.ValidationError(_("At most %d languages.") % MOST_LANGUAGES)
        return tuple(codes) or ("en",)

    def clean_country(self) -> str:
        """Return two letters or none."""
        country = str(self.cleaned_data["country"]).strip().upper()
        if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
            raise forms.ValidationError(_("Write two letters, such as US."))
        return country

    def trial(self) -> Trial:
        """Return what was typed."""
        said = {name: value for name, value in self.cleaned_data.items() if name != "country"}
        return Trial(**said)
