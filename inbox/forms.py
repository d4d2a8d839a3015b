"""What did the browser send us, checked and turned into values?"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.places import zone_choices
from compliance.evidence import EVERY_PROGRAMME
from compliance.judging import Purpose
from inbox.attention import DIGESTS, AttentionRefusedError, check_quiet
from inbox.bulk import Act, Picked
from inbox.drafts import Save
from inbox.models import Attention, Draft
from inbox.models.ids import client_id as new_client_id
from inbox.segments import MAX_CHARACTERS
from inbox.sending import UNASKED_BY_PEOPLE, Later, WentOn

LATER_TODAY = timedelta(hours=3)
LONGEST_SNOOZE = timedelta(days=2 * 365)
MORNING = 9
_CANNED_ID = re.compile(r"\b[0-9a-f]{22}\b")
MOST_SEEN = 2**62
_IS_ID = re.compile(r"[0-9A-Za-z_-]{1,40}")


def plain_lines(text: str) -> str:
    """Undo the line ends that forms put into text: CRLF becomes LF again."""
    return text.replace("\r\n", "\n").strip()


class SaveForm(forms.Form):
    """Which device writes a draft, when by its clock in milliseconds, after which revision."""

    device = forms.RegexField(r"^[0-9a-z]{8,32}$")
    typed_ms = forms.IntegerField(min_value=0, max_value=2**53)
    base = forms.IntegerField(required=False, min_value=0, max_value=2**53)

    @property
    def save(self) -> Save:
        """Return what the browser says of this save."""
        said = self.cleaned_data
        return Save(said["device"], said["typed_ms"], said["base"] or 0)


class DraftForm(SaveForm):
    """What somebody has written so far; nothing at all when it was thrown away."""

    mode = forms.ChoiceField(choices=Draft.Mode.choices)
    body = forms.CharField(required=False, strip=False)


class LaterForm(forms.Form):
    """When a message goes: at once, or later."""

    # A preset of SnoozeForm, or "at" the moment in `send_at`.
    later = forms.ChoiceField(
        choices=[(name, "") for name in ("later", "tomorrow", "monday", "at")], required=False
    )
    send_at = forms.CharField(required=False, max_length=40)
    also_if_they_write = forms.BooleanField(required=False)

    def sent_later(self, *, now: datetime, zone: str) -> Later | None:
        """Return when it is to go, in the time zone of the inbox; None for now.

        Raises ValidationError where no moment is given.
        """
        when = self.cleaned_data["later"]
        if not when:
            return None
        at = (
            moment_in(self.cleaned_data["send_at"], zone)
            if when == "at"
            else preset_moment(when, now=now, zone=zone)
        )
        assert at is not None  # Only "reply" is no moment.
        return Later(at, unless_they_write=not self.cleaned_data["also_if_they_write"])


class ComposeForm(LaterForm):
    """A reply or a note."""

    kind = forms.ChoiceField(choices=[("reply", ""), ("note", "")], required=False)
    body = forms.CharField(required=False, strip=False, max_length=20_000)
    client_id = forms.RegexField(r"^[0-9A-Za-z-]{8,32}$", required=False)
    last_seen_message = forms.IntegerField(required=False, min_value=0, max_value=2**62)
    purpose = forms.RegexField(
        rf"^({'|'.join((Purpose.REPLY, *UNASKED_BY_PEOPLE))})(:[a-z0-9-]{{1,60}})?$",
        required=False,
        max_length=90,
    )
    went_on = forms.CharField(required=False, max_length=200)
    went_on_reason = forms.CharField(required=False, max_length=300)
    hold = forms.IntegerField(required=False, min_value=0, max_value=30)

    def clean_body(self) -> str:
        """Return the text with our line ends, refused when no network would take it."""
        body = plain_lines(self.cleaned_data["body"])
        if self.data.get("kind") != "note" and len(body) > MAX_CHARACTERS:
            raise ValidationError(
                _("The message has %(number)s characters; the limit is %(limit)s. Shorten it."),
                code="too_long",
                params={"number": len(body), "limit": MAX_CHARACTERS},
            )
        return body

    def clean_client_id(self) -> str:
        """Return the browser's id for this message, or make one."""
        return self.cleaned_data["client_id"] or new_client_id()

    @property
    def is_note(self) -> bool:
        """Say whether this is an internal note."""
        return str(self.cleaned_data["kind"]) == "note"

    @property
    def last_seen_seq(self) -> int | None:
        """Return the last message that the author had seen; None where a program does not say."""
        seen: int | None = self.cleaned_data["last_seen_message"]
        return seen

    @property
    def sent_as(self) -> Purpose:
        """Return what the author says that this is: an answer, unless they said more."""
        return Purpose(self.cleaned_data["purpose"].partition(":")[0] or Purpose.REPLY)

    @property
    def programme(self) -> str:
        """Return the programme that it is of, as in `notification:reminders`; `*` for none."""
        return self.cleaned_data["purpose"].partition(":")[2] or EVERY_PROGRAMME

    @property
    def canned(self) -> list[str]:
        """Return the ids of canned replies that it was made of; what is no id is passed over."""
        return _CANNED_ID.findall(self.data.get("canned", ""))

    @property
    def answered(self) -> WentOn:
        """Return which questions of the gate the author has answered, and how."""
        codes = self.cleaned_data["went_on"].split()
        return WentOn(frozenset(codes), self.cleaned_data["went_on_reason"])

    @property
    def held(self) -> timedelta:
        """Return for how long its author can take it back."""
        return timedelta(seconds=self.cleaned_data["hold"] or 0)


