"""What do the pages of retention ask: for how long, why, of what, and is it meant?"""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inbox.forgetting.kinds import KINDS
from inbox.forgetting.settling import Lengths
from inbox.models import Conversation

LONGEST_REASON = 500
# What is typed by who means it; the same in every language, so that a list of steps can name it.
ERASE = "ERASE"


class LengthsForm(forms.Form):
    """For how long each kind is kept; empty: what holds without."""

    def __init__(self, data: Any = None, *, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        for kind in KINDS:
            self.fields[kind.field] = forms.IntegerField(
                label=f"{kind.label} ({_('years') if kind.is_in_years else _('days')})",
                help_text=f"{kind.what}.",
                required=False,
                min_value=1,
                max_value=kind.most,
            )

    @property
    def lengths(self) -> Lengths:
        """Return what was typed, by field; call it when the form is valid."""
        return {kind.field: self.cleaned_data.get(kind.field) for kind in KINDS}

    @property
    def written(self) -> str:
        """Return what was typed in one line: what somebody foresaw is what they save."""
        return ",".join(str(self.lengths[kind.field] or "") for kind in KINDS)


def _reason(help_text: Any) -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Why"),
        max_length=LONGEST_REASON,
        help_text=help_text,
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Say why: the audit log keeps it.")},
    )


class HoldForm(forms.Form):
    """Why something is held, and of a person: all of them, or one conversation."""

    def __init__(
        self, data: Any = None, *, conversations: Sequence[Conversation] = (), auto_id: str
    ) -> None:
        super().__init__(data, auto_id=auto_id)
        self._conversations = {row.public_id: row for row in conversations}
        if conversations:
            told = [(row.public_id, _told(row)) for row in conversations]
            self.fields["conversation"] = forms.ChoiceField(
                label=gettext_lazy("What"),
                required=False,
                choices=[("", _("The person, with everything")), *told],
            )
        self.fields["reason"] = _reason(
            gettext_lazy("The case, and who asked. Written in the audit log, so name no customer.")
        )

    @property
    def conversation(self) -> Conversation | None:
        """Return the one conversation that was chosen; None for the whole person."""
        return self._conversations.get(self.cleaned_data.get("conversation", ""))


def _told(row: Conversation) -> str:
    words = _("Only the conversation in %(inbox)s of %(day)s")
    return words % {"inbox": row.inbox.name, "day": f"{row.opened_at:%Y-%m-%d}"}


class LiftForm(forms.Form):
    """Why a hold is lifted."""

    def __init__(self, data: Any = None, *, auto_id: str) -> None:
        super().__init__(data, auto_id=auto_id)
        self.fields["reason"] = _reason("")


class EraseForm(forms.Form):
    """Why somebody is erased, and whether it is meant."""

    def __init__(self, data: Any = None, *, auto_id: str) -> None:
        super().__init__(data, auto_id=auto_id)
        self.fields["reason"] = _reason(
            gettext_lazy("It stays, so write no name and no number: “They asked us to, by letter”.")
        )
        self.fields["word"] = forms.CharField(
            label=_("Type %(word)s to confirm") % {"word": ERASE},
            max_length=20,
            widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
            error_messages={"required": _("Nothing was erased: type the word.")},
        )

    def clean_word(self) -> str:
        """Refuse anything but the word."""
        word: str = self.cleaned_data["word"]
        if word.strip() != ERASE:
            raise forms.ValidationError(_("Nothing was erased: type %(word)s.") % {"word": ERASE})
        return word
