"""Which background work exists, and what does the clock start?"""

import os

from celery import Celery
from celery.signals import (
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
    worker_process_init,
)
from django.db import close_old_connections
from django_structlog.celery.steps import DjangoStructLogInitStep

from config.warm import fetch_all, learn_languages, settle_memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("teaminbox")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["inbox"])
# A task carries the id of the request that asked for it.
app.steps["worker"].add(DjangoStructLogInitStep)


@task_prerun.connect
@task_postrun.connect
def give_connections_back(**_: object) -> None:
    """Treat a task as a request: its connection goes back to the pool, a broken one is dropped."""
    close_old_connections()


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Let Celery leave the loggers as the settings made them: its own lines are not redacted."""


@worker_init.connect
def fetch_for_children(**_: object) -> None:
    """Have all at hand before children are made, who share it."""
    fetch_all()


@worker_process_init.connect
def get_ready(**_: object) -> None:
    """Keep the garbage collector of a worker's child off what existed before it."""
    settle_memory()


@task_prerun.connect
def learn_at_the_first_task(**_: object) -> None:
    """Get languages at hand. Not sooner: Celery closes connections while a child gets ready."""
    task_prerun.disconnect(learn_at_the_first_task)
    learn_languages()


def _every(seconds: float, task: str) -> dict[str, object]:
    # A tick that could not run in time is worthless: the next one does all of its work.
    return {"task": task, "schedule": seconds, "options": {"expires": max(5.0, seconds)}}


app.conf.beat_schedule = {
    "send what is queued": _every(1, "inbox.tasks.sweep_queued"),
    "process waiting receipts": _every(2, "inbox.tasks.sweep_receipts"),
    "settle what is stuck in sending": _every(5, "inbox.tasks.sweep_stuck"),
    "ask what became of the unknown": _every(5, "inbox.tasks.sweep_unknown"),
    "fetch media that is owed": _every(5, "inbox.tasks.sweep_media"),
    "return snoozed conversations": _every(5, "inbox.tasks.sweep_snoozed"),
    "bring up promises that are due": _every(5, "inbox.tasks.sweep_promises"),
    "tell owners that WhatsApp's window closes": _every(30, "inbox.tasks.sweep_windows"),
    "return unanswered hand-overs": _every(15, "inbox.tasks.sweep_handovers"),
    "release from who can no longer work": _every(3, "inbox.tasks.sweep_ineligible"),
    "note what ends, and what has ended": _every(4, "inbox.tasks.sweep_expiring"),
    "send notices that are owed": _every(5, "inbox.tasks.send_notices"),
    "fire escalation timers": _every(1, "inbox.tasks.sweep_timers"),
    "tell who waits that they are not forgotten": _every(1, "inbox.tasks.sweep_reminders"),
    "ask rules again": _every(2, "inbox.tasks.route_waiting"),
    "tell others that rules acted": _every(5, "inbox.tasks.sweep_webhooks"),
    "tell programs what happened": _every(2, "inbox.tasks.sweep_events"),
    "see who is able now": _every(3, "inbox.tasks.sweep_able"),
    "ask what escalation steps ask": _every(5, "inbox.tasks.sweep_asking"),
    "follow what moves escalation timers": _every(15, "inbox.tasks.sweep_waits"),
    "let people come and go by their plans": _every(5, "inbox.tasks.sweep_plans"),
    "close quiet conversations": _every(60, "inbox.tasks.sweep_auto_close"),
    "look for lost messages at Twilio": _every(3600, "inbox.tasks.sweep_reconcile"),
    "send invitations that are owed": _every(30, "inbox.tasks.send_invitations"),
    "see whose browsers are to be woken": _every(2, "inbox.tasks.sweep_pushes"),
    "write to who has not read": _every(30, "inbox.tasks.send_digests"),
    "forget sessions that expired": _every(3600, "inbox.tasks.sweep_sessions"),
    "look whether Twilio was changed": _every(60, "inbox.tasks.sweep_drift"),
    "ask about WhatsApp senders and templates": _every(60, "inbox.tasks.sweep_whatsapp"),
    "remind of possible opt-outs": _every(30, "inbox.tasks.sweep_reviews"),
    "note consents that ran out": _every(60, "inbox.tasks.sweep_lapsed_consents"),
    "tell Twilio of consents": _every(5, "inbox.tasks.sweep_shared_consents"),
    "compare opt-outs with Twilio": _every(60, "inbox.tasks.sweep_differences"),
    "ask whether numbers changed owner": _every(300, "inbox.tasks.sweep_owners"),
    "ask whom files opt in": _every(5, "inbox.tasks.sweep_imported_questions"),
    "record files of consents": _every(10, "inbox.tasks.sweep_imports"),
    "take in files of contacts": _every(10, "inbox.tasks.sweep_contact_imports"),
    "verify the ledgers of consent": _every(300, "inbox.tasks.sweep_consent_chains"),
    "note who is online": _every(30, "inbox.tasks.sweep_online_times"),
    "count what reports tell": _every(60, "inbox.tasks.sweep_reports"),
    "let what is old enough go": _every(5, "inbox.tasks.sweep_retention"),
    "go on with erasures": _every(5, "inbox.tasks.sweep_erasures"),
    "let Twilio delete what was erased": _every(15, "inbox.tasks.sweep_deletions"),
    "forget old inbox events": _every(3600, "inbox.tasks.sweep_old_events"),
}
