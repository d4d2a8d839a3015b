"""What is the least a live server can do? One subscriber, the same bytes to every socket (F2)."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from redis import asyncio as redis

CHANNEL = "bench-bare"
_sockets: set[Any] = set()
_tasks: set[asyncio.Task[None]] = set()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve lifespan, sockets, and an answer to whoever asks whether this runs."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["type"] == "websocket":
        await _socket(receive, send)
    else:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def _live(receive: Any, send: Any) -> None:
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            subscribed = asyncio.Event()
            _tasks.add(asyncio.create_task(_listen(subscribed)))
            await subscribed.wait()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return


async def _socket(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": '{"type":"hello"}'})
    _sockets.add(send)
    try:
        while (await receive())["type"] != "websocket.disconnect":
            pass
    finally:
        _sockets.discard(send)


async def _listen(subscribed: asyncio.Event) -> None:
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    async with client.pubsub() as channel:
        await channel.subscribe(CHANNEL)
        subscribed.set()
        async for message in channel.listen():
            if message["type"] == "message":
                frame = {"type": "websocket.send", "text": message["data"].decode()}
                for send in tuple(_sockets):
                    await send(frame)
