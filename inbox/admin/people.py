"""Who works here, in which team, with which licence? And whose conversations does that free?

Losing the team or the log-in gives a person's conversations back to their teams, by the stories
that the settings tell too. What that sets off is shown before it is done.
"""

from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_variables

from accounts.admin_forms import (
    ACCOUNT_ROLES,
    ADMIN_ROLES,
    MembershipForm,
    UserAddForm,
    UserEditForm,
    forget_old_addresses,
)
from accounts.admin_scope import (
    ACT,
    FULL,
    KEEP,
    LOOK,
    AuditedAdmin,
    BigTableAdmin,
    OwnRowsFilter,
    RowsInline,
    ScopedAdmin,
    is_platform_staff,
    person,
)
from accounts.admin_tasks import MOST_FORETOLD, Task, TaskAdmin
from accounts.models import License, Membership, User, in_force
from inbox.admin.stories import ForetellingAdmin
from inbox.models import AvailabilityPlan, Conversation, OnlineTime
from inbox.setup import people, teams
from inbox.setup.people import PeopleError
from inbox.setup.previews import (
    Preview,
    preview_auditing,
    preview_deactivation,
    preview_membership_removal,
    preview_observing,
)
from inbox.setup.teams import TeamError

OBSERVER = Membership.Role.OBSERVER


def tell_freed(
    admin: ScopedAdmin[Any], request: HttpRequest, user: User, act: Callable[..., int | None]
) -> None:
    """Do what commits by itself, and say whose conversations went back, or why it was not done."""
    try:
        count = act(by=person(request), now=timezone.now())
    except (PeopleError, TeamError) as error:
        admin.message_user(request, error.reason, messages.ERROR)
        return
    if count:
        words = f"Conversations of {user} that went back to their teams: {count}."
        admin.message_user(request, words, messages.WARNING)


# --- Teams ----------------------------------------------------------------------------------------


class MembershipEditForm(MembershipForm):
    """A person's part in a team; who would lose work by it is not changed in passing."""

    def clean_role(self) -> str:
        """Leave it to the page that says first what it sets off."""
        role: str = self.cleaned_data["role"]
        part = self.instance
        if not part.pk or role != OBSERVER or part.role == OBSERVER:
            return role
        owned = Conversation.objects.live().filter(owner=part.user_id, inbox=part.team_id)
        if owned.exists():
            words = "They have open conversations here. “Make an observer” says what happens then."
            raise forms.ValidationError(words)
        return role


class MakeObserver(Task[Membership]):
    """Let people only read in their team."""

    name = "make-observer"
    label = "Make an observer"
    words = "An observer reads what the team gets, is not alerted and answers nobody."
    button = "Make an observer"
    most = MOST_FORETOLD

    def fits(self, row: Membership) -> bool:
        """Only who is none yet."""
        return row.role != OBSERVER

    def previews(
        self, request: HttpRequest, rows: Sequence[Membership], form: forms.Form
    ) -> Sequence[Preview]:
        """Say what they would give back."""
        now = timezone.now()
        return [preview_observing(membership=row, now=now) for row in rows]

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[Membership],
        form: forms.Form,
        admin: TaskAdmin[Membership],
    ) -> None:
        """Give each the other role."""
        for row in rows:
            act = partial(teams.change_member_role, membership=row, role=OBSERVER)
            tell_freed(admin, request, row.user, act)


