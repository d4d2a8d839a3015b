"""Where is a person? Every table that holds words, names or numbers of customers, once.

What is exported for a person and what is forgotten of them are both taken from this list; a test
fails for a model, or a field of one, that is not placed here or in `NOBODY_IN`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Length

from compliance.models import (
    Consent,
    ConsentDetails,
    ConsentEvent,
    ConsentKey,
    GateDecision,
    ProviderBlock,
    Suppression,
    WebEvidence,
)
from inbox.models import (
    Attachment,
    ConsentReview,
    Contact,
    ContactAddress,
    Conversation,
    ConversationEvent,
    CrmAnswer,
    Draft,
    LegalHold,
    MergeLog,
    Message,
    Receipt,
    RoutingTrace,
    Thread,
)
from routing.models import CrmRow, RuleExample

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Whom:
    """By what a person is found: their contact, and every address in every form it is kept in.

    `keys` are normal forms (`sms:+1…`), `phones` E.164, `handles` what the ledger calls them.
    """

    account_id: int
    contact_id: int | None
    keys: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()


class Fate(StrEnum):
    """What becomes of a place when a person is erased."""

    EMPTIED = "emptied"
    DELETED = "deleted"
    # By compliance.erasure, with the keys of their addresses.
    SEALED = "sealed"
    # Says nothing of anybody once everything else is gone.
    KEPT = "kept"


@dataclass(frozen=True)
class Place:
    """One table. `words` may say who somebody is or what was said; `facts` do not.

    `told_in` is the file of an export that has it; blank: nothing of it tells of the person.
    """

    model: type[Model]
    fate: Fate
    told_in: str
    words: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return what it is called in counts and certificates."""
        return self.model._meta.model_name or ""


# In the order in which they are forgotten: what others are found by goes last.
PLACES: tuple[Place, ...] = (
    Place(
        Consent,
        Fate.SEALED,
        "standing.json",
        words=("address", "words"),
        facts=("family", "programme", "state", "ground", "basis", "quality"),
    ),
    Place(
        ProviderBlock,
        Fate.SEALED,
        "standing.json",
        words=("address",),
        facts=("our_address",),
    ),
    Place(ConsentDetails, Fate.SEALED, "consent.jsonl", words=("sealed",)),
    Place(WebEvidence, Fate.SEALED, "consent.jsonl", words=("sealed",)),
    Place(ConsentKey, Fate.SEALED, "", words=("key",), facts=("handle",)),
    Place(
        ConsentEvent,
        Fate.KEPT,
        "consent.jsonl",
        facts=(
            *("handle", "family", "programme", "kind", "source", "state", "basis", "quality"),
            *("message_sid", "rule_version", "wording_id", "wording_version", "wording_language"),
            *("wording_sha256", "file_sha256", "jurisdiction", "pack_version", "scope"),
            *("details_hash", "web_hash", "prev_hash", "hash"),
        ),
    ),
    Place(Suppression, Fate.KEPT, "standing.json", facts=("handle", "family", "state")),
    Place(
        GateDecision,
        Fate.KEPT,
        "decisions.jsonl",
        facts=(
            *("stage", "thread_ref", "message_ref", "purpose", "answer", "code"),
            *("findings", "inputs", "pack_version"),
        ),
    ),
    Place(RuleExample, Fate.DELETED, "examples.jsonl", words=("name", "facts", "expected")),
    Place(CrmRow, Fate.DELETED, "person.json", words=("key", "values")),
    Place(CrmAnswer, Fate.DELETED, "person.json", words=("facts", "left_out"), facts=("question",)),
    Place(
        RoutingTrace,
        Fate.DELETED,
        "routing.jsonl",
        words=("facts", "plan", "rules", "lookups", "replies", "people"),
        facts=("trigger", "rule", "broken", "marked", "webhook_problem"),
    ),
    # What it keeps of two cards stands on the card that they became.
    Place(
        MergeLog,
        Fate.DELETED,
        "",
        words=("before", "after", "moved"),
        facts=("public_id", "left"),
    ),
    # What a colleague has not said is nobody else's to read: it goes, and no export tells of it.
    Place(Draft, Fate.DELETED, "", words=("body",), facts=("mode", "files", "device")),
    Place(
        Receipt,
        Fate.EMPTIED,
        "received.jsonl",
        words=("form", "problem"),
        facts=("account_sid", "message_sid", "kind", "status", "state"),
    ),
    Place(
        Attachment,
        Fate.EMPTIED,
        "messages.jsonl",
        words=(
            *("source_url", "name", "alt", "sha256", "file", "thumbnail", "problem"),
            "declared_type",
        ),
        facts=("public_id", "content_type", "look", "state", "forgotten_for"),
    ),
    Place(
        ConsentReview,
        Fate.EMPTIED,
        "reviews.jsonl",
        words=("reason",),
        facts=("kind", "outcome"),
    ),
    Place(
        LegalHold,
        Fate.EMPTIED,
        "holds.jsonl",
        words=("reason", "lift_reason"),
        facts=("public_id", "scope", "handle"),
    ),
    Place(
        ConversationEvent,
        Fate.EMPTIED,
        "timeline.jsonl",
        words=("data",),
        facts=("public_id", "verb", "actor_label"),
    ),
    Place(
        Message,
        Fate.EMPTIED,
        "messages.jsonl",
        words=("body", "details", "error_words"),
        facts=(
            *("public_id", "client_id", "direction", "kind", "channel", "purpose"),
            *("author_label", "reply_to_sid", "status", "provider_sid", "provider_status"),
            *("error_code", "forgotten_for"),
        ),
    ),
    Place(
        Conversation,
        Fate.EMPTIED,
        "conversations.jsonl",
        words=("tags", "close_reason", "preview", "preview_author"),
        facts=(
            *("public_id", "status", "priority", "routing", "routing_trigger"),
            *("audience_before", "preview_kind", "preview_channel"),
        ),
    ),
    Place(
        Thread,
        Fate.EMPTIED,
        "messages.jsonl",
        words=("customer_address",),
        facts=("public_id", "our_address"),
    ),
    Place(
        ContactAddress,
        Fate.EMPTIED,
        "person.json",
        words=("key", "raw", "phone", "out_of_reach_why"),
        facts=("family",),
    ),
    Place(
        Contact,
        Fate.EMPTIED,
        "person.json",
        words=("name", "profile_name", "language", "tags", "attributes", "notes"),
        facts=("public_id",),
    ),
)

