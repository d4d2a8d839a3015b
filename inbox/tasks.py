"""What does the clock start, and what do nudges run? Each task may run twice, late, or never."""

import time
from datetime import datetime, timedelta

from celery import shared_task
from django.utils import timezone

from accounts.pushes import forget_old_browsers
from accounts.sessions import forget_expired
from compliance.lapsing import lapse_next
from compliance.verifying import verify_next
from inbox import (
    asking_imported,
    closing,
    conversations,
    deciding,
    differing,
    digesting,
    escalating,
    importing,
    media,
    promises,
    pushing,
    reassigning,
    receiving,
    reconciling,
    reviewing,
    sending,
    sharing,
    still_waiting,
    telling_consents,
    windows,
)
from inbox.alerts import Happening, Kind
from inbox.attendance import online_now
from inbox.counting import count_next
from inbox.drafts import forget_drafts
from inbox.event_webhooks.owing import owe_next
from inbox.event_webhooks.telling import forget_deliveries, tell_next
from inbox.events import forget_events
from inbox.forgetting.erasing import erase_next, erase_some
from inbox.forgetting.nightly import forget_next
from inbox.forgetting.remote import delete_next
from inbox.nudges import nudge
from inbox.online_times import forget_online_times, note_online
from inbox.setup import (
    availability,
    consent_imports,
    contact_imports,
    drift,
    expiring,
    invitations,
    whatsapp_sync,
)

EVENTS_KEPT_FOR = timedelta(days=7)
# Short, so that other sweeps get their turn; the clock or an overloaded edge starts the next one.
SWEEP = timedelta(seconds=2)
TIMERS = timedelta(seconds=0.9)
# One process is left alone with what is due if it is no later than this, and for so long at first.
ALONE = timedelta(seconds=0.2)
PAUSE = 0.02
# Well below the time after which Celery ends a task; each account takes a few requests.
ASKING = timedelta(seconds=20)
# Messages to customers wait for the same processes.
TELLING = timedelta(seconds=5)
IMPORTING = timedelta(seconds=8)
COUNTING = timedelta(seconds=8)


@shared_task
def deliver(message_id: int) -> None:
    """Send one message that is queued."""
    sending.deliver(message_id, now=timezone.now())


@shared_task
def fetch_media(attachment_id: int) -> None:
    """Fetch one file."""
    media.fetch(attachment_id, now=timezone.now())


@shared_task
def sweep_queued() -> None:
    """Remind workers of messages whose nudge was lost, or whose time has come."""
    sending.remind_queued(now=timezone.now())


@shared_task
def sweep_receipts() -> None:
    """Tell stories that were not told in the request, for a bounded time."""
    until = timezone.now() + SWEEP
    while (now := timezone.now()) < until and receiving.process_next(now=now):
        pass


@shared_task
def sweep_reviews() -> None:
    """Remind people of doubts about consent that are due, and settle those whose days are over."""
    until = timezone.now() + SWEEP
    while (now := timezone.now()) < until and reviewing.heed_next(now=now):
        pass


@shared_task
def sweep_media() -> None:
    """Remind workers of files whose nudge was lost, or whose next attempt is due."""
    for attachment_id in media.owed_media(now=timezone.now()):
        nudge("fetch_media", attachment_id)


@shared_task
def sweep_stuck() -> None:
    """Settle what a dead process left in the middle."""
    sending.report_stuck(now=timezone.now())


@shared_task
def sweep_unknown() -> None:
    """Ask Twilio what became of messages whose answer was lost."""
    sending.look_up_unknown(now=timezone.now())


@shared_task
def sweep_snoozed() -> None:
    """Wake conversations whose snooze is over."""
    conversations.wake_due(now=timezone.now())


@shared_task
def sweep_promises() -> None:
    """Bring up promises to customers that are due."""
    promises.tell_due(now=timezone.now())


@shared_task
def sweep_windows() -> None:
    """Tell owners whose customers wait that WhatsApp's window closes."""
    windows.tell_closing(now=timezone.now())


@shared_task
def sweep_handovers() -> None:
    """Return transfers that nobody answered."""
    conversations.return_due(now=timezone.now())


@shared_task
def sweep_ineligible() -> None:
    """Release what is owned by people who lost their licence or team."""
    conversations.release_ineligible(now=timezone.now())


@shared_task
def sweep_expiring() -> None:
    """Note what ends soon and what has ended, each once."""
    expiring.note_expiries(now=timezone.now())


@shared_task
def send_notices() -> None:
    """Send the mails about what ends that are owed."""
    expiring.mail_notices(now=timezone.now())


