"""Has all background work somebody who does it, and does waiting for others hold nothing up?"""

import re
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings

from config import queues
from config.celery import app
from inbox import tasks

OURS = sorted(name for name in dir(tasks) if hasattr(getattr(tasks, name), "delay"))
ALL = {*queues.WORKER, *queues.CALLER}
# They call Twilio, other hosts, or the mail server, and wait.
OUTSIDE = {
    *("deliver", "fetch_media", "route_waiting", "sweep_unknown", "sweep_reconcile"),
    *("sweep_whatsapp", "sweep_drift", "sweep_asking", "send_invitations", "send_notices"),
    *("send_push", "send_push_end", "send_digests"),
    *("sweep_webhooks", "sweep_events", "sweep_deletions"),
    *("sweep_shared_consents", "sweep_differences", "sweep_owners", "check_owner"),
}


def queue_of(task: str) -> str:
    return str(app.amqp.router.route({}, f"inbox.tasks.{task}")["queue"].name)


@pytest.mark.parametrize("task", OURS)
def test_what_waits_for_others_is_done_by_callers(task: str) -> None:
    assert queue_of(task) in (queues.CALLER if task in OUTSIDE else queues.WORKER)


def test_the_clock_starts_only_what_there_is() -> None:
    started = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert started <= set(current_app.tasks)
    assert {f"inbox.tasks.{name}" for name in OURS if name.startswith("sweep_")} <= started


@pytest.mark.parametrize("path", ["docs/operators.md", "deploy/compose.yaml"])
def test_every_queue_has_a_process_where_operators_look(path: str) -> None:
    text = Path(settings.BASE_DIR, path).read_text()
    taken = [set(found.split(",")) for found in re.findall(r"-Q ([\w,]+)", text)]
    assert taken == [set(queues.WORKER), set(queues.CALLER)]
    assert set().union(*taken) == ALL