# Which other tables of ours there are, and why nobody who writes to us is in them.
NOBODY_IN: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("accounts.partner", "accounts.account", "accounts.user", "accounts.team"),
            *("accounts.membership", "accounts.package", "accounts.packagestep"),
            *("accounts.accountpackage", "accounts.checklistitem", "accounts.featuregrant"),
            *("accounts.featurerequest", "accounts.grantproposal", "accounts.invitation"),
            *("accounts.invitationteam", "accounts.licensepool", "accounts.license"),
            *("accounts.expirynotice", "accounts.apikey", "accounts.browsersession"),
            "accounts.pushsubscription",
            *("accounts.signon", "accounts.supportaccess", "accounts.twilioaccount"),
        ),
        "colleagues, and what an account is entitled to",
    ),
    "accounts.auditentry": "what colleagues did; customers are named by ids and masked addresses",
    **dict.fromkeys(
        (
            *("compliance.jurisdictionpack", "compliance.ruleoverride"),
            *("compliance.compliancepolicy", "compliance.consentchain"),
            *("compliance.accountkeyword", "inbox.retentionpolicy", "inbox.segmentprice"),
        ),
        "rules, and what an account settled",
    ),
    **dict.fromkeys(
        (
            *("routing.rulebook", "routing.rulebookversion", "routing.turn"),
            *("routing.dataaction", "routing.crmtable", "routing.crmconnector"),
            *("routing.businesshours", "routing.specialday", "routing.openinghours"),
            *("routing.escalationpolicy", "inbox.eventwebhook", "inbox.eventcursor"),
        ),
        "rules and whom they ask; a number that a rule names is looked for and told",
    ),
    **dict.fromkeys(
        (
            *("inbox.teaminbox", "inbox.sender", "inbox.inboxcounter", "inbox.driftfinding"),
            *("inbox.availabilityplan", "inbox.whatsapptemplate", "inbox.whatsappstate"),
            *("inbox.whatsappsync", "inbox.cannedreply", "inbox.savedview", "inbox.savedsearch"),
            *("inbox.attention", "inbox.inboxattention", "inbox.onlinetime"),
            "inbox.walllink",
        ),
        "our own inboxes, numbers and templates",
    ),
    **dict.fromkeys(
        (
            *("inbox.consentquestion", "inbox.optinapproval"),
            *("inbox.participant", "inbox.readcursor", "inbox.responsetime"),
            *("inbox.escalationtimer", "inbox.autoreplylog", "inbox.reportcell"),
            "inbox.reportstate",
        ),
        "who worked, and when; names conversations and messages by number",
    ),
    **dict.fromkeys(
        ("compliance.consentsharing", "compliance.reassignmentpolicy"),
        "what an account settled with Twilio",
    ),
    **dict.fromkeys(
        (
            *("compliance.sharedconsent", "compliance.consentcomparison"),
            *("compliance.consentdifference", "compliance.reassignmentcheck"),
        ),
        "name people by handles, which say nothing once their keys are gone",
    ),
    "compliance.consentimport": "a file is sealed, and gone when it is imported or after a day",
    "compliance.consentimportline": "cells that could not be used; gone after thirty days",
    "inbox.contactimport": "a file is sealed, and gone when it is through or after a day; the rows "
    "that could not be used are gone after thirty days",
    "inbox.toldconsent": "what a program said, as a keyed hash; gone after thirty days",
    "inbox.inboxevent": "ids of what changed; kept for seven days",
    "inbox.eventdelivery": "ids of what programs were told; kept for seven days",
    "inbox.forgettingcertificate": "counts of what went",
    "inbox.erasure": "who asked and why; what somebody is found by goes before it is done",
    "inbox.remotedeletion": "ids that Twilio gave to messages",
}


