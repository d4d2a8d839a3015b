"""Which addresses do the settings pages have?"""

from django.urls import path

from inbox.views.settings import home, invitations, log_in, people, support, teams

urlpatterns = [
    path("", home.home, name="settings"),
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
]
