"""Which addresses does the API have?"""

from django.urls import path

from inbox import api

urlpatterns = [
    path("inboxes/<uuid:public_id>/events/", api.inbox_events, name="api_inbox_events"),
]
