"""Which addresses exist? Includes only; each app owns its own."""

from django.contrib import admin
from django.urls import include, path

from accounts.admin_index import group_by_role
from accounts.admin_login import require_our_login
from accounts.admin_scope import note_suggestions
from accounts.admin_tasks import show_what_waits
from config import health
from inbox.admin.fleet import add_fleet

require_our_login(admin.site)
show_what_waits(admin.site)
group_by_role(admin.site)
note_suggestions(admin.site)
add_fleet(admin.site)

urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.login_urls")),
    path("accounts/", include("allauth.urls")),
    path("", include("inbox.urls")),
]
handler400 = "inbox.views.errors.bad_request"
handler404 = "inbox.views.errors.not_found"
handler403 = "inbox.views.errors.forbidden"
handler500 = "inbox.views.errors.server_error"
