"""Which addresses do the settings pages have?"""

from django.urls import path

from inbox.views.settings import (
    audit,
    connection,
    general,
    home,
    invitations,
    log_in,
    numbers,
    people,
    support,
    teams,
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
    path("people/", people.people, name="settings_people"),
    path("people/invite/", invitations.invite, name="settings_invite"),
    path(
        "people/invitations/<int:pk>/again/",
        invitations.invite_again,
        name="settings_invite_again",
    ),
    path(
        "people/invitations/<int:pk>/revoke/",
        invitations.invite_revoke,
        name="settings_invite_revoke",
    ),
    path("people/<int:pk>/", people.person, name="settings_person"),
    path("people/<int:pk>/deactivate/", people.deactivate, name="settings_deactivate"),
    path("people/<int:pk>/reactivate/", people.reactivate, name="settings_reactivate"),
    path("people/<int:pk>/end-sessions/", people.end_sessions, name="settings_end_sessions"),
    path("teams/", teams.teams, name="settings_teams"),
    path("teams/<int:pk>/", teams.team, name="settings_team"),
    path("teams/<int:pk>/members/", teams.members_add, name="settings_members_add"),
    path(
        "teams/<int:pk>/members/<int:member>/role/",
        teams.member_role,
        name="settings_member_role",
    ),
    path(
        "teams/<int:pk>/members/<int:member>/remove/",
        teams.member_remove,
        name="settings_member_remove",
    ),
    path("log-in/", log_in.log_in, name="settings_log_in"),
    path("log-in/company/", log_in.company, name="settings_company"),
    path("log-in/company/only/", log_in.company_only, name="settings_company_only"),
    path("log-in/company/remove/", log_in.company_remove, name="settings_company_remove"),
    path("support/", support.support, name="settings_support"),
    path("support/<int:pk>/end/", support.support_end, name="settings_support_end"),
    path("whatsapp/", whatsapp.whatsapp, name="settings_whatsapp"),
    path("whatsapp/sync/", whatsapp.whatsapp_sync, name="settings_whatsapp_sync"),
]
