"""Which addresses of the log-in are our own? The others are allauth's."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("company/", views.company_sign_in, name="company_sign_in"),
    path("oidc/<str:provider_id>/login/", views.company_start, name="company_start"),
]
