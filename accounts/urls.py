"""Which addresses does a person's own profile have?"""

from django.urls import path

from accounts import views

urlpatterns = [
    path("", views.profile, name="profile"),
    path("theme/", views.theme, name="theme"),
    path("awake/", views.awake, name="awake"),
    path("support/", views.support_banner, name="support_banner"),
    path("sessions/end/", views.end_session, name="end_session"),
    path("sessions/end-others/", views.end_other_sessions, name="end_other_sessions"),
    path("availability/", views.availability, name="availability"),
]
