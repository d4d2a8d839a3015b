"""Who waits too long, and what is done about it? Contract: behaviour 2.

Timers that are due act in `clock`, what their steps do stands in `steps`, and whom these find in
`whom`. A step that asks customers' own code leaves that to workers who may wait: they ask in
`asking`, and what comes of it stands in `verdicts`. `following` keeps timers true while hours,
accounts and inboxes change.
"""

from inbox.escalating.asking import ask_next as ask_next
from inbox.escalating.clock import fire_due as fire_due
from inbox.escalating.clock import fire_some as fire_some
from inbox.escalating.clock import next_due as next_due
from inbox.escalating.following import follow_changes as follow_changes
