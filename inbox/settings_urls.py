"""Which addresses do the settings pages have?"""

from django.urls import path

from inbox.views.settings import home, support

urlpatterns = [
    path("", home.home, name="settings"),
    path("support/", support.support, name="settings_support"),
    path("support/<int:pk>/end/", support.support_end, name="settings_support_end"),
]
