"""What would somebody build who follows the stack's documentation? The comparator, written fairly.

Django served over ASGI by uvicorn with the middleware of `startproject`, the ORM with
`get_or_create`, one transaction a webhook, the psycopg pool, Twilio's own validator, the core layer
of channels_redis through `async_to_sync`, Celery's `.delay` after commit, OFFSET paging with a
COUNT. Sensible indexes, `select_related`, rendering once for all sockets: nothing is slow on
purpose. It does less than ours: no receipts, no event log, no audit, no audience, no catch-up.
"""
