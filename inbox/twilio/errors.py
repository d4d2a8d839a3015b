"""What does a Twilio error mean, in plain words, and what is the next best thing to do?

Codes: https://www.twilio.com/docs/api/errors. An unknown code is a permanent failure that a person
sees: the safe reading.
"""

import re
from dataclasses import dataclass, replace

from accounts.english import noop
from inbox.carrier import ErrorKind, Remedy

_R, _C, _T = ErrorKind.RECIPIENT, ErrorKind.CONTENT, ErrorKind.THROTTLED
_G, _O = ErrorKind.CONFIGURATION, ErrorKind.CONSENT
_A, _D = ErrorKind.ACCOUNT, ErrorKind.DESTINATION


WRONG_CREDENTIALS = "20003"


@dataclass(frozen=True)
class Meaning:
    """One error: its kind, what happened and what to do next in words, and what of it we can do."""

    kind: ErrorKind
    words: str
    helps: Remedy = Remedy.NONE


MEANINGS: dict[str, Meaning] = {
    "20003": Meaning(
        _A, noop("Twilio refused our credentials. An admin must check the auth token.")
    ),
    "20005": Meaning(_A, noop("This Twilio account is not active. An admin must contact Twilio.")),
    "20404": Meaning(
        _A, noop("Twilio does not know this account or number. An admin must check it.")
    ),
    "20429": Meaning(_T, noop("Twilio asked us to slow down."), Remedy.LATER),
    "11200": Meaning(
        _C, noop("Twilio could not load the attachment. Send it again."), Remedy.AGAIN
    ),
    "11751": Meaning(
        _C, noop("The attachment is too large for MMS. Send a smaller one or a link."), Remedy.EDIT
    ),
    "12300": Meaning(
        _C,
        noop("The type of this attachment cannot be sent. Use JPEG, PNG, GIF or PDF."),
        Remedy.EDIT,
    ),
    "14107": Meaning(
        _T, noop("Too many messages at once; Twilio asked us to slow down."), Remedy.LATER
    ),
    "21211": Meaning(
        _R, noop("This is not a valid number. Check it with the customer."), Remedy.UNREACHABLE
    ),
    "21217": Meaning(
        _R, noop("This is not a valid number. Check it with the customer."), Remedy.UNREACHABLE
    ),
    "21266": Meaning(_C, noop("A number cannot write to itself.")),
    "21212": Meaning(
        _G, noop("This is not a number to send from. An admin must check the sender.")
    ),
    # Per country and per trial recipient: pausing the number would stop everybody else too.
    "21408": Meaning(_D, noop("Messages to this country are switched off. An admin can allow it.")),
    "21602": Meaning(_C, noop("The message is empty. Write something or attach a file.")),
    "21603": Meaning(_G, noop("No sending number was given. An admin must check the sender.")),
    "21604": Meaning(_R, noop("No recipient was given.")),
    "21606": Meaning(_G, noop("This number cannot send messages. An admin must check the sender.")),
    "21608": Meaning(_D, noop("A trial account can only write to verified numbers.")),
    "21610": Meaning(_O, noop("They texted STOP. Only they can undo it, by texting START.")),
    "21611": Meaning(_T, noop("Too many messages wait at this number."), Remedy.LATER),
    "21612": Meaning(
        _R, noop("This number cannot be reached from ours. Try another channel."), Remedy.CHANNEL
    ),
    "21614": Meaning(
        _R,
        noop("This number cannot receive texts; it may be a landline. Call instead."),
        Remedy.UNREACHABLE,
    ),
    "21617": Meaning(
        _C, noop("The message is longer than 1,600 characters. Shorten or split it."), Remedy.EDIT
    ),
    "21620": Meaning(
        _C, noop("The attachment's address is not valid. Send it again."), Remedy.AGAIN
    ),
    "21623": Meaning(_C, noop("More than 10 attachments. Send fewer."), Remedy.EDIT),
    "21655": Meaning(_C, noop("This template is not valid. Choose another."), Remedy.TEMPLATE),
    "21656": Meaning(
        _C, noop("The template's variables are not valid. Check them."), Remedy.TEMPLATE
    ),
    "21701": Meaning(
        _G, noop("The Messaging Service does not exist. An admin must check the sender.")
    ),
    "21703": Meaning(_G, noop("The Messaging Service has no number. An admin must add one.")),
    "21705": Meaning(
        _G, noop("The Messaging Service is not valid. An admin must check the sender.")
    ),
    "30001": Meaning(
        _T, noop("Too many messages waited too long at Twilio. Send it again later."), Remedy.LATER
    ),
    "30002": Meaning(_A, noop("The Twilio account is suspended. An admin must contact Twilio.")),
    "30003": Meaning(
        _R, noop("The phone is off or out of reach. Try again later or call."), Remedy.LATER
    ),
    "30004": Meaning(_O, noop("The recipient or their carrier blocks messages from us.")),
    "30005": Meaning(
        _R,
        noop("This number does not exist any more. Check it with the customer."),
        Remedy.UNREACHABLE,
    ),
    "30006": Meaning(
        _R,
        noop("This is a landline or cannot be reached by text. Call instead."),
        Remedy.UNREACHABLE,
    ),
    "30007": Meaning(
        _C, noop("The carrier filtered it as unwanted. Reword it, without links."), Remedy.EDIT
    ),
    "30008": Meaning(
        _R,
        noop("The carrier could not deliver it and did not say why. Send it again."),
        Remedy.AGAIN,
    ),
    "30017": Meaning(
        _T, noop("The carrier's network is congested. Send it again later."), Remedy.LATER
    ),
    "30019": Meaning(
        _C, noop("The attachment is too large for their carrier. Send a smaller one."), Remedy.EDIT
    ),
    "30022": Meaning(
        _T, noop("Our number reached its rate limit. Send it again later."), Remedy.LATER
    ),
    "30023": Meaning(_T, noop("The day's limit of our registered brand is used up."), Remedy.LATER),
    "30027": Meaning(_T, noop("The carrier's daily limit for us is used up."), Remedy.LATER),
    "30032": Meaning(
        _G, noop("Our toll-free number is not verified yet. An admin must verify it.")
    ),
    "30034": Meaning(
        _G, noop("Our US number is not registered (A2P 10DLC). An admin must register.")
    ),
    "30410": Meaning(
        _T, noop("The carrier did not answer in time. Send it again later."), Remedy.LATER
    ),
    "30500": Meaning(_R, noop("Twilio could not send it. Send it again."), Remedy.AGAIN),
    "63001": Meaning(
        _G, noop("The WhatsApp sender's credentials are wrong. An admin must check them.")
    ),
    "63003": Meaning(
        _R, noop("This person cannot be found on WhatsApp. Try an SMS."), Remedy.CHANNEL
    ),
    "63005": Meaning(_C, noop("WhatsApp did not accept the content. Change it."), Remedy.EDIT),
    "63007": Meaning(_G, noop("This WhatsApp sender does not exist. An admin must check it.")),
    "63014": Meaning(_O, noop("They blocked us on WhatsApp. Wait until they write again.")),
    "63016": Meaning(
        _C,
        noop("More than 24 hours since their last WhatsApp message. Use an approved template."),
        Remedy.TEMPLATE,
    ),
    "63017": Meaning(_T, noop("WhatsApp's limit was reached. Send it again later."), Remedy.LATER),
    "63018": Meaning(
        _T, noop("WhatsApp's rate limit was reached. Send it again later."), Remedy.LATER
    ),
    "63019": Meaning(
        _C, noop("WhatsApp could not load the attachment. Send it again."), Remedy.AGAIN
    ),
    "63021": Meaning(_C, noop("WhatsApp says the content is not valid. Change it."), Remedy.EDIT),
    "63024": Meaning(
        _R, noop("This person cannot receive WhatsApp messages. Try an SMS."), Remedy.CHANNEL
    ),
    "63027": Meaning(
        _C, noop("The template does not exist in that language. Choose another."), Remedy.TEMPLATE
    ),
    "63028": Meaning(_C, noop("The template has other variables. Check them."), Remedy.TEMPLATE),
    "63033": Meaning(_R, noop("They blocked us on WhatsApp. Try another channel."), Remedy.CHANNEL),
    "63034": Meaning(_C, noop("WhatsApp refuses this kind of attachment."), Remedy.EDIT),
    "63038": Meaning(_T, noop("The account's daily limit is used up."), Remedy.LATER),
}
_UNKNOWN_CODE = Meaning(
    ErrorKind.OTHER, noop("Twilio could not send it (error {code})."), Remedy.AGAIN
)
_NO_CODE = Meaning(
    ErrorKind.OTHER, noop("The carrier could not deliver it and did not say why."), Remedy.AGAIN
)


