"""How is a worker told that there is something to do? By a hint that may be lost.

The row is the promise; a sweep finds every row whose nudge never came. So a broker that is away
must cost neither an error nor time.
"""

import logging
import time
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

REST_SECONDS = 3.0
_silent_until = 0.0
_last_sent: dict[str, float] = {}


def nudge_on_commit(task: str, *args: Any) -> None:
    """Send a task by name after the current transaction commits."""
    transaction.on_commit(lambda: nudge(task, *args), robust=True)


def nudge_at_most_every(seconds: float, task: str) -> None:
    """Send a task by name unless this process did so a moment ago: many hints become one."""
    now = time.monotonic()
    if now - _last_sent.get(task, -seconds) >= seconds:
        _last_sent[task] = now
        nudge(task)


def nudge(task: str, *args: Any, **named: Any) -> None:
    """Send a task by name now. After a failure nobody tries again for a few seconds."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        current_app.send_task(f"inbox.tasks.{task}", args=args, kwargs=named, expires=60)
    except (OperationalError, RedisError, OSError) as error:
        _silent_until = time.monotonic() + REST_SECONDS
        logger.warning("nudge %s not delivered: %s", task, type(error).__name__)
