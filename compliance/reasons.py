"""What does each code of the gate mean, said to somebody who reads a decision later?

Unlike the words that the author of a message saw, these name and quote nobody. Product behaviour,
not legal advice.
"""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from compliance.gate import Reason

MEANINGS: Mapping[Reason, str | Promise] = {
    Reason.OK: _("Nothing speaks against it."),
    Reason.FEATURE_OFF: _("The feature was switched off for the account."),
    Reason.SENDER_PAUSED: _("The number was paused."),
    Reason.SENDER_REMOVED: _("The number had been removed from the inbox."),
    Reason.LICENSE_MISSING: _("Its author had no valid licence."),
    Reason.NOT_REPLIABLE: _("Nobody can answer that sender: it is a short code or a name."),
    Reason.OUT_OF_REACH: _("Somebody had marked the address: it reached nobody any more."),
    Reason.CONTACT_BLOCKED: _("The contact was blocked."),
    Reason.NOT_WANTED: _("An automatic reply was no longer wanted: a person had acted first."),
    Reason.GATE_ERROR: _("The rules could not be checked, so it was not sent."),
    Reason.BAD_INPUT: _("Something about the message was wrong."),
    Reason.CONTACT_ERASED: _("The person had been erased, and is not to be written to."),
    Reason.ALREADY_CONFIRMED: _("This opt-out had been confirmed already: once is allowed."),
    Reason.PROVIDER_REPLIED: _("The carrier had confirmed it already."),
    Reason.CONFIRMATION_LATE: _("More than five minutes had passed since the request to stop."),
    Reason.DO_NOT_CONTACT: _("The person was marked do-not-contact."),
    Reason.PROVIDER_BLOCKED: _("The carrier refuses messages to them: they texted STOP."),
    Reason.OPTED_OUT: _("They had opted out."),
    Reason.OPTED_OUT_REPLY: _("They had opted out, and then asked something."),
    Reason.PENDING_REVIEW: _("They may have asked to stop, and nobody had decided that yet."),
    Reason.NUMBER_REASSIGNED: _("The number had another owner since they consented."),
    Reason.WA_WINDOW_CLOSED: _("WhatsApp’s 24 hours after their last message were over."),
    Reason.WA_TEMPLATE_UNUSABLE: _("The template could not be used."),
    Reason.WA_TEMPLATE_CATEGORY: _("The category of the template does not fit."),
    Reason.WA_MARKETING_US: _("WhatsApp delivers no marketing templates to numbers of the US."),
    Reason.WA_MARKETING_STOPPED: _("They had stopped marketing messages in WhatsApp."),
    Reason.SENDER_NOT_ALLOWED: _("This kind of number may not send this there."),
    Reason.NO_CONVERSATION: _("They had not written for too long: it would have been no answer."),
    Reason.NO_CONSENT: _("There was no consent to such messages."),
    Reason.NO_PROMO_CONSENT: _("Their consent did not suffice for offers in that country."),
    Reason.CONSENT_EXPIRED: _("Their consent had run out."),
    Reason.REGISTER_CHECK_NEEDED: _("The country’s register had not been checked lately."),
    Reason.NO_IDENTITY: _("It did not say who writes."),
    Reason.NO_OPTOUT_NOTICE: _("It did not say how to stop."),
    Reason.NO_OPTOUT_PATH: _("They could not have answered STOP to that number."),
    Reason.FREQUENCY_CAP: _("They had got as many as one person may get in 24 hours."),
    Reason.REPLY_HOURS: _("It was outside the hours in which late answers may go."),
    Reason.QUIET_HOURS: _("It was outside the hours in which such messages may go."),
    Reason.QUIET_HOURS_EXPIRED: _("No allowed moment came before it would have been too late."),
}


def meaning_of(code: str) -> str:
    """Return what a code means; one that is not known any more is returned as it is."""
    return str(MEANINGS[Reason(code)]) if code in Reason.__members__ else code
