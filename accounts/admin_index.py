"""What does each role find on the first page of the admin, and in which order?

Django groups by app; people look for their work. What no group names comes last, so that nothing is
lost when a model is added.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst, slugify
from django.utils.translation import gettext_lazy as _

from accounts.admin_scope import role_in_admin
from accounts.models import User

Groups = Sequence[tuple[Any, Sequence[str]]]
_ACCOUNTS = (
    _("Accounts"),
    (
        "Account",
        "FeatureGrant",
        "FeatureRequest",
        "GrantProposal",
        "AccountPackage",
        "ChecklistItem",
        "Package",
        "PackageStep",
        "SupportAccess",
    ),
)
_SEATS = (_("Licences"), ("LicensePool", "License", "ExpiryNotice"))
_PEOPLE = (
    _("People and teams"),
    (
        "User",
        "Invitation",
        "InvitationTeam",
        "Team",
        "Membership",
        "AvailabilityPlan",
        "OnlineTime",
        "SignOn",
        "BrowserSession",
        "PushSubscription",
        "Authenticator",
        "ApiKey",
    ),
)
_NUMBERS = (
    _("Inboxes and numbers"),
    (
        "TeamInbox",
        "CannedReply",
        "SavedView",
        "SavedSearch",
        "WallLink",
        "ReportCell",
        "ReportState",
        "SegmentPrice",
        "Attention",
        "InboxAttention",
        "Sender",
        "DriftFinding",
        "TwilioAccount",
        "WhatsAppState",
        "WhatsAppTemplate",
        "WhatsAppSync",
        "BusinessHours",
        "OpeningHours",
        "SpecialDay",
    ),
)
_RULES = (
    _("Rules"),
    ("Rulebook", "RulebookVersion", "RuleExample", "Turn", "EscalationPolicy"),
)
_LOOKUPS = (
    _("Look-ups"),
    ("DataAction", "CrmConnector", "CrmTable", "CrmRow", "CrmAnswer"),
)
_EVENTS = (
    _("Event webhooks"),
    ("EventWebhook", "EventCursor", "EventDelivery"),
)
_CONSENT = (
    _("Consent"),
    (
        "ConsentEvent",
        "ConsentChain",
        "Consent",
        "ConsentReview",
        "ConsentQuestion",
        "ToldConsent",
        "OptInApproval",
        "GateDecision",
        "ProviderBlock",
        "AccountKeyword",
        "Suppression",
        "ConsentKey",
        "ConsentDetails",
        "WebEvidence",
        "ConsentImport",
        "ConsentImportLine",
        "ConsentComparison",
        "ConsentDifference",
        "ConsentSharing",
        "SharedConsent",
        "ReassignmentPolicy",
        "ReassignmentCheck",
    ),
)
_KEPT = (
    _("Kept and forgotten"),
    (
        "RetentionPolicy",
        "LegalHold",
        "Erasure",
        "RemoteDeletion",
        "ForgettingCertificate",
    ),
)
_COUNTRIES = (
    _("Country rules"),
    ("JurisdictionPack", "RuleOverride", "CompliancePolicy"),
)
_LOG = (_("What was done"), ("AuditEntry", "SupportAccess"))
_ARRIVED = (_("What arrived"), ("Receipt",))
_TALK = (
    _("Conversations"),
    (
        "Conversation",
        "ConversationEvent",
        "Participant",
        "Thread",
        "Message",
        "Attachment",
        "AutoReplyLog",
        "EscalationTimer",
        "ResponseTime",
        "RoutingTrace",
        "Contact",
        "ContactAddress",
        "MergeLog",
        "ContactImport",
        "ReadCursor",
        "Draft",
    ),
)
_LIVE = (_("Live updates"), ("InboxCounter", "InboxEvent"))
GROUPS: Mapping[User.Role, Groups] = {
    User.Role.STAFF: (
        (_("Partners"), ("Partner",)),
        _ACCOUNTS,
        _SEATS,
        _PEOPLE,
        _NUMBERS,
        _RULES,
        _LOOKUPS,
        _EVENTS,
        _ARRIVED,
        _LOG,
        _CONSENT,
        _COUNTRIES,
        _KEPT,
        _TALK,
        _LIVE,
    ),
    User.Role.PARTNER: (
        _ACCOUNTS,
        _SEATS,
        _PEOPLE,
        _NUMBERS,
        _RULES,
        _LOOKUPS,
        _EVENTS,
        _ARRIVED,
        _LOG,
        _CONSENT,
        _COUNTRIES,
        _KEPT,
        _TALK,
        _LIVE,
        (_("Partner"), ("Partner",)),
    ),
    User.Role.ACCOUNT_ADMIN: (
        _PEOPLE,
        _SEATS,
        _NUMBERS,
        _RULES,
        _LOOKUPS,
        _EVENTS,
        _ARRIVED,
        _LOG,
        _CONSENT,
        _COUNTRIES,
        _KEPT,
        (_("Account"), ("Account",)),
    ),
    User.Role.AUDITOR: (
        _LOG,
        _RULES,
        _CONSENT,
        _COUNTRIES,
        _KEPT,
        _TALK,
        (_("Receipts"), ("Receipt",)),
    ),
}
WELCOME: Mapping[User.Role, Any] = {
    User.Role.STAFF: _("Every partner and every account."),
    User.Role.PARTNER: _("The accounts you look after, and nothing of anybody else’s."),
    User.Role.ACCOUNT_ADMIN: _("Your account: people, teams, licences, inboxes and numbers."),
    User.Role.AUDITOR: _("Your account, to read only. Conversations are masked until you say why."),
}


def group_by_role(site: admin.AdminSite) -> None:
    """Group the first page and the side of every page by the work of who looks at it."""
    by_app = site.get_app_list

    def get_app_list(request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        role = role_in_admin(request)
        if app_label or role is None:
            apps: list[dict[str, Any]] = by_app(request, app_label)
            return apps
        return _grouped(_entries(site, request), GROUPS[role])

    site.get_app_list = get_app_list  # type: ignore[method-assign]


def _entries(site: admin.AdminSite, request: HttpRequest) -> dict[str, dict[str, Any]]:
    """Return what Django says of each model that this person finds, by the model's name.

    Every page has them: their addresses are put together as Django lays them out, which takes a
    fraction of the time that looking up each of them does.
    """
    root = reverse(f"{site.name}:index")
    found: dict[str, dict[str, Any]] = {}
    for model, model_admin in site._registry.items():
        if not model_admin.has_module_permission(request):
            continue
        perms, opts = model_admin.get_model_perms(request), model._meta
        if not any(perms.values()):
            continue
        url = f"{root}{opts.app_label}/{opts.model_name}/"
        is_shown = perms["view"] or perms["change"]
        found[str(opts.object_name)] = {
            "model": model,
            "name": capfirst(str(opts.verbose_name_plural)),
            "object_name": opts.object_name,
            "perms": perms,
            "admin_url": url if is_shown else None,
            "add_url": f"{url}add/" if perms["add"] else None,
            "view_only": not perms["change"],
            "app_url": f"{root}{opts.app_label}/",
        }
    return found


def _grouped(left: dict[str, dict[str, Any]], groups: Groups) -> list[dict[str, Any]]:
    found = []
    for title, names in groups:
        mine = [left.pop(name) for name in names if name in left]
        if mine:
            found.append(_section(title, mine))
    if left:
        rest = sorted(left.values(), key=lambda entry: (entry["app_url"], entry["name"]))
        found.append(_section(_("More"), rest))
    return found


def _section(title: Any, entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": title,
        "app_label": slugify(str(title)),
        "app_url": entries[0]["app_url"],
        "has_module_perms": True,
        "models": entries,
    }
