"""Which background work stands in which queue, and who takes it from there?

What waits for machines of others (Twilio, mail servers) has queues and processes of its own, the
callers: however slow those are, customers' messages are told and timers fire.
"""

WORKER = ("default", "clock")
CALLER = ("send", "media", "outside")
# A full name counts before a pattern.
ROUTES = {
    "inbox.tasks.deliver": {"queue": "send"},
    "inbox.tasks.fetch_media": {"queue": "media"},
    "inbox.tasks.route_waiting": {"queue": "outside"},
    "inbox.tasks.sweep_asking": {"queue": "outside"},
    "inbox.tasks.sweep_webhooks": {"queue": "outside"},
    "inbox.tasks.sweep_events": {"queue": "outside"},
    "inbox.tasks.sweep_unknown": {"queue": "outside"},
    "inbox.tasks.sweep_reconcile": {"queue": "outside"},
    "inbox.tasks.sweep_whatsapp": {"queue": "outside"},
    "inbox.tasks.sweep_drift": {"queue": "outside"},
    "inbox.tasks.sweep_shared_consents": {"queue": "outside"},
    "inbox.tasks.sweep_differences": {"queue": "outside"},
    "inbox.tasks.sweep_owners": {"queue": "outside"},
    "inbox.tasks.check_owner": {"queue": "outside"},
    # Long work of our own: timers do not wait for it.
    "inbox.tasks.sweep_imports": {"queue": "default"},
    "inbox.tasks.sweep_reports": {"queue": "default"},
    "inbox.tasks.sweep_contact_imports": {"queue": "default"},
    "inbox.tasks.sweep_deletions": {"queue": "outside"},
    "inbox.tasks.erase_person": {"queue": "clock"},
    "inbox.tasks.send_*": {"queue": "outside"},
    "inbox.tasks.sweep_*": {"queue": "clock"},
}
