"""How do partners and platform staff look after accounts, teams and features?

People, seats, features and Twilio accounts are in `inbox.admin`: what happens to them reaches
conversations.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin_audit import ReadableLines, WhatFilter, WhenFilter
from accounts.admin_forms import AccountForm, TeamForm
from accounts.admin_scope import (
    ACT,
    CHANGE,
    DELETE,
    FULL,
    KEEP,
    LOOK,
    AuditedAdmin,
    BigTableAdmin,
    OwnRowsFilter,
    RowsInline,
    ScopedAdmin,
    ToDo,
    count_of,
    partner_of,
    person,
    role_in_admin,
)
from accounts.admin_support import EnterForSupport
from accounts.admin_tasks import Task, TaskAdmin
from accounts.models import (
    Account,
    ApiKey,
    AuditEntry,
    Feature,
    FeatureGrant,
    License,
    LicensePool,
    Membership,
    Partner,
    Team,
    User,
    in_force,
)

ALARMS_ARE_NEWS_FOR = timedelta(days=7)
MOST_ALARMS = 100

admin.site.site_header = admin.site.site_title = "Team Inbox"
admin.site.index_title = "Administration"

# Who may do what follows from a person's role, never from groups or hand-picked permissions.
admin.site.unregister(Group)
# A person's other addresses are their own affair, and a way to log in as them.
admin.site.unregister(EmailAddress)
# Companies sign in as their own admins set it up; what issuers said of people is nobody's.
for unused in (SocialApp, SocialToken, SocialAccount):
    admin.site.unregister(unused)
# Shows the secret of the second factor; ours below does not.
admin.site.unregister(Authenticator)


@admin.register(Authenticator)
class AuthenticatorAdmin(AuditedAdmin[Authenticator]):
    """Second factors: staff can remove one from a person who lost their phone."""

    account_path = "user__account"
    staff_may = LOOK | {DELETE}
    partner_may = frozenset()
    fields = ("user", "type", "created_at", "last_used_at")
    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__email", "user__name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Authenticator]:
        """Leave the secrets where they are."""
        rows: QuerySet[Authenticator] = super().get_queryset(request)
        return rows.defer("data")


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdmin[ApiKey]):
    """Which programs act in an account. Its own admins make and revoke keys, in the settings."""

    admin_may = auditor_may = LOOK
    fields = (
        *("account", "name", "prefix", "may_change", "made_by", "made_at", "expires_at"),
        *("last_used_at", "last_network", "revoked_at", "revoked_by"),
    )
    readonly_fields = fields
    list_display = ("name", "account", "may_change", "made_by", "expires_at", "last_used_at")
    list_filter = ("may_change", ("account", OwnRowsFilter))
    list_select_related = ("account", "made_by")
    search_fields = ("name", "prefix")


@admin.register(Partner)
class PartnerAdmin(AuditedAdmin[Partner]):
    """Resellers. A partner sees their own name and nothing to change."""

    staff_may = FULL
    partner_may = LOOK
    fields = ("name", "needs_second_approval", "created_at")
    readonly_fields = ("created_at",)
    audited = ("name", "needs_second_approval")
    list_display = ("name", "account_count", "needs_second_approval", "created_at")
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Partner]:
        """Count the accounts along."""
        counts = count_of(Account.objects.all(), "partner")
        return super().get_queryset(request).annotate(account_count=counts)

    def rows_of_partner(
        self, rows: QuerySet[Partner], partner_id: int, request: HttpRequest
    ) -> QuerySet[Partner]:
        """Keep the partner themselves."""
        return rows.filter(pk=partner_id)

    def rows_of_account(
        self, rows: QuerySet[Partner], account_id: int, request: HttpRequest
    ) -> QuerySet[Partner]:
        """Name an account's own partner to it, where an account is shown."""
        return rows.filter(accounts=account_id)

    def account_id_of(self, obj: Partner) -> int | None:
        """A partner belongs to no account."""
        return None

    @admin.display(description="accounts", ordering="account_count")
    def account_count(self, obj: Partner) -> int:
        """Show how many accounts they look after."""
        return int(getattr(obj, "account_count", 0))


class TeamRows(RowsInline):
    """The teams of an account."""

    model = Team
    belongs_by = "account"
    fields = ("name",)


class PoolRows(RowsInline):
    """The seats that an account has bought."""

    model = LicensePool
    belongs_by = "account"
    fields = ("plan", "seats", "starts_at", "ends_at")


class MemberRows(RowsInline):
    """The people of a team."""

    model = Membership
    fk_name = "team"
    belongs_by = "team"
    fields = ("user", "role", "joined_at")


