"""Who waits too long, and what is done about it? Contract: behaviour 2.

Timers that are due act in `clock`, what their steps do stands in `steps`, and whom these find in
`whom`. `following` keeps them true while hours, accounts and inboxes change.
"""

from inbox.escalating.clock import fire_due as fire_due
from inbox.escalating.clock import fire_some as fire_some
from inbox.escalating.clock import next_due as next_due
from inbox.escalating.following import follow_changes as follow_changes
