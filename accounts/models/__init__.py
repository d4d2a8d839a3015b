"""Who are our partners, accounts and people, and what are they entitled to?"""

from accounts.models.audit import AuditEntry
from accounts.models.features import Feature, FeatureGrant, FeatureRequest, GrantProposal
from accounts.models.invitations import Invitation, InvitationTeam
from accounts.models.licenses import License, LicensePool
from accounts.models.notices import ExpiryNotice
from accounts.models.packages import AccountPackage, ChecklistItem, Package, PackageStep
from accounts.models.people import Membership, Team, User
from accounts.models.programs import ApiKey
from accounts.models.pushes import PushSubscription
from accounts.models.sessions import BrowserSession
from accounts.models.sign_on import SignOn
from accounts.models.spans import in_force, sharing_time
from accounts.models.support import SupportAccess
from accounts.models.tenants import Account, Partner
from accounts.models.twilio import TwilioAccount

__all__ = [
    "Account",
    "AccountPackage",
    "ApiKey",
    "AuditEntry",
    "BrowserSession",
    "ChecklistItem",
    "ExpiryNotice",
    "Feature",
    "FeatureGrant",
    "FeatureRequest",
    "GrantProposal",
    "Invitation",
    "InvitationTeam",
    "License",
    "LicensePool",
    "Membership",
    "Package",
    "PackageStep",
    "Partner",
    "PushSubscription",
    "SignOn",
    "SupportAccess",
    "Team",
    "TwilioAccount",
    "User",
    "in_force",
    "sharing_time",
]
