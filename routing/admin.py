"""What may partners and platform staff see of business hours? All; account admins set them."""

from django.contrib import admin

from accounts.admin_scope import LOOK, OwnRowsFilter, ScopedAdmin
from routing.models import BusinessHours, OpeningHours, SpecialDay


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
