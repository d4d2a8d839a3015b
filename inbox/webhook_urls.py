"""Which addresses does Twilio call? Without a closing slash: a redirect would lose the form."""

from django.urls import path

from inbox import webhooks

urlpatterns = [
    path("twilio/<str:token>", webhooks.webhook, name="twilio_inbound"),
    path("twilio/<str:token>/fallback", webhooks.webhook, name="twilio_fallback"),
    path("twilio/<str:token>/status", webhooks.webhook, name="twilio_status"),
]
