"""Which tags are in use, for who writes one into a rule to choose from?"""

from collections import Counter
from collections.abc import Collection, Iterable

from inbox.models import Conversation
from routing.rules import Rule

# So many of the newest conversations are looked at, and so many tags are named.
SEEN = 1000
MOST = 40


def tags_in_use(inboxes: Collection[int], rules: Iterable[Rule]) -> tuple[str, ...]:
    """Return the tags of late conversations and their contacts, and those that rules set.

    The most used ones, in the order of the alphabet. One question, bounded.
    """
    rows = Conversation.objects.filter(inbox__in=inboxes).order_by("-pk")
    found = Counter(
        tag
        for both in rows.values_list("tags", "contact__tags")[:SEEN]
        for tags in both
        for tag in tags
    )
    found.update(tag for rule in rules for tag in rule.actions.tags)
    return tuple(sorted((tag for tag, _times in found.most_common(MOST)), key=str.casefold))
