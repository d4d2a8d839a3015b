"""What does Twilio answer when it refuses?"""

MESSAGES = {
    11200: "HTTP retrieval failure",
    11205: "HTTP connection failure",
    11206: "HTTP protocol violation",
    11210: "HTTP bad host name",
    11215: "HTTP too many redirects",
    11217: "HTTP bad status",
    11751: "MMS - Media exceeds messaging provider size limit",
    12100: "Document parse failure",
    12300: "Invalid Content-Type",
    20001: "Invalid parameter: {0}",
    20003: "Authenticate",
    20004: "Method not allowed",
    20005: "Account {0} is not active",
    20009: "Cannot complete this action while the resource is in progress",
    20404: "The requested resource {0} was not found",
    20422: "Invalid parameter: {0}",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred",
    21211: "The 'To' number {0} is not a valid phone number.",
    21212: "The 'From' number {0} is not a valid phone number, shortcode, or alphanumeric "
    "sender ID.",
    21266: "'To' and 'From' number cannot be the same: {0}",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the "
    "'To' number: {0}.",
    21421: "PhoneNumber {0} is invalid",
    21422: "PhoneNumber {0} is not available",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' phone number provided ({0}) is not a valid message-capable Twilio phone "
    "number for this destination.",
    21608: "The number {0} is unverified. Trial accounts cannot send messages to unverified "
    "numbers.",
    21609: "The StatusCallback URL {0} is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21612: "Message cannot be sent with the current combination of 'To' ({0}) and/or 'From' "
    "({1}) parameters",
    21614: "'To' number is not a valid mobile number: {0}",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21619: "A text message body or media urls must be specified.",
    21620: "Invalid media URL(s)",
    21623: "Number of media files exceeds allowed limit",
    21655: "The ContentSid {0} is invalid",
    21656: "The Content Variables parameter is invalid",
    21701: "The Messaging Service {0} does not exist",
    21703: "The Messaging Service {0} does not contain a phone number",
    21710: "Phone Number is already in the Messaging Service.",
    21712: "Phone Number is associated with another Messaging Service.",
    21910: "Invalid From and To pair. From and To should be of the same channel",
    30001: "Queue overflow",
    30002: "Account suspended",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30409: "Cannot cancel message after it has been sent",
    30646: "Consent could not be taken over",
    35111: "SendAt cannot be empty for ScheduleType 'fixed'",
    35114: "SendAt time must be between 900 seconds and 35 days (3024000 seconds) in the future",
    35118: "MessagingServiceSid is required to schedule a message",
    63003: "Channel could not find To address",
    63005: "Channel did not accept given content",
    63007: "Twilio could not find a Channel with the specified From address",
    63016: "Failed to send freeform message because you are outside the allowed window. If you "
    "are using WhatsApp, please use a Message Template.",
    63018: "Rate limit exceeded for Channel",
    63019: "Media failed to download",
    63024: "Invalid message recipient",
}
STATUSES = {20003: 401, 20004: 405, 20005: 401, 20009: 409, 20404: 404, 20429: 429, 20500: 500}


class TwilioError(Exception):
    """A refusal with Twilio's code; the edge turns it into Twilio's error body."""

    def __init__(self, code: int, detail: tuple[str, ...] = ()) -> None:
        super().__init__(code, *detail)
        self.code = code
        self.detail = detail
        self.retry_after: float | None = None

    @property
    def status(self) -> int:
        """Return the HTTP status that goes with the code."""
        return STATUSES.get(self.code, 400)

    @property
    def message(self) -> str:
        """Return Twilio's sentence for the code."""
        return text_of(self.code, *self.detail)

    def body(self) -> dict[str, object]:
        """Return the JSON body of the refusal."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


def refuse(code: int, *detail: str) -> TwilioError:
    """Return the error for a code, to be raised."""
    return TwilioError(code, detail)


def text_of(code: int, *detail: str) -> str:
    """Return the sentence for a code; unknown codes have one too."""
    return MESSAGES.get(code, f"Error {code}").format(*detail, *("",) * 3)
