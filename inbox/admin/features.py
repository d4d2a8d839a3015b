"""What is switched on for whom, who asked for it, and who must still agree?"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from accounts.admin_scope import ACT, LOOK, M, OwnRowsFilter, ScopedAdmin, ToDo, person
from accounts.admin_tasks import MOST_WHOLE, Task, posted
from accounts.entitlement_forms import AcceptForm, EndForm, GrantForm, ReasonForm
from accounts.granting import (
    Terms,
    approve_proposal,
    decline_request,
    reject_proposal,
    runs_until,
    switch_on,
)
from accounts.models import ExpiryNotice, FeatureGrant, FeatureRequest, GrantProposal, User
from inbox.admin.licences import this_second
from inbox.admin.stories import StoryAdmin
from inbox.setup.features import move_grant_end, switch_off
from inbox.setup.previews import Preview, preview_feature_off, preview_later_grant


def _previews(rows: Sequence[FeatureGrant]) -> list[Preview]:
    now = timezone.now()
    return [
        preview_feature_off(account=row.account, feature=row.feature, now=now)
        if row.holds_at(now)
        else preview_later_grant(grant=row)
        for row in rows
    ]


class Refuse(Task[M]):
    """Say no to what somebody wants, for a reason: to all of it, or to nothing."""

    done: ClassVar[str]

    def refuse(self, row: M, *, by: User, reason: str, now: datetime) -> None:
        """Say no to one of them."""
        raise NotImplementedError

    def form_for(self, request: HttpRequest, rows: Sequence[M]) -> ReasonForm:
        """Ask why."""
        return ReasonForm(posted(request))

    def do(self, request: HttpRequest, rows: Sequence[M], form: forms.Form, admin: Any) -> None:
        """Say no to them: to all, or to none."""
        reason, now = form.cleaned_data["reason"], timezone.now()
        with transaction.atomic():
            for row in rows:
                self.refuse(row, by=person(request), reason=reason, now=now)
        admin.message_user(request, f"{self.done}: {len(rows)}.", messages.SUCCESS)


# --- Grants ---------------------------------------------------------------------------------------


class EndNow(Task[FeatureGrant]):
    """Switch a feature off at once."""

    name = "end"
    label = "Switch off now"
    words = (
        "The feature is switched off for these accounts at once. The rows stay: what was on, and "
        "when, is on record. One that has not begun never begins."
    )
    button = "Switch off"
    most = MOST_WHOLE

    def fits(self, row: FeatureGrant) -> bool:
        """Only what has not ended."""
        return row.ends_at is None or row.ends_at > timezone.now()

    def form_for(self, request: HttpRequest, rows: Sequence[FeatureGrant]) -> ReasonForm:
        """Ask why."""
        return ReasonForm(posted(request))

    def previews(
        self, request: HttpRequest, rows: Sequence[FeatureGrant], form: forms.Form
    ) -> Sequence[Preview]:
        """Say what would close."""
        return _previews(rows)

    def do(
        self, request: HttpRequest, rows: Sequence[FeatureGrant], form: forms.Form, admin: Any
    ) -> None:
        """End the grants: all, or none."""
        with transaction.atomic():
            for row in rows:
                switch_off(
                    grant=row,
                    by=person(request),
                    reason=form.cleaned_data["reason"],
                    now=timezone.now(),
                )
        admin.message_user(request, f"Switched off: {len(rows)}.", messages.SUCCESS)


class MoveEnd(Task[FeatureGrant]):
    """Let a grant end at another moment."""

    name = "move-end"
    label = "Change the end"
    words = "At that moment the feature is switched off, by itself. Empty: it stays on for good."
    button = "Change"
    most = MOST_WHOLE
    asks_twice = True

    def fits(self, row: FeatureGrant) -> bool:
        """Only what has not ended."""
        return row.ends_at is None or row.ends_at > timezone.now()

    def form_for(self, request: HttpRequest, rows: Sequence[FeatureGrant]) -> EndForm:
        """Ask until when, and why."""
        return EndForm(posted(request), initial={"ends_at": rows[0].ends_at})

    def previews(
        self, request: HttpRequest, rows: Sequence[FeatureGrant], form: forms.Form
    ) -> Sequence[Preview]:
        """Say what would close if the moment had come."""
        stays = form.is_bound and form.is_valid() and form.cleaned_data["ends_at"] is None
        return [] if stays else _previews(rows)

    def do(
        self, request: HttpRequest, rows: Sequence[FeatureGrant], form: forms.Form, admin: Any
    ) -> None:
        """Move the ends: all, or none."""
        with transaction.atomic():
            for row in rows:
                move_grant_end(
                    grant=row,
                    ends_at=form.cleaned_data["ends_at"],
                    by=person(request),
                    reason=form.cleaned_data["reason"],
                    now=timezone.now(),
                )
        admin.message_user(request, f"Changed: {len(rows)}.", messages.SUCCESS)


@admin.register(FeatureGrant)
class FeatureGrantAdmin(StoryAdmin[FeatureGrant]):
    """What is switched on for whom, since when, by whom and why. Ended, never deleted."""

    form = GrantForm
    tasks = (EndNow(), MoveEnd())
    fields = ("account", "feature", "package", "starts_at", "ends_at", "reason")
    readonly_fields = ("granted_by", "approved_by", "ended_by", "end_reason")
    autocomplete_fields = ("account",)
    list_display = (
        "account",
        "feature",
        "package",
        "is_on",
        "starts_at",
        "ends_at",
        "granted_by",
        "reason",
    )
    list_filter = ("feature", ("account", OwnRowsFilter))
    list_select_related = ("account", "granted_by", "package")
    search_fields = ("account__name", "reason")
    date_hierarchy = "starts_at"
    ordering = ("-starts_at", "-pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[FeatureGrant]:
        """Bring account and partner along for the tasks."""
        return super().get_queryset(request).select_related("account__partner")

    def get_fields(self, request: HttpRequest, obj: FeatureGrant | None = None) -> Any:
        """Show who made and who ended it."""
        return (*self.fields, *self.readonly_fields) if obj else self.fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Propose from now on."""
        return {"starts_at": this_second(), **super().get_changeform_initial_data(request)}

    def save_model(
        self, request: HttpRequest, obj: FeatureGrant, form: forms.Form, change: bool
    ) -> None:
        """Grant it, or propose it where a second person must agree."""
        assert isinstance(form, GrantForm)
        made = switch_on(terms=form.terms, by=person(request), now=timezone.now())
        if isinstance(made, FeatureGrant):
            obj.pk, obj._state.adding = made.pk, False

    def log_addition(self, request: HttpRequest, obj: FeatureGrant, message: Any) -> Any:
        """Keep it out of the history of a grant that there is not yet."""
        return super().log_addition(request, obj, message) if obj.pk else None

    def response_add(
        self, request: HttpRequest, obj: FeatureGrant, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Say that it waits, where it does."""
        if obj.pk:
            return super().response_add(request, obj, post_url_continue)
        words = f"{obj} is proposed. It is on when another person of the partner has approved it."
        self.message_user(request, words, messages.WARNING)
        proposals = self.admin_site.get_model_admin(GrantProposal)
        assert isinstance(proposals, ScopedAdmin)
        return HttpResponseRedirect(proposals.list_url())

    @admin.display(description="on now", boolean=True)
    def is_on(self, obj: FeatureGrant) -> bool:
        """Show whether it holds at this moment."""
        return obj.holds_at(timezone.now())


# --- What accounts asked for ----------------------------------------------------------------------


class Accept(Task[FeatureRequest]):
    """Switch on what an account asked for."""

    name = "accept"
    label = "Switch on"
    words = "The feature is granted on these terms, and the account sees that you accepted."
    button = "Switch on"

    def fits(self, row: FeatureRequest) -> bool:
        """Only what is open."""
        return row.state == FeatureRequest.State.OPEN

    def describe(self, row: FeatureRequest) -> str:
        """Say who asked, and in which words."""
        return f"{row}, asked by {row.asked_by}: {row.words or 'no words'}"

    def form_for(self, request: HttpRequest, rows: Sequence[FeatureRequest]) -> AcceptForm:
        """Ask from when until when, and why; more time begins where what is on ends."""
        begin = this_second()
        if len(rows) == 1:
            begin = runs_until(rows[0].account, rows[0].feature, now=timezone.now()) or begin
        initial = {"starts_at": begin, "reason": "The account asked for it"}
        return AcceptForm(posted(request), initial=initial)

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[FeatureRequest],
        form: forms.Form,
        admin: Any,
    ) -> None:
        """Accept them: all, or none."""
        now = timezone.now()
        data = form.cleaned_data
        with transaction.atomic():
            made = [
                switch_on(
                    terms=Terms(
                        row.account,
                        row.feature,
                        _begin(row, data["starts_at"], now),
                        data["ends_at"],
                        data["reason"],
                        data["package"],
                    ),
                    by=person(request),
                    now=now,
                    request=row,
                )
                for row in rows
            ]
        for one in made:
            is_on = isinstance(one, FeatureGrant)
            words = f"{one} is granted." if is_on else f"{one} waits for a second person."
            admin.message_user(request, words, messages.SUCCESS if is_on else messages.WARNING)


def _begin(row: FeatureRequest, wanted: datetime, now: datetime) -> datetime:
    """Return when a grant begins: a browser's form knows no seconds, and this minute means now."""
    end = runs_until(row.account, row.feature, now=now)
    if end and wanted == end.replace(second=0, microsecond=0):
        return end
    return max(wanted, now)


class Decline(Refuse[FeatureRequest]):
    """Say no to an account."""

    name = "decline"
    label = "Decline"
    words = "The account reads what you write here."
    button = "Decline"
    done = "Declined"

    def fits(self, row: FeatureRequest) -> bool:
        """Only what is open."""
        return row.state == FeatureRequest.State.OPEN

    def refuse(self, row: FeatureRequest, **how: Any) -> None:
        """Answer the account."""
        decline_request(request=row, **how)


@admin.register(FeatureRequest)
class FeatureRequestAdmin(StoryAdmin[FeatureRequest]):
    """What accounts asked their partner to switch on, and what was answered."""

    staff_may = partner_may = LOOK | {ACT}
    tasks = (Accept(), Decline())
    fields = (
        "account",
        "feature",
        "words",
        "asked_by",
        "asked_at",
        "state",
        "answer",
        "answered_by",
        "answered_at",
        "grant",
    )
    list_display = ("asked_at", "account", "feature", "asked_by", "state", "answered_by", "answer")
    list_filter = ("state", "feature", ("account", OwnRowsFilter))
    list_select_related = ("account", "asked_by", "answered_by")
    search_fields = ("account__name", "words")
    ordering = ("-asked_at", "-pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[FeatureRequest]:
        """Bring account and partner along for the tasks."""
        return super().get_queryset(request).select_related("account__partner", "asked_by")

    def to_do(self, request: HttpRequest) -> Iterable[ToDo]:
        """Name what was asked and not answered, the oldest first."""
        rows = self.get_queryset(request).filter(state=FeatureRequest.State.OPEN)
        for row in rows.order_by("asked_at")[:10]:
            words = f"{row.account} asks for {row.get_feature_display()}."
            accept = self.task_url(self.tasks[0], [row.pk])
            yield ToDo(words, self.list_url(state__exact="open"), self.tasks[0].label, accept)


# --- What waits for a second person ---------------------------------------------------------------


class Approve(Task[GrantProposal]):
    """Agree to what a colleague proposed."""

    name = "approve"
    label = "Approve"
    words = "These are switched on at their time, and what the account asked for is answered."
    button = "Approve"

    def fits(self, row: GrantProposal) -> bool:
        """Only what waits."""
        return row.state == GrantProposal.State.PENDING

    def describe(self, row: GrantProposal) -> str:
        """Say who proposed it, and why."""
        return f"{row}, proposed by {row.proposed_by}: {row.reason}"

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[GrantProposal],
        form: forms.Form,
        admin: Any,
    ) -> None:
        """Approve them: all, or none."""
        with transaction.atomic():
            for row in rows:
                approve_proposal(proposal=row, by=person(request), now=timezone.now())
        admin.message_user(request, f"Approved: {len(rows)}.", messages.SUCCESS)


class Reject(Refuse[GrantProposal]):
    """Say no to a colleague, or withdraw one's own proposal."""

    name = "reject"
    label = "Reject"
    words = "Nothing is switched on. Your own proposals are withdrawn."
    button = "Reject"
    done = "Rejected"

    def fits(self, row: GrantProposal) -> bool:
        """Only what waits."""
        return row.state == GrantProposal.State.PENDING

    def refuse(self, row: GrantProposal, **how: Any) -> None:
        """Answer the colleague."""
        reject_proposal(proposal=row, **how)


@admin.register(GrantProposal)
class GrantProposalAdmin(StoryAdmin[GrantProposal]):
    """Grants that wait for a second person of the partner: until then nothing is on."""

    staff_may = partner_may = LOOK | {ACT}
    tasks = (Approve(), Reject())
    fields = (
        "account",
        "feature",
        "package",
        "starts_at",
        "ends_at",
        "reason",
        "request",
        "proposed_by",
        "proposed_at",
        "state",
        "decided_by",
        "decided_at",
        "decision_reason",
        "grant",
    )
    list_display = ("proposed_at", "account", "feature", "proposed_by", "state", "decided_by")
    list_filter = ("state", "feature", ("account", OwnRowsFilter))
    list_select_related = ("account", "proposed_by", "decided_by")
    search_fields = ("account__name", "reason")
    ordering = ("-proposed_at", "-pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[GrantProposal]:
        """Bring account and proposer along for the tasks."""
        return super().get_queryset(request).select_related("account__partner", "proposed_by")

    def to_do(self, request: HttpRequest) -> Iterable[ToDo]:
        """Name what waits for somebody else than who proposed it."""
        rows = self.get_queryset(request).filter(state=GrantProposal.State.PENDING)
        for row in rows.exclude(proposed_by=person(request)).order_by("proposed_at")[:10]:
            words = f"{row.proposed_by} proposes {row.get_feature_display()} for {row.account}."
            approve = self.task_url(self.tasks[0], [row.pk])
            yield ToDo(words, self.list_url(state__exact="pending"), self.tasks[0].label, approve)


@admin.register(ExpiryNotice)
class ExpiryNoticeAdmin(ScopedAdmin[ExpiryNotice]):
    """Which ends partners and accounts were told of, each once."""

    fields = ("account", "words", "ends_at", "days", "noted_at", "mailed_at")
    list_display = ("noted_at", "account", "words", "days", "mailed_at")
    list_filter = ("days", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("account__name",)
    ordering = ("-noted_at", "-pk")
