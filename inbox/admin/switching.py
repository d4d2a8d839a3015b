"""How are inboxes and numbers switched off in the admin, after a look at what that sets off?"""

from collections.abc import Sequence

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin_scope import person
from accounts.admin_tasks import MOST_FORETOLD, MOST_WHOLE, Task, TaskAdmin, posted
from inbox.models import Sender, TeamInbox
from inbox.setup.numbers import remove_number
from inbox.setup.pointing import put_back
from inbox.setup.previews import Preview, preview_inbox_off, preview_number_removal
from inbox.setup.refusals import REFUSALS, SetUpError
from inbox.setup.switching import turn_off, turn_on_again


class GiveBackForm(forms.Form):
    """Where do messages go at Twilio from now on?"""

    gives_back = forms.BooleanField(
        label="Put back at Twilio",
        required=False,
        help_text="Messages go where they went before us, for numbers that still send to us.",
    )


class SwitchOff(Task[TeamInbox]):
    """Switch inboxes off."""

    name = "switch-off"
    label = "Switch off"
    words = "Everything in it stays, and is there again when it is switched on."
    button = "Switch off"
    most = MOST_WHOLE

    def fits(self, row: TeamInbox) -> bool:
        """Only what is on."""
        return row.is_on

    def describe(self, row: TeamInbox) -> str:
        """Say whose it is: names repeat."""
        return f"{row.name} of {row.account}"

    def form_for(self, request: HttpRequest, rows: Sequence[TeamInbox]) -> GiveBackForm:
        """Ask about Twilio."""
        return GiveBackForm(posted(request))

    def previews(
        self, request: HttpRequest, rows: Sequence[TeamInbox], form: forms.Form
    ) -> Sequence[Preview]:
        """Say what would close."""
        now = timezone.now()
        return [preview_inbox_off(inbox=row, now=now) for row in rows]

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[TeamInbox],
        form: forms.Form,
        admin: TaskAdmin[TeamInbox],
    ) -> None:
        """Switch off one by one, and say what Twilio did not do."""
        gives_back = form.cleaned_data["gives_back"]
        for row in rows:
            try:
                problems = turn_off(
                    inbox=row, gives_back=gives_back, by=person(request), now=timezone.now()
                )
            except SetUpError as no:
                admin.message_user(request, no.reason, messages.ERROR)
                continue
            admin.message_user(request, f"{row.name} is off.", messages.SUCCESS)
            for problem in problems:
                admin.message_user(request, f"Not put back at Twilio: {problem}", messages.ERROR)


class SwitchOn(Task[TeamInbox]):
    """Switch inboxes on again, as they were."""

    name = "switch-on"
    label = "Switch on again"
    words = "They work as before and show what arrived meanwhile. Nothing changes at Twilio."
    button = "Switch on"

    def fits(self, row: TeamInbox) -> bool:
        """Only what is off."""
        return not row.is_on

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[TeamInbox],
        form: forms.Form,
        admin: TaskAdmin[TeamInbox],
    ) -> None:
        """Switch on one by one."""
        for row in rows:
            turn_on_again(inbox=row, by=person(request), now=timezone.now())
        admin.message_user(request, f"On again: {len(rows)}.", messages.SUCCESS)


class Remove(Task[Sender]):
    """Take numbers out of their inboxes."""

    name = "remove"
    label = "Remove from its inbox"
    words = "Its threads stay readable, and it may be attached again later."
    button = "Remove"
    most = MOST_FORETOLD

    def fits(self, row: Sender) -> bool:
        """Only what is in use."""
        return not row.is_removed

    def form_for(self, request: HttpRequest, rows: Sequence[Sender]) -> GiveBackForm:
        """Ask about Twilio."""
        return GiveBackForm(posted(request))

    def previews(
        self, request: HttpRequest, rows: Sequence[Sender], form: forms.Form
    ) -> Sequence[Preview]:
        """Say what would no longer arrive."""
        now = timezone.now()
        return [preview_number_removal(sender=row, now=now) for row in rows]

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[Sender],
        form: forms.Form,
        admin: TaskAdmin[Sender],
    ) -> None:
        """Remove one by one; what Twilio does not do holds nothing up."""
        for row in rows:
            if form.cleaned_data["gives_back"]:
                self._put_back(request, row, admin)
            try:
                remove_number(sender=row, by=person(request), now=timezone.now())
            except SetUpError as no:
                admin.message_user(request, no.reason, messages.ERROR)
            else:
                words = f"{row.address} is removed from {row.inbox.name}."
                admin.message_user(request, words, messages.SUCCESS)

    def _put_back(self, request: HttpRequest, row: Sender, admin: TaskAdmin[Sender]) -> None:
        try:
            put_back(sender=row, by=person(request), now=timezone.now())
        except REFUSALS as no:
            words = f"{row.address} was not put back at Twilio: {no.reason}"
            admin.message_user(request, words, messages.ERROR)