@shared_task
def sweep_timers(*, helps: bool = False) -> None:
    """Let escalation timers do what is due, and what becomes due until about the next tick.

    With much to do a second process helps, for as long as there is that much; customers' messages
    come in between.
    """
    begun = timezone.now()
    is_alone = not helps
    while (now := timezone.now()) < begun + TIMERS:
        done = escalating.fire_some(now=now)
        if done and is_alone and now > begun + ALONE and _is_behind(now):
            is_alone = False
            nudge("sweep_timers", helps=True)
        if done:
            continue
        due = escalating.next_due()
        if helps or due is None or due > begun + TIMERS:
            break
        # What is due and held by others is looked at again in a moment.
        time.sleep(max(PAUSE, (due - timezone.now()).total_seconds()))


def _is_behind(now: datetime) -> bool:
    due = escalating.next_due()
    return due is not None and due < now - ALONE


@shared_task
def sweep_reminders() -> None:
    """Tell customers who wait that they are not forgotten, for a bounded time."""
    until = timezone.now() + TIMERS
    while (now := timezone.now()) < until and still_waiting.remind_next(now=now):
        pass


@shared_task
def route_waiting() -> None:
    """Ask rules about conversations that wait for them, for a bounded time."""
    until = timezone.now() + ASKING
    while (now := timezone.now()) < until and deciding.route_next(now=now):
        pass


@shared_task
def sweep_webhooks() -> None:
    """Tell those outside whom rules name that they acted, for a bounded time."""
    until = timezone.now() + ASKING
    while (now := timezone.now()) < until and deciding.tell_next(now=now):
        pass


@shared_task
def sweep_events() -> None:
    """Write down what event webhooks are owed, and tell them, for a bounded time."""
    until = timezone.now() + TELLING
    while (now := timezone.now()) < until and owe_next(now=now):
        pass
    while (now := timezone.now()) < until and tell_next(now=now):
        pass


@shared_task
def sweep_able() -> None:
    """See whether somebody may be able now for whom others wait, or nobody is any more."""
    deciding.follow_losses(now=timezone.now())
    deciding.follow_changes(now=timezone.now())


@shared_task
def sweep_asking() -> None:
    """Ask the Data Actions that escalation steps name, for a bounded time."""
    until = timezone.now() + ASKING
    while (now := timezone.now()) < until and escalating.ask_next(now=now):
        pass


@shared_task
def sweep_waits() -> None:
    """Let timers follow what changed without an act: hours, accounts, and waits of a day."""
    escalating.follow_changes(now=timezone.now())


@shared_task
def sweep_plans() -> None:
    """Let people be available or away as their plans say."""
    availability.follow_plans(now=timezone.now())


@shared_task
def sweep_auto_close() -> None:
    """Close conversations that ended by themselves."""
    closing.close_quiet(now=timezone.now())


@shared_task
def sweep_reconcile() -> None:
    """Look at Twilio's own list for messages whose webhook never came."""
    reconciling.find_lost(now=timezone.now())


@shared_task
def sweep_whatsapp() -> None:
    """Ask Twilio about WhatsApp senders and templates, account by account, for a bounded time."""
    until = timezone.now() + ASKING
    while (now := timezone.now()) < until and whatsapp_sync.sync_next_due(now=now):
        pass


@shared_task
def send_invitations() -> None:
    """Send the mails of invitations that are owed; the clock starts it too."""
    invitations.send_owed(now=timezone.now())


@shared_task
def sweep_pushes() -> None:
    """See what happened, for those whose browsers are to be woken."""
    pushing.look_for_news(now=timezone.now())


@shared_task
def send_push(user_id: int, kind: str, id_: str, conversation: str, inbox: str) -> None:
    """Wake one person's browsers, if what happened still concerns them."""
    happening = Happening(Kind(kind), id_, conversation, inbox)
    pushing.wake(user_id, happening, now=timezone.now())


@shared_task
def send_push_end(user_id: int, conversation: str, is_removed: bool = False) -> None:
    """Take back what one person's screens still show of a conversation that left them, or of one
    of whose messages the words were removed."""
    pushing.end_notice(user_id, conversation, is_removed, now=timezone.now())


@shared_task
def send_digests() -> None:
    """Write to those who have not read for as long as they chose, for a bounded time."""
    until = timezone.now() + ASKING
    for user_id in digesting.who_may_be_owed():
        if (now := timezone.now()) > until:
            break
        digesting.write_to(user_id, now=now)


@shared_task
def sweep_sessions() -> None:
    """Forget sessions that expired, and browsers that nobody spoke for in a long time."""
    forget_expired(now=timezone.now())
    forget_old_browsers(now=timezone.now())


@shared_task
def sweep_drift() -> None:
    """Look at Twilio accounts whose day is over, one after the other, for a bounded time."""
    until = timezone.now() + ASKING
    while (now := timezone.now()) < until and drift.watch_next(now=now):
        pass


