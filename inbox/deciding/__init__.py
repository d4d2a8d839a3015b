"""Who gets a conversation? Stages 7 to 9 of a message (behaviour 6): ask the rules, do as they say.

Rules are asked in the story of the message that began or reopened a conversation (`stage`). Where
they hang on machines of others, supervisors see it at once, and a worker asks those outside of
every transaction before it does the rest (`again`); it also asks again after a transfer, and for
whom nobody was able, as soon as somebody may be (`changes`). One `Case` decides and acts for all of
them (`case`): what a plan does to rows stands in `acts`, what others are told in `questions`. Who
is only told afterwards that a rule acted is told by `telling`.
"""

from inbox.deciding.again import route_next
from inbox.deciding.changes import follow_changes, follow_losses
from inbox.deciding.stage import follow_rules
from inbox.deciding.telling import tell_next

__all__ = ["follow_changes", "follow_losses", "follow_rules", "route_next", "tell_next"]
