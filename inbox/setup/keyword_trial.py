"""How would a message be read, and what would follow at each of an account's numbers?"""

from dataclasses import dataclass

from accounts.english import noop
from accounts.models import Account
from compliance.classify import Reading
from compliance.consent import KeywordHandler, handler_of
from compliance.foretelling import Foretold, Trial, foretell, read_trial
from compliance.keyword_settings import own_table
from inbox.models import Sender

MOST_SENDERS = 50
_HANDLERS = {
    KeywordHandler.TWILIO_DEFAULT: noop("Twilio's standard opt-out"),
    KeywordHandler.TWILIO_ADVANCED: noop("Twilio's Advanced Opt-Out"),
    KeywordHandler.CARRIER_TOLLFREE: noop("the toll-free network"),
    KeywordHandler.APP: noop("we answer"),
}


@dataclass(frozen=True)
class AtSender:
    """What would follow at one number."""

    address: str
    inbox: str
    handler: str
    foretold: Foretold


@dataclass(frozen=True)
class Tried:
    """How a message is read, and what would follow at each number of its channel.

    `anywhere` is what would follow where no number of the account has this channel yet.
    """

    reading: Reading
    senders: tuple[AtSender, ...]
    anywhere: Foretold


def try_message(account: Account, trial: Trial, *, country: str = "") -> Tried:
    """Read a message and foretell what follows; nothing is stored."""
    reading = read_trial(trial, own_table(account.pk, trial.languages, country))
    is_whatsapp = trial.channel == "whatsapp"
    rows = Sender.objects.in_use().filter(account=account).select_related("inbox")
    of_channel = [row for row in rows.order_by("pk") if _is_whatsapp(row) == is_whatsapp]
    senders = tuple(_at(row, trial, reading) for row in of_channel[:MOST_SENDERS])
    usual = handler_of("app" if is_whatsapp else "twilio_default", "")
    return Tried(reading, senders, foretell(trial, reading, usual))


def _is_whatsapp(row: Sender) -> bool:
    return row.address.startswith("whatsapp:")


def _at(row: Sender, trial: Trial, reading: Reading) -> AtSender:
    handler = handler_of(row.keyword_handler, row.address)
    return AtSender(
        row.address, row.inbox.name, _HANDLERS[handler], foretell(trial, reading, handler)
    )
