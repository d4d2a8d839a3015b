"""What are the things called that went, in the words of the reader's language?"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

# By the names of counts and certificates.
NAMES: Mapping[str, Any] = {
    "addresses": _("Addresses in the ledger of consent"),
    "attachment": _("Files"),
    "consent": _("Consents"),
    "consentdetails": _("Evidence of consent"),
    "consentkey": _("Keys of evidence"),
    "consentreview": _("Reasons of decisions about opt-outs"),
    "contact": _("Cards"),
    "contactaddress": _("Addresses"),
    "conversation": _("Conversations"),
    "conversationevent": _("Lines of timelines"),
    "crm_answers": _("Answers of CRMs"),
    "crmanswer": _("Answers of CRMs"),
    "crmrow": _("Rows of tables"),
    "decisions": _("Decisions"),
    "evidence": _("Evidence of consent"),
    "examples": _("Examples of rules"),
    "files": _("Files"),
    "legalhold": _("Reasons of holds"),
    "message": _("Messages"),
    "messages": _("Messages"),
    "providerblock": _("Refusals of carriers"),
    "receipt": _("Webhooks"),
    "receipt_strays": _("Webhooks that made no message"),
    "receipts": _("Webhooks"),
    "routingtrace": _("Decisions of rules"),
    "ruleexample": _("Examples of rules"),
    "suppressions_kept": _("Markers kept"),
    "thread": _("Threads"),
    "traces": _("Decisions of rules"),
    "twilio_files": _("Files at Twilio"),
    "twilio_messages": _("Messages at Twilio"),
    "web_evidence": _("Web evidence"),
    "webevidence": _("Web evidence"),
}


def named(counts: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return what is not nothing, by its name, in a fixed order."""
    told = [(str(NAMES.get(name, name)), number) for name, number in counts.items() if number]
    return sorted(told)