class BulkForm(forms.Form):
    """One thing to do to many conversations: what, to which, and what was said of it."""

    act = forms.ChoiceField(
        choices=[(one, "") for one in Act],
        error_messages={
            "required": _("Choose what is to be done."),
            "invalid_choice": _("Choose what is to be done."),
        },
    )
    client_id = forms.RegexField(
        r"^[0-9A-Za-z-]{8,36}$",
        error_messages={
            "required": _("The request has no id of its own."),
            "invalid": _("The request has no id of its own."),
        },
    )
    reason = forms.CharField(required=False, max_length=200)
    waiting_ok = forms.BooleanField(required=False)
    to = forms.CharField(required=False, max_length=100)
    note = forms.CharField(required=False, max_length=500)
    confirm = forms.BooleanField(required=False)
    tag = forms.CharField(required=False, max_length=200)
    priority = forms.CharField(required=False, max_length=20)

    @property
    def wanted(self) -> Act:
        """Return what is to be done."""
        return Act(self.cleaned_data["act"])

    @property
    def picked(self) -> list[Picked]:
        """Return the conversations chosen, each once; what is no id is nobody's."""
        items = self.data.get("items")
        read = [_picked(item) for item in items] if isinstance(items, list) else []
        return list({one.public_id: one for one in read}.values())


def _picked(item: object) -> Picked:
    facts = item if isinstance(item, dict) else {"id": item}
    public_id, seen = facts.get("id"), facts.get("seen")
    is_id = isinstance(public_id, str) and _IS_ID.fullmatch(public_id)
    has_seen = seen if isinstance(seen, int) and 0 <= seen < MOST_SEEN else 0
    return Picked(str(public_id) if is_id else "", has_seen)


class SnoozeForm(forms.Form):
    """Until when a conversation is put aside."""

    PRESETS = (
        ("later", _("Later today")),
        ("tomorrow", _("Tomorrow morning")),
        ("monday", _("Next Monday")),
        ("reply", _("Until they reply")),
    )
    preset = forms.ChoiceField(choices=PRESETS, required=False)
    until = forms.CharField(required=False, max_length=40)

    def until_at(self, *, now: datetime, zone: str) -> datetime | None:
        """Return the moment in the account's time zone; None means until the customer replies.

        Raises ValidationError when there is neither a preset nor a moment, or one that is too far
        away.
        """
        preset = self.cleaned_data.get("preset")
        if preset:
            return preset_moment(preset, now=now, zone=zone)
        chosen = moment_in(self.cleaned_data.get("until", ""), zone)
        if chosen > now + LONGEST_SNOOZE:
            raise ValidationError(_("Choose a day within the next two years."))
        return chosen


