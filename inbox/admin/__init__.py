"""What may partners and platform staff look at and set? One file per noun.

Nobody reads a conversation here: no text of a message, no raw form, no customer's name or whole
address. Conversations change through stories, so their rows can only be looked at.
"""

from inbox.admin import (
    accounts,
    approvals,
    conversations,
    customers,
    event_webhooks,
    features,
    inboxes,
    invitations,
    licences,
    log_in,
    messages,
    packages,
    people,
    questions,
    receipts,
    retention,
    reviews,
    senders,
    told_consents,
    twilio_accounts,
    whatsapp,
)

__all__ = [
    "accounts",
    "approvals",
    "conversations",
    "customers",
    "event_webhooks",
    "features",
    "inboxes",
    "invitations",
    "licences",
    "log_in",
    "messages",
    "packages",
    "people",
    "receipts",
    "retention",
    "questions",
    "reviews",
    "senders",
    "told_consents",
    "twilio_accounts",
    "whatsapp",
]
