"""Which addresses do the settings pages have?"""

from django.urls import path

from inbox.views.settings import audit, home, support, whatsapp

urlpatterns = [
    path("", home.home, name="settings"),
    path("audit/", audit.audit, name="settings_audit"),
    path("audit/export/", audit.audit_export, name="settings_audit_export"),
    path("support/", support.support, name="settings_support"),
    path("support/<int:pk>/end/", support.support_end, name="settings_support_end"),
    path("whatsapp/", whatsapp.whatsapp, name="settings_whatsapp"),
    path("whatsapp/sync/", whatsapp.whatsapp_sync, name="settings_whatsapp_sync"),
]
