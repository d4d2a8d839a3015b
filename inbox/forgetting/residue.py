"""What still names a person after an erasure, and is not ours to change?"""

from collections.abc import Sequence

from django.db.models import Model, TextField
from django.db.models.functions import Cast

from accounts.models import AuditEntry
from inbox.models import Message
from inbox.person_places import Whom
from routing.models import EscalationPolicy, Rulebook, RulebookVersion


def left_behind(whom: Whom) -> Sequence[str]:
    """Return, in words and without the number, where it stands still: counts by place."""
    found = {
        "lines of the audit log": _naming(AuditEntry, "data", whom),
        "drafts of rules": _naming(Rulebook, "draft", whom),
        "published versions of rules": _naming(RulebookVersion, "document", whom),
        "escalation policies": _naming(EscalationPolicy, "document", whom),
        "messages of other people": _naming(Message, "body", whom),
    }
    return tuple(f"{number} {where} name their number" for where, number in found.items() if number)


def _naming(model: type[Model], field: str, whom: Whom) -> int:
    numbers = set()
    texts = model._default_manager.filter(account=whom.account_id).annotate(
        as_text=Cast(field, TextField())
    )
    for phone in whom.phones:
        named = texts.filter(as_text__contains=phone.lstrip("+"))
        numbers |= set(named.values_list("pk", flat=True))
    return len(numbers)
