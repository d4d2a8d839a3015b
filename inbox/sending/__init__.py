"""What is the life of one outbound message? Queue, deliver, settle.

The row is the promise; the task is a nudge. The gate is asked when a message is queued, so that its
author hears at once, and again when it is delivered. No transaction is open while Twilio is called,
and what may have left is never sent again by itself.

One file per question. A person answers (`replying`), sends again what did not arrive (`resending`),
or tries a number out (`testing`): the gate is asked (`asking`), and what it asked back is kept with
the message (`going_on`), as is a WhatsApp template (`templating`); the row is written (`queueing`).
A worker claims it and calls the carrier (`handing_over`, `carriers`); what that said is written
down (`settling`, `progress`). An author chooses when it goes (`later`), and stops it until then
(`calling_off`). Beside it: who is reminded of what waits (`waiting`), what became of
what nobody confirmed (`unconfirmed`), what an opt-out stops (`opt_outs`), and what is locked when
(`locking`).
"""

from inbox.sending.asking import (
    BY_PEOPLE,
    UNASKED_BY_PEOPLE,
    Wanted,
    compose_verdict,
    is_first_word,
    known_of,
    verdict_on,
    warnings_on,
)
from inbox.sending.calling_off import call_off
from inbox.sending.carriers import carrier_for, delete_message
from inbox.sending.going_on import WentOn
from inbox.sending.handing_over import deliver
from inbox.sending.later import Later
from inbox.sending.locking import lock_messages, locked_message, locked_thread
from inbox.sending.opt_outs import (
    NO_CONTACT,
    cancel_unsent,
    follow_consent,
    hold_unsent,
    recorded_after,
    tell_consent,
)
from inbox.sending.progress import fail_message, note_reached, tell_status
from inbox.sending.queueing import queue_message
from inbox.sending.removed import owe_removal
from inbox.sending.replying import send_reply
from inbox.sending.resending import resend
from inbox.sending.settling import UNKNOWN_WORDS, heed_refusal, lose_sid, settle
from inbox.sending.supposing import Door, Draft, Supposed, door_of, verdict_if
from inbox.sending.templating import (
    Chosen,
    as_judged,
    choose_template,
    purpose_of_template,
    unusable_templates,
    usable_templates,
    why_unusable,
)
from inbox.sending.testing import send_test
from inbox.sending.unconfirmed import look_up_unknown, report_stuck
from inbox.sending.waiting import owed_messages, remind_queued

__all__ = [
    "Later",
    "call_off",
    "BY_PEOPLE",
    "NO_CONTACT",
    "UNASKED_BY_PEOPLE",
    "UNKNOWN_WORDS",
    "Chosen",
    "Door",
    "Draft",
    "Supposed",
    "Wanted",
    "WentOn",
    "as_judged",
    "cancel_unsent",
    "carrier_for",
    "choose_template",
    "compose_verdict",
    "delete_message",
    "deliver",
    "door_of",
    "fail_message",
    "follow_consent",
    "heed_refusal",
    "hold_unsent",
    "is_first_word",
    "known_of",
    "lock_messages",
    "locked_message",
    "locked_thread",
    "look_up_unknown",
    "lose_sid",
    "note_reached",
    "owe_removal",
    "owed_messages",
    "purpose_of_template",
    "queue_message",
    "recorded_after",
    "remind_queued",
    "report_stuck",
    "resend",
    "send_reply",
    "send_test",
    "settle",
    "tell_consent",
    "tell_status",
    "unusable_templates",
    "usable_templates",
    "verdict_if",
    "verdict_on",
    "warnings_on",
    "why_unusable",
]
