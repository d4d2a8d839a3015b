"""What do words of a customer ask for? Read alike when they come and when somebody tries them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from compliance.addresses import Address
from compliance.classify import Context, Reading, classify
from compliance.gate import Purpose
from compliance.keyword_settings import own_table
from compliance.keyword_table import language_of
from compliance.lexicon import EVERYWHERE
from compliance.spoken import languages_for
from compliance.whereabouts import whereabouts
from inbox.models import Message, Thread

if TYPE_CHECKING:
    from django.db.models import QuerySet

# An ordinary word counts as a keyword for so long after we invited it (reference 7.3).
INVITED_FOR = timedelta(days=30)


Tables = dict[tuple[frozenset[str], str], Mapping[str, str]]


@dataclass(frozen=True)
class Heard:
    """A message as it came, or as somebody types it: of whom nothing is known `address` is none.

    `languages` are those of the inbox and of the contact's card; `account_id` is none of an account
    that has no keywords of its own. Who reads many at once gives `tables` to remember those in.
    """

    body: str
    address: Address | None
    channel: str = "sms"
    languages: tuple[str, ...] = ()
    account_id: int | None = None
    opt_out_type: str = ""
    button_payload: str = ""
    tables: Tables | None = None


def read_words(heard: Heard, before: Callable[[], Message | None]) -> Reading:
    """Read a message; `before` returns what we last sent them, and is asked only where it decides.

    It decides whether we invited an ordinary word that is a keyword too.
    """
    languages = _languages(heard)
    context = Context(
        opt_out_type=heard.opt_out_type,
        button_payload=heard.button_payload,
        own_keywords=_own_keywords(heard, languages),
    )
    reading = classify(heard.body, languages=languages, channel=heard.channel, context=context)
    if not reading.is_held:
        return reading
    last = before()
    context = replace(
        context,
        last_outbound=last.body if last else "",
        last_was_promotional=bool(last and last.purpose == Purpose.PROMOTIONAL),
    )
    return classify(heard.body, languages=languages, channel=heard.channel, context=context)


def last_outbound(
    thread: Thread, *, now: datetime, before_seq: int | None = None
) -> Message | None:
    """Return what we last sent them, if that was lately; before a message, if one is given."""
    sent = _sent(thread, before_seq).filter(created_at__gt=now - INVITED_FOR)
    return sent.order_by("-seq").only("body", "purpose").first()


def asked_last(thread: Thread, *, before_seq: int | None = None) -> bool:
    """Say whether what we last sent them, whenever it was, ends in a question."""
    bodies = _sent(thread, before_seq).order_by("-seq").values_list("body", flat=True)
    last = bodies.first()
    return bool(last and last.rstrip().endswith("?"))


def _sent(thread: Thread, before_seq: int | None) -> "QuerySet[Message]":
    sent = Message.objects.filter(thread=thread, direction=Message.Direction.OUT)
    sent = sent if before_seq is None else sent.filter(seq__lt=before_seq)
    return sent.exclude(kind=Message.Kind.NOTE)


def _languages(heard: Heard) -> frozenset[str]:
    if heard.address:
        return languages_for(heard.address, heard.languages)
    return frozenset(map(language_of, filter(None, heard.languages))) | {EVERYWHERE}


def _own_keywords(heard: Heard, languages: frozenset[str]) -> Mapping[str, str]:
    if heard.account_id is None:
        return {}
    country = whereabouts(heard.address).country if heard.address else ""
    if heard.tables is None:
        return own_table(heard.account_id, languages, country)
    if (place := (languages, country)) not in heard.tables:
        heard.tables[place] = own_table(heard.account_id, languages, country)
    return heard.tables[place]
