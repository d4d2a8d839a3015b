"""What would anybody's socket be? One group per inbox."""

from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from bench.textbook.models import Inbox


class InboxConsumer(AsyncJsonWebsocketConsumer):
    """One tab's socket."""

    group = ""

    async def connect(self) -> None:
        """Let members in and join the inbox's group."""
        inbox = self.scope["url_route"]["kwargs"]["inbox"]
        if not await self._is_member(inbox):
            await self.close()
            return
        self.group = f"inbox_{inbox}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.send_json({"type": "hello"})

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def message_created(self, event: dict[str, Any]) -> None:
        """Pass an event on."""
        await self.send_json(event)

    @database_sync_to_async
    def _is_member(self, inbox: int) -> bool:
        user: Any = self.scope["user"]
        if not user.is_authenticated:
            return False
        return Inbox.objects.filter(pk=inbox, members=user.pk).exists()
