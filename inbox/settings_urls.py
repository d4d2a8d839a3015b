"""Which addresses do the settings pages have?"""

from django.urls import path

from inbox.views.settings import home

urlpatterns = [
    path("", home.home, name="settings"),
]