PLACE_OF: Mapping[type[Model], Place] = {place.model: place for place in PLACES}
# A shorter text says nothing of who wrote it.
TELLING_TEXT = 15


def rows_of(model: type[M], whom: Whom) -> "QuerySet[M]":
    """Return what a place holds of a person. Raises KeyError for what is no place."""
    rows: QuerySet[M] = model._default_manager.filter(account=whom.account_id)
    if model in _BY_CONTACT:
        how = _BY_CONTACT[model]
        return rows.filter(**{how: whom.contact_id}) if whom.contact_id else rows.none()
    return rows.filter(_OTHERWISE[model](whom))


_BY_CONTACT: Mapping[type[Model], str] = {
    Contact: "pk",
    ContactAddress: "contact",
    Thread: "contact",
    Conversation: "thread__contact",
    Message: "thread__contact",
    Attachment: "message__thread__contact",
    ConversationEvent: "thread__contact",
    ConsentReview: "thread__contact",
    RoutingTrace: "conversation__thread__contact",
    CrmAnswer: "contact",
    Draft: "conversation__thread__contact",
}


def _by_handle(whom: Whom) -> Q:
    return Q(handle__in=whom.handles)


def _by_event(whom: Whom) -> Q:
    return Q(event__handle__in=whom.handles)


def _by_key(whom: Whom) -> Q:
    return Q(address__in=whom.keys)


def _holds(whom: Whom) -> Q:
    if not whom.contact_id:
        return _by_handle(whom)
    of = Q(contact=whom.contact_id) | Q(conversation__thread__contact=whom.contact_id)
    return of | _by_handle(whom)


def _receipts(whom: Whom) -> Q:
    """Return those of their messages; others that name them are looked for in what they say."""
    said = rows_of(Message, whom).exclude(provider_sid=None)
    return Q(message_sid__in=said.values("provider_sid"))


def _decisions(whom: Whom) -> Q:
    return Q(thread_ref__in=list(rows_of(Thread, whom).values_list("public_id", flat=True)))


def _examples(whom: Whom) -> Q:
    """Return those with their number, or with the words of a message of theirs."""
    return Q(facts__number__in=whom.phones) | repeats(rows_of(Message, whom))


def repeats(messages: "QuerySet[Message]") -> Q:
    """Return which examples of rules have the words of one of these messages."""
    text = KeyTextTransform("text", OuterRef("facts"))
    same = messages.annotate(text=text, length=Length("body"))
    return Q(Exists(same.filter(body=F("text"), length__gte=TELLING_TEXT)))


_OTHERWISE: Mapping[type[Model], Callable[[Whom], Q]] = {
    Receipt: _receipts,
    GateDecision: _decisions,
    RuleExample: _examples,
    LegalHold: _holds,
    MergeLog: lambda whom: Q(kept=whom.contact_id) | Q(absorbed=whom.contact_id),
    CrmRow: lambda whom: Q(key__in=whom.phones),
    Consent: _by_key,
    ProviderBlock: _by_key,
    ConsentKey: _by_handle,
    ConsentEvent: _by_handle,
    Suppression: _by_handle,
    ConsentDetails: _by_event,
    WebEvidence: _by_event,
}
