"""Which rows does the inbox own? One file per noun."""

from inbox.models.approval import OptInApproval
from inbox.models.attention import Attention, InboxAttention
from inbox.models.canned import CannedReply
from inbox.models.contact import Contact, ContactAddress
from inbox.models.contact_import import ContactImport
from inbox.models.conversation import Conversation, ConversationEvent, Participant, ReadCursor
from inbox.models.draft import Draft
from inbox.models.event import InboxCounter, InboxEvent
from inbox.models.event_webhook import EventCursor, EventDelivery, EventType, EventWebhook
from inbox.models.finding import DriftFinding
from inbox.models.inbox import TeamInbox
from inbox.models.lookup import CrmAnswer
from inbox.models.merge import MergeLog
from inbox.models.message import Attachment, AutoReplyLog, Message
from inbox.models.online_time import OnlineTime
from inbox.models.plan import AvailabilityPlan
from inbox.models.question import ConsentQuestion
from inbox.models.receipt import Receipt
from inbox.models.report import ReportCell, ReportState, SegmentPrice
from inbox.models.response_time import ResponseTime
from inbox.models.retention import (
    Erasure,
    ForgettingCertificate,
    LegalHold,
    RemoteDeletion,
    RetentionPolicy,
)
from inbox.models.review import ConsentReview
from inbox.models.saved_view import SavedSearch, SavedView
from inbox.models.sender import Sender
from inbox.models.thread import Thread
from inbox.models.timer import EscalationTimer
from inbox.models.told_consent import ToldConsent
from inbox.models.trace import RoutingTrace
from inbox.models.wall_link import WallLink
from inbox.models.whatsapp import WhatsAppState, WhatsAppSync, WhatsAppTemplate

__all__ = [
    "Attachment",
    "Attention",
    "AutoReplyLog",
    "AvailabilityPlan",
    "CannedReply",
    "ConsentQuestion",
    "ConsentReview",
    "Contact",
    "ContactAddress",
    "ContactImport",
    "Conversation",
    "ConversationEvent",
    "CrmAnswer",
    "Draft",
    "DriftFinding",
    "Erasure",
    "EscalationTimer",
    "EventCursor",
    "EventDelivery",
    "EventType",
    "EventWebhook",
    "ForgettingCertificate",
    "InboxAttention",
    "InboxCounter",
    "InboxEvent",
    "LegalHold",
    "MergeLog",
    "Message",
    "OnlineTime",
    "OptInApproval",
    "Participant",
    "ReadCursor",
    "Receipt",
    "RemoteDeletion",
    "ReportCell",
    "ReportState",
    "ResponseTime",
    "RetentionPolicy",
    "RoutingTrace",
    "SavedSearch",
    "SavedView",
    "SegmentPrice",
    "Sender",
    "TeamInbox",
    "Thread",
    "ToldConsent",
    "WallLink",
    "WhatsAppState",
    "WhatsAppSync",
    "WhatsAppTemplate",
]
