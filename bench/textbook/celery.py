"""How does the comparator's worker find its tasks? As Celery's documentation says."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.textbook.settings")
app = Celery("textbook")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["bench.textbook"])
app.conf.beat_schedule = {
    "help who waits": {"task": "bench.textbook.tasks.fire_timers", "schedule": 1.0}
}
