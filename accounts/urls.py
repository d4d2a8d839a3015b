"""Which addresses does a person's own profile have?"""

from django.urls import path

from accounts import views

urlpatterns = [
    path("", views.profile, name="profile"),
    path("theme/", views.theme, name="theme"),
    path("availability/", views.availability, name="availability"),
]
