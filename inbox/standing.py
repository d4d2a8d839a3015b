"""Is an open page still drawn for who its reader is, in an inbox that behaves as it did then?"""

from hashlib import sha256

from accounts.access import Viewer
from inbox.models import TeamInbox

# What of an inbox says what colleagues see of each other's conversations, and may do to them.
SETTINGS = (
    *("claim_rule", "after_claim", "closed_visibility"),
    *("may_start_conversations", "target_minutes"),
    *("is_close_reason_required", "is_transfer_note_required"),
)


def standing_of(viewer: Viewer, inbox: TeamInbox) -> str:
    """Return a text that is another when a person may see or do other things in an inbox.

    What happens to single conversations does not change it: that is told one by one. A page that
    was drawn for another text is drawn anew.
    """
    facts = [
        viewer.is_member_of(inbox.pk),
        viewer.supervises_team(inbox.pk),
        inbox.pk in viewer.observes,
        viewer.sees_numbers,
        *(getattr(inbox, name) for name in SETTINGS),
    ]
    return sha256(repr(facts).encode()).hexdigest()[:16]
