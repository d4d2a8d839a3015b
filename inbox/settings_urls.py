"""Which addresses do the settings pages have?"""

from django.urls import path

from inbox.views.settings import (
    audit,
    connection,
    general,
    home,
    hours,
    numbers,
    support,
    turning_on,
    whatsapp,
)

urlpatterns = [
    path("", home.home, name="settings"),
    path("connection/", connection.connection, name="settings_connection"),
    path("teams/<int:pk>/turn-on/", turning_on.turning_on, name="settings_turn_on"),
    path("teams/<int:pk>/checks/", turning_on.checks, name="settings_checks"),
    path("inboxes/<slug:slug>/", general.general, name="settings_inbox"),
    path("inboxes/<slug:slug>/turn-off/", turning_on.turning_off, name="settings_turn_off"),
    path("inboxes/<slug:slug>/numbers/", numbers.number_list, name="settings_numbers"),
    path("inboxes/<slug:slug>/numbers/buy/", numbers.buying, name="settings_buy_number"),
    path(
        "inboxes/<slug:slug>/numbers/<int:pk>/remove/",
        numbers.removing,
        name="settings_number_remove",
    ),
    path("inboxes/<slug:slug>/tests/<str:public_id>/", numbers.test_progress, name="settings_test"),
    path("audit/", audit.audit, name="settings_audit"),
    path("audit/export/", audit.audit_export, name="settings_audit_export"),
    path("hours/", hours.hours_list, name="settings_hours"),
    path("hours/<int:pk>/", hours.hours_edit, name="settings_hours_edit"),
    path("hours/<int:pk>/copy/", hours.hours_copy, name="settings_hours_copy"),
    path("hours/<int:pk>/delete/", hours.hours_delete, name="settings_hours_delete"),
    path("support/", support.support, name="settings_support"),
    path("support/<int:pk>/end/", support.support_end, name="settings_support_end"),
    path("whatsapp/", whatsapp.whatsapp, name="settings_whatsapp"),
    path("whatsapp/sync/", whatsapp.whatsapp_sync, name="settings_whatsapp_sync"),
]
