"""What is switched on for an account, until when, by whom, and what was asked and answered?"""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Account, AccountPackage, Feature, FeatureGrant, FeatureRequest


@dataclass(frozen=True)
class FeatureState:
    """One feature as an account sees it at one moment."""

    feature: str
    label: str
    grant: FeatureGrant | None
    next_grant: FeatureGrant | None
    last_grant: FeatureGrant | None
    request: FeatureRequest | None

    @property
    def is_asked(self) -> bool:
        """Say whether a request waits for an answer."""
        return self.request is not None and self.request.state == FeatureRequest.State.OPEN

    @property
    def may_ask(self) -> bool:
        """Say whether asking makes sense: it is not on for good, nor asked for already."""
        is_for_good = self.grant is not None and self.grant.ends_at is None
        return not (is_for_good or self.is_asked)


def features_of(account: Account, *, now: datetime) -> list[FeatureState]:
    """Return every feature with what an account has of it, in two queries."""
    grants = list(
        account.feature_grants.select_related("granted_by", "package").order_by("starts_at", "pk")
    )
    requests = list(
        account.feature_requests.select_related("asked_by", "answered_by").order_by("asked_at")
    )
    return [
        _state(
            feature,
            [grant for grant in grants if grant.feature == feature],
            [request for request in requests if request.feature == feature],
            now=now,
        )
        for feature in Feature
    ]


def _state(
    feature: Feature,
    grants: list[FeatureGrant],
    requests: list[FeatureRequest],
    *,
    now: datetime,
) -> FeatureState:
    real = [grant for grant in grants if grant.ends_at is None or grant.ends_at > grant.starts_at]
    over = [grant for grant in real if grant.ends_at and grant.ends_at <= now]
    return FeatureState(
        feature=feature.value,
        label=str(feature.label),
        grant=next((grant for grant in real if grant.holds_at(now)), None),
        next_grant=next((grant for grant in real if grant.starts_at > now), None),
        last_grant=over[-1] if over else None,
        request=requests[-1] if requests else None,
    )


def packages_of(account: Account) -> list[AccountPackage]:
    """Return the packages of an account with their checklists."""
    rows = account.packages.select_related("package").prefetch_related("items__ticked_by")
    return list(rows.order_by("package__position", "pk"))