@shared_task
def sweep_consent_chains() -> None:
    """Verify ledgers of consent whose day is over, one after the other, for a bounded time."""
    until = timezone.now() + ASKING
    while (now := timezone.now()) < until and verify_next(now=now):
        pass


@shared_task
def sweep_lapsed_consents() -> None:
    """Write down what consents ran out and what questions lapsed, for a bounded time."""
    until = timezone.now() + SWEEP
    while (now := timezone.now()) < until and lapse_next(now=now):
        pass


@shared_task
def sweep_imports() -> None:
    """Record files of consents that are under way, for a bounded time."""
    until = timezone.now() + IMPORTING
    if (work := importing.claim_next(now=timezone.now())) is None:
        consent_imports.forget_old(now=timezone.now())
        return
    is_more = True
    while is_more and (now := timezone.now()) < until:
        is_more = importing.go_on(work, now=now)
    importing.release(work)
    if is_more:
        nudge("sweep_imports")


@shared_task
def sweep_contact_imports() -> None:
    """Take in files of contacts that are under way, for a bounded time."""
    until = timezone.now() + IMPORTING
    if (work := contact_imports.claim_next(now=timezone.now())) is None:
        contact_imports.forget_old(now=timezone.now())
        return
    is_more = True
    while is_more and (now := timezone.now()) < until:
        is_more = contact_imports.go_on(work, now=now)
    contact_imports.release(work)
    if is_more:
        nudge("sweep_contact_imports")


@shared_task
def sweep_imported_questions() -> None:
    """Ask people to confirm what files say of them, the next few, for a bounded time."""
    until = timezone.now() + SWEEP
    while (now := timezone.now()) < until and asking_imported.ask_next(now=now):
        pass


@shared_task
def sweep_shared_consents() -> None:
    """Tell Twilio of consents where accounts want that, for a bounded time."""
    until = timezone.now() + ASKING
    while (now := timezone.now()) < until and sharing.read_on_next(now=now):
        pass
    while (now := timezone.now()) < until and sharing.tell_next(now=now):
        pass


@shared_task
def sweep_differences() -> None:
    """Compare opt-outs with what Twilio's side shows, account by account, for a bounded time."""
    until = timezone.now() + ASKING
    while (now := timezone.now()) < until and differing.compare_next(now=now):
        pass


@shared_task
def sweep_owners() -> None:
    """Ask whether numbers with old consents changed owner, for a bounded time."""
    until = timezone.now() + ASKING
    while (now := timezone.now()) < until and reassigning.sweep_next(now=now):
        pass


@shared_task
def check_owner(message_id: int) -> None:
    """Ask whether the number that an offer waits for changed owner."""
    reassigning.check_owner(message_id, now=timezone.now())


@shared_task
def sweep_old_events() -> None:
    """Forget what nobody asks for any more: events, drafts, what programs told, online times."""
    forget_events(before=timezone.now() - EVENTS_KEPT_FOR)
    forget_deliveries(before=timezone.now() - EVENTS_KEPT_FOR)
    forget_drafts(now=timezone.now())
    telling_consents.forget_told(now=timezone.now())
    forget_online_times(now=timezone.now())


@shared_task
def sweep_online_times() -> None:
    """Note who is online, and who no longer is. While Redis cannot say, nobody came or went."""
    online = online_now()
    if online is not None:
        note_online(online, now=timezone.now())


@shared_task
def sweep_reports() -> None:
    """Count what happened in accounts whose reports are old, for a bounded time.

    Where there is more to count, as after an update, it goes on a minute later: messages and timers
    have the time between.
    """
    until = timezone.now() + COUNTING
    while (now := timezone.now()) < until and count_next(now=now):
        pass


@shared_task
def sweep_retention() -> None:
    """Let what is old enough go, account by account, for a bounded time."""
    until = timezone.now() + SWEEP
    while (now := timezone.now()) < until and forget_next(now=now):
        pass


@shared_task
def erase_person(erasure_id: int) -> None:
    """Begin an erasure that somebody asked for, and go on for a bounded time."""
    until = timezone.now() + SWEEP
    while (now := timezone.now()) < until and erase_some(erasure_id, now=now):
        pass


@shared_task
def sweep_erasures() -> None:
    """Go on with erasures that are due, for a bounded time."""
    until = timezone.now() + SWEEP
    while (now := timezone.now()) < until and erase_next(now=now):
        pass


@shared_task
def sweep_deletions() -> None:
    """Ask Twilio for deletions that are owed, for a bounded time."""
    until = timezone.now() + ASKING
    while (now := timezone.now()) < until and delete_next(now=now):
        pass