def meaning_of(code: str | int) -> Meaning:
    """Return what an error code means; unknown codes are permanent and visible."""
    text = str(code or "").strip()
    if not text:
        return _NO_CODE
    known = MEANINGS.get(text)
    return known or replace(_UNKNOWN_CODE, words=_UNKNOWN_CODE.words.format(code=text[:12]))


class TwilioRefusedError(Exception):
    """Twilio surely did not do what was asked; `reason` says why, in words for an admin."""

    def __init__(self, reason: str, *, status: int = 400, code: str = "") -> None:
        super().__init__(code or str(status))
        self.reason, self.status, self.code = reason, status, code

    @property
    def is_about_credentials(self) -> bool:
        """Say whether SID and token (or key) are not right, or the account is not active."""
        return self.status == 401 or self.code in ("20003", "20005")


class TwilioAwayError(Exception):
    """Twilio gave no answer, or none that can be read.

    When it `may_have_acted`, look what there is before asking for the same again.
    """

    def __init__(self, *, may_have_acted: bool, is_busy: bool = False) -> None:
        super().__init__("busy" if is_busy else "away")
        self.may_have_acted = may_have_acted
        self.reason = (
            noop("Twilio has too much to do right now. Wait a minute and try again.")
            if is_busy
            else noop("Twilio does not answer right now. Try again in a minute.")
        )


