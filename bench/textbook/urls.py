"""Which addresses does the comparator answer? The same webhooks as ours."""

from typing import Any

from django.urls import path

from bench.textbook.consumers import InboxConsumer
from bench.textbook.views import Conversations, Thread, inbound, status

urlpatterns = [
    path("hooks/twilio/<str:token>", inbound),
    path("hooks/twilio/<str:token>/status", status),
    path("inbox/<int:inbox>/", Conversations.as_view()),
    path("inbox/<int:inbox>/c/<int:conversation>/", Thread.as_view()),
]
websocket_urlpatterns: list[Any] = [
    path("ws/<int:inbox>/", InboxConsumer.as_asgi())  # type: ignore[arg-type]
]
