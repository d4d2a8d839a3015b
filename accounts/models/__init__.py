"""Who are our partners, accounts and people, and what are they entitled to?"""

from accounts.models.audit import AuditEntry
from accounts.models.features import Feature, FeatureGrant
from accounts.models.invitations import Invitation, InvitationTeam
from accounts.models.licenses import License, LicensePool
from accounts.models.people import Membership, Team, User
from accounts.models.sessions import BrowserSession
from accounts.models.sign_on import SignOn
from accounts.models.spans import in_force
from accounts.models.support import SupportAccess
from accounts.models.tenants import Account, Partner
from accounts.models.twilio import TwilioAccount

__all__ = [
    "Account",
    "AuditEntry",
    "BrowserSession",
    "Feature",
    "FeatureGrant",
    "Invitation",
    "InvitationTeam",
    "License",
    "LicensePool",
    "Membership",
    "Partner",
    "SignOn",
    "SupportAccess",
    "Team",
    "TwilioAccount",
    "User",
    "in_force",
]