@admin.register(Membership)
class MembershipAdmin(
    ForetellingAdmin[Membership], TaskAdmin[Membership], AuditedAdmin[Membership]
):
    """Who is in which team."""

    account_path = "team__account"
    staff_may = partner_may = admin_may = FULL | {ACT}
    form = MembershipEditForm
    tasks = (MakeObserver(),)
    fields = ("team", "user", "role", "joined_at")
    readonly_fields = ("joined_at",)
    fixed_fields = ("team", "user")
    audited = ("team", "user", "role")
    autocomplete_fields = ("team", "user")
    list_display = ("user", "team", "account", "role", "joined_at")
    list_filter = ("role", ("team__account", OwnRowsFilter))
    list_select_related = ("user", "team__account")
    search_fields = ("user__name", "user__email", "team__name")
    ordering = ("team__name", "user__name", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """Bring person and team along for the pages that say what happens."""
        return super().get_queryset(request).select_related("user", "team__account")

    def previews_of_deleting(self, rows: Sequence[Membership]) -> Sequence[Preview]:
        """Say what they would give back."""
        now = timezone.now()
        return [preview_membership_removal(membership=row, now=now) for row in rows]

    def save_model(
        self, request: HttpRequest, obj: Membership, form: forms.Form, change: bool
    ) -> None:
        """Save a new member; another role is given by the story, which commits by itself."""
        if not change:
            super().save_model(request, obj, form, change)
        elif "role" in form.changed_data:
            role, obj.role = obj.role, form.initial["role"]
            act = partial(teams.change_member_role, membership=obj, role=role)
            transaction.on_commit(partial(tell_freed, self, request, obj.user, act))

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        """Take somebody out of a team by the story."""
        act = partial(teams.remove_member, membership=copy(obj))
        transaction.on_commit(partial(tell_freed, self, request, obj.user, act))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        """Take several people out of their teams, one by one."""
        for obj in queryset:
            self.delete_model(request, obj)

    @admin.display(description="account", ordering="team__account__name")
    def account(self, obj: Membership) -> str:
        """Show whose team it is."""
        return str(obj.team.account)


class TeamRows(RowsInline):
    """The teams of a person."""

    model = Membership
    verbose_name_plural = "teams"
    belongs_by = "user"
    fields = ("team", "role", "joined_at")


class LicenceRows(RowsInline):
    """The licences of a person."""

    model = License
    fk_name = "holder"
    belongs_by = "holder"
    fields = ("pool", "starts_at", "ends_at")


# --- People ---------------------------------------------------------------------------------------


class PersonForm(UserEditForm):
    """A person who is here already; who would lose their seat by it is not changed in passing."""

    def clean_role(self) -> str:
        """Leave it to the page that says first what it sets off."""
        role = super().clean_role()
        if role != User.Role.AUDITOR or self.instance.role == User.Role.AUDITOR:
            return role
        if not preview_auditing(user=self.instance, now=timezone.now()).is_harmless:
            words = "They would lose their licence. “Make an auditor” says what happens then."
            raise forms.ValidationError(words)
        return role


class MakeAuditor(Task[User]):
    """Let people of accounts audit, and answer nobody."""

    name = "make-auditor"
    label = "Make an auditor"
    words = "An auditor reads the audit log and consents, and changes nothing."
    button = "Make an auditor"
    most = MOST_FORETOLD

    def fits(self, row: User) -> bool:
        """Only people of accounts who are none yet."""
        return row.role in ACCOUNT_ROLES and row.role != User.Role.AUDITOR

    def previews(
        self, request: HttpRequest, rows: Sequence[User], form: forms.Form
    ) -> Sequence[Preview]:
        """Say what they would lose."""
        now = timezone.now()
        return [preview_auditing(user=row, now=now) for row in rows]

    def do(
        self, request: HttpRequest, rows: Sequence[User], form: forms.Form, admin: TaskAdmin[User]
    ) -> None:
        """Give each the other role."""
        for row in rows:
            act = partial(people.change_role, user=row, role=User.Role.AUDITOR)
            tell_freed(admin, request, row, act)


class Deactivate(Task[User]):
    """Take people's log-in."""

    name = "deactivate"
    label = "Deactivate"
    words = "They can no longer log in. Role and teams stay, for the day they come back."
    button = "Deactivate"
    most = MOST_FORETOLD

    def fits(self, row: User) -> bool:
        """Only who can log in."""
        return row.is_active

    def describe(self, row: User) -> str:
        """Name a person with their address: names repeat."""
        return f"{row} ({row.email})"

    def previews(
        self, request: HttpRequest, rows: Sequence[User], form: forms.Form
    ) -> Sequence[Preview]:
        """Say what they would lose."""
        now = timezone.now()
        return [preview_deactivation(user=row, now=now) for row in rows]

    def do(
        self, request: HttpRequest, rows: Sequence[User], form: forms.Form, admin: TaskAdmin[User]
    ) -> None:
        """Deactivate one by one."""
        for row in rows:
            tell_freed(admin, request, row, partial(people.deactivate_person, user=row))


class Reactivate(Task[User]):
    """Let people log in again."""

    name = "reactivate"
    label = "Let in again"
    words = "They log in as before, with their role and teams. A licence is given anew."
    button = "Let in again"

    def fits(self, row: User) -> bool:
        """Only who cannot log in."""
        return not row.is_active

    def do(
        self, request: HttpRequest, rows: Sequence[User], form: forms.Form, admin: TaskAdmin[User]
    ) -> None:
        """Reactivate one by one."""
        for row in rows:
            tell_freed(admin, request, row, partial(people.reactivate_person, user=row))


@admin.register(User)
class UserAdmin(TaskAdmin[User], AuditedAdmin[User], DjangoUserAdmin[User]):
    """People. Nobody deletes one, since their name stands in the past: they are deactivated.

    What a person may do follows from their role. A partner can neither make colleagues of their own
    kind nor take over an existing log-in by changing its password or e-mail address.
    """

    staff_may = partner_may = admin_may = KEEP | {ACT}
    tasks = (Deactivate(), Reactivate(), MakeAuditor())
    inlines = (TeamRows, LicenceRows)
    form = PersonForm
    add_form = UserAddForm
    _facts: ClassVar[tuple[str, ...]] = ("last_login", "date_joined")
    fields = None
    readonly_fields = _facts
    fixed_fields = ("account", "partner")
    audited = ("email", "role", "is_active")
    autocomplete_fields = ("account", "partner")
    filter_horizontal = ()
    list_display = ("name", "email", "role", "account", "is_licensed", "is_active", "last_login")
    list_filter = ("role", "is_active", ("account", OwnRowsFilter), ("partner", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("name", "email")
    ordering = ("name", "email")

    # --- Which fields ---

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Show what this person may fill in."""
        is_staff = is_platform_staff(request)
        if obj is None:
            who = ("email", "name", "role", "account", *(("partner",) if is_staff else ()))
            password = ("usable_password", "password1", "password2")
            return ((None, {"classes": ("wide",), "fields": (*who, *password)}),)
        login: tuple[str, ...] = ("email", "password") if is_staff else ("email",)
        return (
            (None, {"fields": ("name", *login, "is_active")}),
            ("Works for", {"fields": ("role", "account", "partner")}),
            ("Facts", {"fields": ("availability", *self._facts)}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Leave the log-in of people who are here to platform staff."""
        fields = [*super().get_readonly_fields(request, obj), "availability", "is_active"]
        return fields if obj is None or is_platform_staff(request) else [*fields, "email"]

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the roles that this person may give."""
        if db_field.name == "role":
            roles = [*ACCOUNT_ROLES, *(ADMIN_ROLES if is_platform_staff(request) else ())]
            kwargs["choices"] = [(role.value, role.label) for role in roles]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Ask along who holds a licence. Programs are no people: `ApiKey` has them."""
        now = timezone.now()
        held = License.objects.filter(in_force(now), in_force(now, "pool__"), holder=OuterRef("pk"))
        people = super().get_queryset(request).exclude(role=User.Role.PROGRAM)
        return people.annotate(has_licence=Exists(held))

    # --- What is done ---

    def save_model(self, request: HttpRequest, obj: User, form: forms.Form, change: bool) -> None:
        """Save; whether somebody may open the admin follows from their role."""
        obj.is_staff = obj.role in ADMIN_ROLES
        obj.is_superuser = obj.role == User.Role.STAFF
        if change and "role" in form.changed_data:
            # By the story, which commits by itself.
            role, obj.role = obj.role, form.initial["role"]
            act = partial(people.change_role, user=obj, role=role)
            transaction.on_commit(partial(tell_freed, self, request, obj, act))
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            forget_old_addresses(obj)

    @method_decorator(sensitive_variables())
    def changeform_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Keep a typed password out of error reports."""
        return super().changeform_view(*args, **kwargs)

    @method_decorator(sensitive_variables())
    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Let platform staff set a password; nobody else becomes somebody else."""
        if not is_platform_staff(request):
            raise PermissionDenied
        answer = super().user_change_password(request, id, form_url)
        if request.method == "POST" and answer.status_code == 302:
            # Whoever knew the old one is out, on open sockets too.
            user, me = User.objects.get(pk=id), person(request)
            key = request.session.session_key if user == me else None
            people.end_all_sessions(user=user, by=me, this_key=key, now=timezone.now())
        return answer

    @admin.display(description="licensed", boolean=True)
    def is_licensed(self, obj: User) -> bool:
        """Show whether they hold a licence now."""
        return bool(getattr(obj, "has_licence", False))


@admin.register(AvailabilityPlan)
class AvailabilityPlanAdmin(ScopedAdmin[AvailabilityPlan]):
    """Who works by which hours. It is chosen on a person's settings page."""

    admin_may = LOOK
    fields = ("account", "user", "hours", "hours_version", "turns_at", "changed_at")
    list_display = ("user", "hours", "turns_at", "account")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "user", "hours")
    search_fields = ("user__name", "user__email", "hours__name")


@admin.register(OnlineTime)
class OnlineTimeAdmin(BigTableAdmin[OnlineTime]):
    """When people were online, as reports add it up."""

    admin_may = LOOK
    fields = ("account", "user", "began_at", "ended_at", "is_open")
    list_display = ("user", "began_at", "ended_at", "is_open", "account")
    list_filter = ("is_open", ("account", OwnRowsFilter))
    list_select_related = ("account", "user")
    search_fields = ("user__email__exact",)
    search_help_text = "A person's e-mail address"
