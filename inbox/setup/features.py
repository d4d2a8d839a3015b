"""What follows in the inbox when a feature or an account is switched off?

Sight ends by itself: every question asks what is in force now. What people own goes back to their
teams through the sweep, which is nudged here and finds within seconds what it was not told of.
"""

from datetime import datetime

from django.db import transaction

from accounts.granting import change_grant_end, end_grant
from accounts.models import FeatureGrant, User
from inbox.nudges import nudge_on_commit


def switch_off(*, grant: FeatureGrant, by: User, reason: str, now: datetime) -> FeatureGrant:
    """End a grant at once; raises RefusedError as `end_grant` does."""
    with transaction.atomic():
        row = end_grant(grant=grant, by=by, reason=reason, now=now)
        nudge_on_commit("sweep_ineligible")
    return row


def move_grant_end(
    *, grant: FeatureGrant, ends_at: datetime | None, by: User, reason: str, now: datetime
) -> FeatureGrant:
    """Let a grant end at another moment; raises RefusedError as `change_grant_end` does."""
    with transaction.atomic():
        row = change_grant_end(grant=grant, ends_at=ends_at, by=by, reason=reason, now=now)
        nudge_on_commit("sweep_ineligible")
    return row
