"""How fast is a backlog worked off? One of the processes that does it, for either build.

Ours: receipts that wait, told one by one by `receiving.process`, as a sweep does. The textbook has
no receipts: the same messages go through the function its view calls.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import django

from bench.errand import serve


def prepare(job: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Load the build and take our part of the backlog."""
    django.setup()
    is_ours = os.environ["DJANGO_SETTINGS_MODULE"] == "config.settings"
    act = _ours(job) if is_ours else _textbook(job)
    return lambda: _timed(act)


def _timed(act: Callable[[], int]) -> dict[str, Any]:
    begun = time.monotonic()
    done = act()
    return {"done": done, "begun": begun, "ended": time.monotonic()}


def _ours(job: dict[str, Any]) -> Callable[[], int]:
    from django.utils import timezone

    from config.warm import settle_memory
    from inbox.models import Receipt
    from inbox.receiving import process

    waiting = Receipt.objects.filter(state=Receipt.State.WAITING).order_by("received_at", "id")
    own = [
        pk for pk in waiting.values_list("pk", flat=True) if pk % job["workers"] == job["worker"]
    ]
    settle_memory()
    return lambda: sum(process(pk, now=timezone.now()) for pk in own)


def _textbook(job: dict[str, Any]) -> Callable[[], int]:
    from bench.textbook import celery as celery
    from bench.textbook.models import Sender
    from bench.textbook.storing import take_message

    senders = {
        sender.path_token: sender for sender in Sender.objects.select_related("inbox__account")
    }
    own = [
        (senders[token], dict(parse_qsl(form)))
        for token, form in job["forms"][job["worker"] :: job["workers"]]
    ]

    def act() -> int:
        for sender, form in own:
            take_message(sender, form)
        return len(own)

    return act


if __name__ == "__main__":
    serve(prepare)
