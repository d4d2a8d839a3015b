"""When are rules asked about a conversation that exists already? A mark on it, and a hint.

A worker that finds the mark asks (`inbox.deciding.again`); the clock looks for marks whose hint was
lost, and every minute for those for whom nobody was able.
"""

from datetime import datetime, timedelta

from inbox.models import Conversation
from inbox.nudges import nudge_on_commit
from routing.facts import Trigger

AGAIN = timedelta(minutes=1)
_Routing = Conversation.Routing


def ask_rules(row: Conversation, trigger: Trigger, *, now: datetime) -> None:
    """Let a worker ask the rules about a locked conversation at once. Does not save."""
    row.routing, row.routing_trigger, row.route_at = _Routing.ASKING, trigger.value, now
    nudge_on_commit("route_waiting")


def ask_rules_later(row: Conversation, trigger: Trigger, *, now: datetime) -> None:
    """Nobody was able: ask again in a minute, or when somebody may be. Does not save."""
    row.routing, row.routing_trigger = _Routing.NOBODY, trigger.value
    row.route_at = now + AGAIN


def owe_answer(row: Conversation, trigger: Trigger | None, seq: int, *, now: datetime) -> None:
    """Who has it has it; a worker asks CRMs and then answers this message. Does not save."""
    row.routing, row.routing_trigger = _Routing.ANSWERING, trigger.value if trigger else ""
    row.route_at, row.answer_seq = now, seq
    nudge_on_commit("route_waiting")


def rules_are_done(row: Conversation) -> None:
    """Whoever has it now has it: no rule is asked again. Does not save."""
    row.routing, row.routing_trigger, row.route_at = _Routing.DONE, "", None


def people_changed(account_id: int, *, now: datetime) -> None:
    """Somebody of an account may be able now who was not: let those be asked about who wait."""
    waiting = Conversation.objects.filter(account=account_id, routing=_Routing.NOBODY)
    if waiting.update(route_at=now):
        nudge_on_commit("route_waiting")
