"""How does one port serve everything (the demo, the browser tests)? WSGI inside, sockets beside."""

from a2wsgi import WSGIMiddleware

from config.asgi import application as live
from config.wsgi import application as pages

_pages = WSGIMiddleware(pages, workers=16)


async def application(scope, receive, send):  # type: ignore[no-untyped-def]
    """Send sockets to Channels and everything else to the WSGI application."""
    if scope["type"] == "websocket":
        await live(scope, receive, send)
    elif scope["type"] == "http":
        await _pages(scope, receive, send)
    else:
        await _answer_lifespan(receive, send)


async def _answer_lifespan(receive, send):  # type: ignore[no-untyped-def]
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return
