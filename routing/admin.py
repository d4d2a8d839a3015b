"""What may others see of hours, look-ups and policies? All but secrets; account admins set them."""

from django.contrib import admin

from accounts.admin_scope import LOOK, OwnRowsFilter, ScopedAdmin
from routing.models import (
    BusinessHours,
    CrmConnector,
    CrmRow,
    CrmTable,
    DataAction,
    EscalationPolicy,
    OpeningHours,
    Rulebook,
    RulebookVersion,
    RuleExample,
    SpecialDay,
    Turn,
)


@admin.register(BusinessHours)
class BusinessHoursAdmin(ScopedAdmin[BusinessHours]):
    """Calendars. They change on the settings pages, where two people at once are told apart."""

    admin_may = LOOK
    fields = (
        "account",
        "name",
        "time_zone",
        "country",
        "region",
        "ignored_holidays",
        "version",
        "created_at",
        "changed_at",
    )
    list_display = ("name", "account", "time_zone", "country", "region", "changed_at")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account",)
    search_fields = ("name", "account__name")


@admin.register(SpecialDay)
class SpecialDayAdmin(ScopedAdmin[SpecialDay]):
    """Dates with hours of their own."""

    admin_may = LOOK
    fields = ("account", "hours", "on", "name")
    list_display = ("on", "name", "hours", "account")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "hours")
    search_fields = ("name", "hours__name")


@admin.register(OpeningHours)
class OpeningHoursAdmin(ScopedAdmin[OpeningHours]):
    """Hours of a day of the week or of a special day."""

    admin_may = LOOK
    fields = ("account", "hours", "weekday", "special_day", "starts", "ends")
    list_display = ("hours", "weekday", "special_day", "starts", "ends", "account")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "hours", "special_day")
    search_fields = ("hours__name",)


@admin.register(DataAction)
class DataActionAdmin(ScopedAdmin[DataAction]):
    """Customers' own code that decides about messages."""

    admin_may = LOOK
    fields = ("account", "name", "url", "is_on", "version", "created_at", "changed_at")
    list_display = ("name", "account", "url", "is_on", "changed_at")
    list_filter = (("account", OwnRowsFilter), "is_on")
    list_select_related = ("account",)
    search_fields = ("name", "account__name")


@admin.register(CrmConnector)
class CrmConnectorAdmin(ScopedAdmin[CrmConnector]):
    """CRMs that are asked about contacts; of headers and secrets nothing is shown."""

    admin_may = LOOK
    fields = (
        "account",
        "name",
        "kind",
        "table",
        "url",
        "method",
        "fields",
        "cache_minutes",
        "is_on",
        "version",
        "created_at",
        "changed_at",
    )
    list_display = ("name", "account", "kind", "url", "is_on", "changed_at")
    list_filter = (("account", OwnRowsFilter), "kind", "is_on")
    list_select_related = ("account",)
    search_fields = ("name", "account__name")


@admin.register(CrmTable)
class CrmTableAdmin(ScopedAdmin[CrmTable]):
    """Tables of customers that accounts keep here."""

    admin_may = LOOK
    fields = ("account", "name", "columns", "created_at", "changed_at")
    list_display = ("name", "account", "changed_at")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account",)
    search_fields = ("name", "account__name")


@admin.register(CrmRow)
class CrmRowAdmin(ScopedAdmin[CrmRow]):
    """Rows of those tables: that they are there, and nothing of what they say of whom."""

    admin_may = LOOK
    fields = ("account", "table")
    list_display = ("__str__", "table", "account")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "table")
    search_fields = ("table__name",)


@admin.register(EscalationPolicy)
class EscalationPolicyAdmin(ScopedAdmin[EscalationPolicy]):
    """Who gets help when a customer waits. They change on the settings pages."""

    admin_may = LOOK
    fields = ("account", "name", "document", "version", "created_at", "changed_at")
    list_display = ("name", "account", "version", "changed_at")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account",)
    search_fields = ("name", "account__name")


@admin.register(Rulebook)
class RulebookAdmin(ScopedAdmin[Rulebook]):
    """The rules of inboxes. They are written and published on the settings pages."""

    admin_may = LOOK
    fields = ("account", "name", "is_always_first", "published", "draft", "draft_by", "changed_at")
    list_display = ("name", "account", "published", "is_always_first", "changed_at")
    list_filter = (("account", OwnRowsFilter), "is_always_first")
    list_select_related = ("account", "published__rulebook")
    search_fields = ("name", "account__name")


@admin.register(RulebookVersion)
class RulebookVersionAdmin(ScopedAdmin[RulebookVersion]):
    """Rules as they were published, by whom and why."""

    admin_may = auditor_may = LOOK
    fields = (
        *("account", "rulebook", "number", "note", "restored_from", "document"),
        *("published_by", "published_at"),
    )
    list_display = ("rulebook", "number", "account", "note", "published_by", "published_at")
    list_filter = (("account", OwnRowsFilter), "published_at")
    list_select_related = ("account", "rulebook", "published_by")
    search_fields = ("rulebook__name", "account__name", "note")


@admin.register(Turn)
class TurnAdmin(ScopedAdmin[Turn]):
    """Whose turn it was last, where rules go round."""

    admin_may = LOOK
    fields = ("account", "rulebook", "key", "person")
    list_display = ("rulebook", "key", "person", "account")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "rulebook", "person")
    search_fields = ("rulebook__name", "person__name")


@admin.register(RuleExample)
class RuleExampleAdmin(ScopedAdmin[RuleExample]):
    """Examples by which rules are tried: that they are there. What they say may be a customer's."""

    admin_may = LOOK
    fields = ("account", "rulebook", "team", "name", "version", "changed_by", "changed_at")
    list_display = ("name", "rulebook", "account", "changed_by", "changed_at")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "rulebook", "changed_by")
    search_fields = ("name", "rulebook__name")
