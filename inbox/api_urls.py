"""Which addresses does the API have?"""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from inbox import api, api_settings

# What admins and supervisors set on the pages of the settings as well.
of_settings = [
    path("rules/", api_settings.rulebook, name="api_first_rules"),
    path("rules/publish/", api_settings.publish, name="api_first_rules_publish"),
    path("rules/versions/", api_settings.versions, name="api_first_rules_versions"),
    path("inboxes/<uuid:public_id>/rules/", api_settings.rulebook, name="api_rules"),
    path("inboxes/<uuid:public_id>/rules/publish/", api_settings.publish, name="api_rules_publish"),
    path(
        "inboxes/<uuid:public_id>/rules/versions/", api_settings.versions, name="api_rules_versions"
    ),
    path("inboxes/<uuid:public_id>/replies/", api_settings.inbox_replies, name="api_replies"),
    path("escalation-policies/", api_settings.policy_list, name="api_policies"),
    path("escalation-policies/<int:pk>/", api_settings.policy, name="api_policy"),
]

urlpatterns = [
    path("inboxes/<uuid:public_id>/events/", api.inbox_events, name="api_inbox_events"),
    *of_settings,
    path("schema/", SpectacularAPIView.as_view(), name="api_schema"),
]
