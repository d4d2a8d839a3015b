"""Who works here, in which team, with which licence? And whose conversations does that free?

Losing the licence, the team or the log-in gives a person's conversations back to their teams: after
the change is committed, through the same story as everywhere, one conversation at a time.
"""

import logging
from collections.abc import Callable, Iterable
from copy import copy
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_variables

from accounts.access import is_licensed
from accounts.admin_forms import (
    ACCOUNT_ROLES,
    ADMIN_ROLES,
    MembershipForm,
    UserAddForm,
    UserEditForm,
    forget_old_addresses,
)
from accounts.admin_scope import (
    FULL,
    KEEP,
    AuditedAdmin,
    M,
    OwnRowsFilter,
    RowsInline,
    is_platform_staff,
    person,
)
from accounts.models import License, Membership, User, in_force
from inbox.conversations import release_all_of
from inbox.setup import people, teams
from inbox.setup.people import PeopleError
from inbox.setup.teams import TeamError

logger = logging.getLogger(__name__)


class FreeingAdmin(AuditedAdmin[M]):
    """An admin of rows that let people work: who can no longer work gives back what they had."""

    reason: ClassVar[str] = "the licence ended"

    def who_may_lose(self, obj: M) -> Iterable[User]:
        """Return the people who lean on this row."""
        raise NotImplementedError

    def has_lost(self, user: User) -> bool:
        """Say whether this person can no longer work, once the change is committed."""
        return not is_licensed(user.pk, now=timezone.now())

    def save_model(self, request: HttpRequest, obj: M, form: forms.Form, change: bool) -> None:
        """Save, and free the conversations of those who lost by it."""
        super().save_model(request, obj, form, change)
        if change:
            self.free_after_commit(request, self.who_may_lose(obj))

    def delete_model(self, request: HttpRequest, obj: M) -> None:
        """Delete, and free the conversations of those who lost by it."""
        losers = list(self.who_may_lose(obj))
        with transaction.atomic():
            super().delete_model(request, obj)
            self.free_after_commit(request, losers)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[M]) -> None:
        """Delete, and free the conversations of those who lost by it."""
        losers = {user for obj in queryset for user in self.who_may_lose(obj)}
        with transaction.atomic():
            super().delete_queryset(request, queryset)
            self.free_after_commit(request, losers)

    def free_after_commit(self, request: HttpRequest, losers: Iterable[User]) -> None:
        """Ask after the commit who has lost, and give back what they had."""
        # The story commits conversation by conversation: it cannot run inside this transaction.
        transaction.on_commit(partial(self._free, request, list(losers)))

    def _tell(self, request: HttpRequest, user: User, act: Callable[..., int]) -> None:
        """Do what commits by itself, and say whose conversations went back."""
        try:
            count = act(by=person(request), now=timezone.now())
        except (PeopleError, TeamError) as error:
            self.message_user(request, error.reason, messages.ERROR)
        else:
            self._say_freed(request, user, count)

    def _say_freed(self, request: HttpRequest, user: User, count: int) -> None:
        if count:
            words = f"Conversations of {user} that went back to their teams: {count}."
            self.message_user(request, words, messages.WARNING)

    def _free(self, request: HttpRequest, losers: list[User]) -> None:
        for user in losers:
            if not self.has_lost(user):
                continue
            try:
                count = release_all_of(user=user, reason=self.reason, now=timezone.now())
            except DatabaseError:
                logger.exception("conversations of user %s were not given back", user.pk)
                words = f"Some conversations of {user} could not be given back. Save again."
                self.message_user(request, words, messages.ERROR)
            else:
                self._say_freed(request, user, count)


@admin.register(Membership)
class MembershipAdmin(FreeingAdmin[Membership]):
    """Who is in which team."""

    account_path = "team__account"
    reason = "left a team"
    staff_may = partner_may = admin_may = FULL
    form = MembershipForm
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

    def who_may_lose(self, obj: Membership) -> Iterable[User]:
        """The member; the stories below see to it."""
        return []

    def save_model(
        self, request: HttpRequest, obj: Membership, form: forms.Form, change: bool
    ) -> None:
        """Save a new member; another role is given by the story, which commits by itself."""
        if not change:
            super().save_model(request, obj, form, change)
        elif "role" in form.changed_data:
            role, obj.role = obj.role, form.initial["role"]
            act = partial(teams.change_member_role, membership=obj, role=role)
            transaction.on_commit(partial(self._tell, request, obj.user, act))

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        """Take somebody out of a team by the story."""
        act = partial(teams.remove_member, membership=copy(obj))
        transaction.on_commit(partial(self._tell, request, obj.user, act))

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


@admin.register(User)
class UserAdmin(FreeingAdmin[User], DjangoUserAdmin[User]):
    """People. Nobody deletes one, since their name stands in the past: they are deactivated.

    What a person may do follows from their role. A partner can neither make colleagues of their own
    kind nor take over an existing log-in by changing its password or e-mail address.
    """

    reason = "log-in switched off"
    admin_may = KEEP
    inlines = (TeamRows, LicenceRows)
    form = UserEditForm
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
        fields = [*super().get_readonly_fields(request, obj), "availability"]
        return fields if obj is None or is_platform_staff(request) else [*fields, "email"]

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[User]]:
        """Tell the form who is editing."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.editor = person(request)  # type: ignore[attr-defined]
        return form

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the roles that this person may give."""
        if db_field.name == "role":
            roles = [*ACCOUNT_ROLES, *(ADMIN_ROLES if is_platform_staff(request) else ())]
            kwargs["choices"] = [(role.value, role.label) for role in roles]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Ask along who holds a licence."""
        now = timezone.now()
        held = License.objects.filter(in_force(now), in_force(now, "pool__"), holder=OuterRef("pk"))
        return super().get_queryset(request).annotate(has_licence=Exists(held))

    # --- What is done ---

    def save_model(self, request: HttpRequest, obj: User, form: forms.Form, change: bool) -> None:
        """Save; whether somebody may open the admin follows from their role."""
        obj.is_staff = obj.role in ADMIN_ROLES
        obj.is_superuser = obj.role == User.Role.STAFF
        changed = form.changed_data if change else ()
        # By the stories, which commit by themselves.
        if "role" in changed:
            role, obj.role = obj.role, form.initial["role"]
            act: Callable[..., int | None] = partial(people.change_role, role=role)
            transaction.on_commit(partial(self._do, request, obj, act))
        if "is_active" in changed:
            act = people.reactivate_person if obj.is_active else people.deactivate_person
            obj.is_active = not obj.is_active
            transaction.on_commit(partial(self._do, request, obj, act))
        AuditedAdmin.save_model(self, request, obj, form, change)
        if change and "email" in form.changed_data:
            forget_old_addresses(obj)

    def _do(self, request: HttpRequest, user: User, act: Callable[..., int | None]) -> None:
        self._tell(request, user, lambda **given: act(user=user, **given) or 0)

    def who_may_lose(self, obj: User) -> Iterable[User]:
        """Nobody by saving: the story sees to it."""
        return []

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
