"""Which addresses of the log-in are our own? The others are allauth's."""

from django.urls import path

from accounts import factor_views, views

urlpatterns = [
    path("company/", views.company_sign_in, name="company_sign_in"),
    path("password/reset/", views.forgotten_password, name="forgotten_password"),
    path("2fa/totp/deactivate/", factor_views.RemoveApp.as_view(), name="remove_app"),
    path(
        "2fa/webauthn/keys/<int:pk>/remove/",
        factor_views.RemovePasskey.as_view(),
        name="remove_passkey",
    ),
    path("oidc/<str:provider_id>/login/", views.company_start, name="company_start"),
    path("oidc/<str:provider_id>/login/callback/", views.company_back, name="company_back"),
]
