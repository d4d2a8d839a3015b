"""How does one port serve everything (the demo, the browser tests)? WSGI inside, sockets beside."""

from typing import Any

from a2wsgi import WSGIMiddleware

from config.asgi import application as live
from config.wsgi import application as pages

_pages = WSGIMiddleware(pages, workers=16)  # type: ignore[arg-type]


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Send sockets to Channels and everything else to the WSGI application."""
    if scope["type"] == "websocket":
        await live(scope, receive, send)
    elif scope["type"] == "http":
        await _pages(scope, receive, send)
    else:
        await _answer_lifespan(receive, send)


async def _answer_lifespan(receive: Any, send: Any) -> None:
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return
