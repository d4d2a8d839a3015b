"""Which addresses does the API have?"""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from inbox import (
    api,
    api_canned,
    api_consent,
    api_consents,
    api_documents,
    api_imports,
    api_keywords,
    api_lookups,
    api_search,
    api_sending,
    api_settings,
)

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
    path("inboxes/<uuid:public_id>/verdicts/", api_sending.inbox_verdicts, name="api_verdicts"),
    path("inboxes/<uuid:public_id>/document/", api_documents.inbox_document, name="api_document"),
    path("rules/examples/", api_documents.examples, name="api_first_examples"),
    path("rules/examples/<int:pk>/", api_documents.example, name="api_first_example"),
    path("inboxes/<uuid:public_id>/rules/examples/", api_documents.examples, name="api_examples"),
    path(
        "inboxes/<uuid:public_id>/rules/examples/<int:pk>/",
        api_documents.example,
        name="api_example",
    ),
    path("data-actions/", api_lookups.data_actions, name="api_data_actions"),
    path("data-actions/<int:pk>/", api_lookups.data_action, name="api_data_action"),
    path(
        "data-actions/<int:pk>/secret/",
        api_lookups.data_action_secret,
        name="api_data_action_secret",
    ),
    path("connectors/", api_lookups.connectors, name="api_connectors"),
    path("connectors/<int:pk>/", api_lookups.connector, name="api_connector"),
    path("tables/", api_lookups.tables, name="api_tables"),
    path("tables/<int:pk>/", api_lookups.table, name="api_table"),
    path("consents/", api_consents.consents, name="api_consents"),
    path("consent/settings/", api_consents.asking, name="api_asking"),
    path("consent/as-of/", api_consent.consent_as_of, name="api_consent_as_of"),
    path("consent/imports/", api_imports.imports, name="api_imports"),
    path("consent/imports/<slug:key>/", api_imports.one_import, name="api_import"),
    path("consent/imports/<slug:key>/cancel/", api_imports.import_cancel, name="api_import_cancel"),
    path("canned-replies/", api_canned.canned_list, name="api_canned_replies"),
    path("canned-replies/<slug:public_id>/", api_canned.canned, name="api_canned_reply"),
    path("keywords/", api_keywords.keyword_list, name="api_keywords"),
    path("keywords/try/", api_keywords.keyword_try, name="api_keywords_try"),
    path("business-hours/", api_documents.hours_list, name="api_hours_list"),
    path("business-hours/<int:pk>/", api_documents.hours, name="api_hours"),
    path("escalation-policies/", api_settings.policy_list, name="api_policies"),
    path("escalation-policies/<int:pk>/", api_settings.policy, name="api_policy"),
]

urlpatterns = [
    path("inboxes/<uuid:public_id>/events/", api.inbox_events, name="api_inbox_events"),
    path(
        "conversations/<str:public_id>/verdict/",
        api_sending.conversation_verdict,
        name="api_verdict",
    ),
    path("search/", api_search.search, name="api_search"),
    *of_settings,
    path("schema/", SpectacularAPIView.as_view(), name="api_schema"),
]