class PromiseForm(SnoozeForm):
    """By when we promise a customer to come back."""

    def due_at(self, *, now: datetime, zone: str) -> datetime:
        """Return the moment; raises ValidationError when there is none, or a far one."""
        moment = self.until_at(now=now, zone=zone)
        if moment is None:
            raise ValidationError(_("Choose a day and a time."))
        return moment


def moment_in(text: str, zone: str) -> datetime:
    """Read a moment as browsers write it, in the zone unless it names its own; answer in UTC.

    Raises ValidationError.
    """
    try:
        chosen = datetime.fromisoformat(text)
        local = chosen if chosen.tzinfo else chosen.replace(tzinfo=ZoneInfo(zone))
        return local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValidationError(_("Choose a day and a time.")) from error


def preset_moment(preset: str, *, now: datetime, zone: str) -> datetime | None:
    """Turn the name of a snooze into a moment in the account's time zone."""
    if preset == "reply":
        return None
    if preset == "later":
        return now + LATER_TODAY
    local = now.astimezone(ZoneInfo(zone))
    days = 1 if preset == "tomorrow" else (7 - local.weekday())
    day = (local + timedelta(days=days)).date()
    return datetime(day.year, day.month, day.day, MORNING, tzinfo=ZoneInfo(zone))


class AttentionForm(forms.ModelForm[Attention]):
    """What may disturb a person, when, and how loudly."""

    digest_after = forms.TypedChoiceField(
        label=_("Write me an e-mail about what I have not read for"), coerce=int, required=False
    )

    class Meta:
        model = Attention
        fields: ClassVar[list[str]] = [
            "has_sound",
            "repeats_sound",
            "tone",
            "volume",
            "only_mine",
            "quiet_from",
            "quiet_until",
            "time_zone",
            "shows_words",
            "digest_after",
        ]
        labels: ClassVar[dict[str, Any]] = {
            "has_sound": _("Play a sound while a page of the inbox is open"),
            "repeats_sound": _("Play it again every 30 seconds until I have read what came"),
            "tone": _("Tone"),
            "volume": _("Volume"),
            "only_mine": _("Only what is mine: not what waits for anybody of the team"),
            "quiet_from": _("Quiet from"),
            "quiet_until": _("Quiet until"),
            "time_zone": _("My time zone"),
            "shows_words": _(
                "Show the customer’s name and words in push notifications and e-mails"
            ),
        }
        # What the admin says of them; the page has its own words.
        help_texts: ClassVar[dict[str, Any]] = dict.fromkeys(
            ("repeats_sound", "volume", "only_mine", "time_zone", "shows_words"), ""
        )
        widgets: ClassVar[dict[str, Any]] = {
            "volume": forms.NumberInput(attrs={"type": "range", "min": 0, "max": 100, "step": 5}),
            "quiet_from": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
            "quiet_until": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        }

    def __init__(self, *args: Any, now: datetime, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hour = now.replace(minute=0, second=0, microsecond=0)
        own = _("As the account ({zone})").format(zone=zone)
        choices = [("", own), *zone_choices(hour)]
        self.fields["time_zone"] = forms.ChoiceField(
            label=self.fields["time_zone"].label, choices=choices, required=False
        )
        self.fields["digest_after"].widget = forms.Select()
        self.fields["digest_after"].choices = [  # type: ignore[attr-defined]
            ("", _("Never")),
            *((str(one), digest_words(one)) for one in DIGESTS),
        ]

    def clean(self) -> dict[str, Any]:
        """Say of quiet hours what is wrong with them, where they are typed."""
        given = super().clean() or self.cleaned_data
        if {"quiet_from", "quiet_until"} <= given.keys():
            try:
                check_quiet(given["quiet_from"], given["quiet_until"])
            except AttentionRefusedError as refused:
                self.add_error("quiet_until", refused.reason)
        return given

    def clean_digest_after(self) -> int | None:
        """Return the minutes, or none for no letters."""
        return self.cleaned_data["digest_after"] or None


def digest_words(minutes: int) -> str:
    """Say a number of minutes, whole hours as such."""
    if minutes % 60 == 0:
        hours = minutes // 60
        return ngettext("%(hours)d hour", "%(hours)d hours", hours) % {"hours": hours}
    return ngettext("%(minutes)d minute", "%(minutes)d minutes", minutes) % {"minutes": minutes}
