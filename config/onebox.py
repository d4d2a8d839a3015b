"""How does one port serve everything (the demo, the browser tests)? As a proxy tells them apart:
sockets to Channels, webhooks to the edge, and everything else to WSGI, inside."""

from typing import Any

from a2wsgi import WSGIMiddleware

from config.asgi import application as live
from config.edge import application as edge
from config.wsgi import application as pages

WEBHOOKS = "/hooks/"

_pages = WSGIMiddleware(pages, workers=16)  # type: ignore[arg-type]


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Hand a request to whoever serves its kind."""
    if scope["type"] == "websocket":
        await live(scope, receive, send)
    elif scope["type"] == "http" and scope["path"].startswith(WEBHOOKS):
        await edge(scope, receive, send)
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
