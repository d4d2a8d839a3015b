"""Who are our partners, accounts and people, and what are they entitled to?"""

from accounts.models.audit import AuditEntry
from accounts.models.features import Feature, FeatureGrant
from accounts.models.licenses import License, LicensePool
from accounts.models.people import Membership, Team, User
from accounts.models.spans import in_force
from accounts.models.support import SupportAccess
from accounts.models.tenants import Account, Partner
from accounts.models.twilio import TwilioAccount

__all__ = [
    "Account",
    "AuditEntry",
    "Feature",
    "FeatureGrant",
    "License",
    "LicensePool",
    "Membership",
    "Partner",
    "SupportAccess",
    "Team",
    "TwilioAccount",
    "User",
    "in_force",
]