# What an admin who sets something up can do about it. Source: https://www.twilio.com/docs/api/errors
_FOR_ADMINS = {
    "20003": noop(
        "Twilio does not accept this SID together with this token. Copy both from the "
        "Account Info box of the Twilio console; a token that was rotated no longer works."
    ),
    "20005": noop(
        "This Twilio account is not active: it is suspended or closed. Ask Twilio's support."
    ),
    "20008": noop(
        "These are Twilio's test credentials. Use the live SID and token of the account."
    ),
    "20404": noop("Twilio does not know this in your account. Was it deleted there?"),
    "21404": noop(
        "A Twilio trial account can have only one number. Upgrade the account at Twilio."
    ),
    "21421": noop("Twilio says that this is not a valid phone number."),
    "21422": noop("Somebody else took this number meanwhile. Choose another."),
    "21452": noop("Twilio has no numbers like that right now. Try another area code."),
    "21615": noop(
        "This country asks for an address before a number is bought. Enter one at Twilio."
    ),
    "21631": noop(
        "This country asks for an address before a number is bought. Enter one at Twilio."
    ),
    "21649": noop(
        "This country asks for papers (a regulatory bundle). Hand them in at Twilio first."
    ),
}

_ADDED_BY_LIBRARY = re.compile(r"^Unable to \w+ \w+(: |$)")


def refusal(*, status: int, code: str, words: str) -> TwilioRefusedError:
    """Return a refusal in words for an admin; what we have no words for is said in Twilio's own."""
    code = code or ("20003" if status == 401 else "")
    said = _ADDED_BY_LIBRARY.sub("", words).strip().rstrip(".")[:200]
    fallback = (
        (noop("Twilio says: %(said)s (error %(value)s).") % {"said": said, "value": code or status})
        if said
        else _no_words(code, status)
    )
    return TwilioRefusedError(_FOR_ADMINS.get(code, fallback), status=status, code=code)


def _no_words(code: str, status: int) -> str:
    return noop("Twilio refused this (error %(value)s).") % {"value": code or status}