@admin.register(Account)
class AccountAdmin(TaskAdmin[Account], AuditedAdmin[Account]):
    """Customer companies. Nobody deletes one: it is suspended."""

    staff_may = partner_may = KEEP | {ACT}
    admin_may = LOOK | {CHANGE}
    tasks: ClassVar[Sequence[Task[Any]]] = (EnterForSupport(),)
    inlines = (TeamRows, PoolRows)
    form = AccountForm
    fields = (
        "partner",
        "name",
        "status",
        "suspended_reason",
        "deployment",
        "time_zone",
        "default_country",
        "locale",
        "public_id",
        "created_at",
    )
    readonly_fields = ("status", "suspended_reason", "public_id", "created_at")
    audited = ("name", "status", "deployment")
    list_display = (
        "name",
        "partner",
        "status",
        "has_team_inbox",
        "has_whatsapp",
        "people_licensed",
        "seats",
        "deployment",
        "created_at",
    )
    list_filter = ("status", "deployment", ("partner", OwnRowsFilter))
    list_select_related = ("partner",)
    search_fields = ("name", "partner__name")
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        """Ask along what is switched on and how many seats there are."""
        now = timezone.now()
        held = License.objects.filter(in_force(now), in_force(now, "pool__"))
        pools = LicensePool.objects.filter(in_force(now), account=OuterRef("pk")).order_by()
        seats = pools.values("account").annotate(total=Sum("seats")).values("total")
        return (
            super()
            .get_queryset(request)
            .annotate(
                has_team_inbox=_is_on(Feature.TEAM_INBOX, now),
                has_whatsapp=_is_on(Feature.WHATSAPP, now),
                seat_count=Coalesce(Subquery(seats), 0),
                licensed_count=count_of(held, "holder__account", "holder"),
            )
        )

    def rows_of_partner(
        self, rows: QuerySet[Account], partner_id: int, request: HttpRequest
    ) -> QuerySet[Account]:
        """Keep the accounts of the partner."""
        return rows.filter(partner=partner_id)

    def rows_of_account(
        self, rows: QuerySet[Account], account_id: int, request: HttpRequest
    ) -> QuerySet[Account]:
        """Keep the account itself."""
        return rows.filter(pk=account_id)

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> list[str]:
        """Let an account's own admins say where and how it works; the rest is their partner's."""
        fields = super().get_readonly_fields(request, obj)
        is_own = role_in_admin(request) == User.Role.ACCOUNT_ADMIN
        return [*fields, "partner", "name", "deployment"] if is_own else fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Put a partner's own name where they can choose no other."""
        return {"partner": partner_of(request), **super().get_changeform_initial_data(request)}

    def account_id_of(self, obj: Account) -> int | None:
        """The row is the account."""
        return obj.pk

    @admin.display(description="Team Inbox", boolean=True)
    def has_team_inbox(self, obj: Account) -> bool:
        """Show whether Team Inbox is on now."""
        return bool(getattr(obj, "has_team_inbox", False))

    @admin.display(description="WhatsApp", boolean=True)
    def has_whatsapp(self, obj: Account) -> bool:
        """Show whether WhatsApp is on now."""
        return bool(getattr(obj, "has_whatsapp", False))

    @admin.display(description="licensed", ordering="licensed_count")
    def people_licensed(self, obj: Account) -> int:
        """Show how many people hold a licence now."""
        return int(getattr(obj, "licensed_count", 0))

    @admin.display(description="seats", ordering="seat_count")
    def seats(self, obj: Account) -> int:
        """Show how many seats are paid for now."""
        return int(getattr(obj, "seat_count", 0))


def _is_on(feature: str, now: datetime) -> Exists:
    grants = FeatureGrant.objects.filter(in_force(now), account=OuterRef("pk"), feature=feature)
    return Exists(grants)


@admin.register(Team)
class TeamAdmin(AuditedAdmin[Team]):
    """Groups of people. A team with an inbox cannot be deleted."""

    staff_may = partner_may = admin_may = FULL
    inlines = (MemberRows,)
    form = TeamForm
    fields = ("account", "name")
    fixed_fields = ("account",)
    audited = ("name",)
    autocomplete_fields = ("account",)
    list_display = ("name", "account", "member_count")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account",)
    search_fields = ("name", "account__name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        """Count the members along."""
        counts = count_of(Membership.objects.all(), "team")
        return super().get_queryset(request).annotate(member_count=counts)

    @admin.display(description="members", ordering="member_count")
    def member_count(self, obj: Team) -> int:
        """Show how many people are in it."""
        return int(getattr(obj, "member_count", 0))


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadableLines, BigTableAdmin[AuditEntry]):
    """Who did what. A partner reads what they did themselves, and what happened by itself to an
    account of theirs and needs them; an account's admins and auditors read all about it."""

    admin_may = auditor_may = LOOK

    fields = ReadableLines.FIELDS
    exported_too = ReadableLines.EXPORTED_TOO
    list_display = ("at", "actor_label", "action", "subject", "words", "account")
    list_filter = (WhatFilter, WhenFilter, "is_alarm", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("actor_label", "action", "subject")
    search_help_text = "Who, what was done, or to what"

    def rows_of_partner(
        self, rows: QuerySet[AuditEntry], partner_id: int, request: HttpRequest
    ) -> QuerySet[AuditEntry]:
        """Keep what this person did, and the alarms of their accounts."""
        # Not by a join: each half must find an index of its own among millions of lines.
        accounts = Account.objects.filter(partner=partner_id).values("pk")
        mine = Q(account=None) | Q(account__in=accounts)
        by_itself = Q(is_alarm=True, account__in=accounts)
        return rows.filter((mine & Q(actor=person(request))) | by_itself)

    def to_do(self, request: HttpRequest) -> Iterable[ToDo]:
        """Name what happened by itself lately: the last of it in words, the rest in the list."""
        since = timezone.now() - ALARMS_ARE_NEWS_FOR
        alarms = self.get_queryset(request).filter(is_alarm=True, at__gte=since)
        found = list(alarms.select_related("account")[:MOST_ALARMS])
        if found:
            last, number = found[0], len(found)
            whose = f"{last.account}, " if last.account else ""
            words = f"{whose}{last.subject}: {self.words(last)}"
            more = f" And {number - 1} more in the last week." if number > 1 else ""
            yield ToDo(words + more, self.list_url(is_alarm__exact="1"))

    @admin.display(description="in words")
    def words(self, obj: AuditEntry) -> str:
        """Show what an alarm says."""
        return str(obj.data.get("words", "")) if isinstance(obj.data, dict) else ""
