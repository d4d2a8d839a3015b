"""What does a canned reply say to this customer, in the name of who is about to send it?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from accounts.circumstances import numbers_are_hidden
from accounts.models import User
from compliance.opt_out_links import opt_out_link
from inbox.canned import AGENT, found
from inbox.contacts import address_of
from inbox.labels import name_words, words_about
from inbox.lookups.asking import Subject, known_already
from inbox.models import CannedReply, Conversation
from inbox.routing_facts import customer_of
from inbox.timers import hours_of
from routing.facts import Answer, Facts, Value
from routing.hours import Calendar
from routing.marks import words_of
from routing.texts import (
    BUILT_IN,
    OPT_OUT_LINK,
    Datum,
    Kind,
    Text,
    Variable,
    attribute_name,
    first_name,
    lookup_in,
)
from routing.wording import Voice, values_for

MOST_VALUES = 40
_OPENS = frozenset({"inbox.opens_on", "inbox.opens_at"})


@dataclass(frozen=True)
class Offered:
    """A canned reply, and what it says here."""

    reply: CannedReply
    text: str

    def as_json(self) -> dict[str, object]:
        """Return what a list to choose from shows."""
        reply = self.reply
        of = "person" if reply.person_id else "inbox" if reply.inbox_id else "account"
        return {"id": reply.public_id, "shortcut": reply.shortcut, "of": of, "text": self.text}


def offered(
    conversation: Conversation, words: str, *, by: User, now: datetime
) -> tuple[Offered, ...]:
    """Return the canned replies that fit best to these words, filled in for this conversation.

    One that says nothing here is left out. Nobody else is asked: of a CRM counts what is known. Nor
    is a number known where it is kept from who is answered now: they would read it in the text.
    """
    texts = [(row, Text.parse(row.body)) for row in found(conversation, words, me=by.pk)]
    names = frozenset(slot.name for _row, text in texts for slot in text.slots)
    filling = _filling(conversation, names, by=by, now=now)
    said = (Offered(row, filling.say(row, text)) for row, text in texts)
    return tuple(one for one in said if one.text)


def values_here(
    conversation: Conversation, words: str, *, by: User, now: datetime
) -> tuple[tuple[str, str], ...]:
    """Return what may be put into an answer here by its name: the value of each, filled in.

    Those that have all of these words in name or value; what is not known is left out, as is what
    holds a number that is kept from who is answered now. No CRM is asked.
    """
    names = [*BUILT_IN, *AGENT]
    filling = _filling(conversation, frozenset(names), by=by, now=now)
    said = [(name, filling.say(CannedReply(), Text.parse(f"{{{{{name}}}}}"))) for name in names]
    attributes = sorted(_shown(conversation, conversation.contact.attributes).items())
    said += [(attribute_name(key), words_of(value)) for key, value in attributes]
    wanted = words.casefold().split()
    found = [one for one in said if one[1] and _has_all(" ".join(one), wanted)]
    return tuple(found[:MOST_VALUES])


def _has_all(text: str, words: list[str]) -> bool:
    return all(word in text.casefold() for word in words)


def agent_data(name: str) -> dict[str, Datum]:
    """Return what stands for who sends it."""
    return {"agent.name": name, "agent.first_name": first_name(name) or name}


def kinds_of(row: CannedReply) -> Mapping[str, Variable]:
    """Return of which kind the variables of a canned reply are: ours, and what was kept with it."""
    kept = {name: Variable(Kind(kind)) for name, kind in row.kinds.items()}
    return {**BUILT_IN, **AGENT, **kept}


@dataclass(frozen=True)
class _Filling:
    """What is filled into canned replies of one conversation."""

    conversation: Conversation
    facts: Facts
    link: str
    agent: str
    now: datetime

    def say(self, row: CannedReply, text: Text) -> str:
        """Return what one of them says here; blank if nothing."""
        inbox = self.conversation.inbox
        language = self.facts.customer.language or inbox.language or "en"
        voice = Voice(inbox.name, inbox.bot_name, language, kinds_of(row), self.link)
        values = values_for(text, self.facts, voice, language, at=self.now)
        return text.render(replace(values, data={**values.data, **agent_data(self.agent)}))


def _filling(
    conversation: Conversation, names: frozenset[str], *, by: User, now: datetime
) -> _Filling:
    facts, link = _facts(conversation, names, now=now), _link(conversation, names, now=now)
    return _Filling(conversation, facts, link, by.name, now)


def _facts(conversation: Conversation, names: frozenset[str], *, now: datetime) -> Facts:
    """Gather what the variables of these names stand for, and nothing besides."""
    inbox, customer = conversation.inbox, customer_of(conversation.thread, conversation.contact)
    zone = inbox.time_zone or conversation.thread.sender.account.time_zone
    calendar = hours_of(inbox).calendar if names & _OPENS else Calendar.always(zone)
    answers: Mapping[str, Answer] = {}
    if crms := frozenset(filter(None, map(lookup_in, names))):
        subject = Subject(conversation.contact, customer)
        answers = known_already(crms, account_id=inbox.account_id, subject=subject, now=now)
    facts = Facts("", customer=customer, calendar=calendar, answers=answers)
    return _without_numbers(conversation, facts) if numbers_are_hidden() else facts


def _without_numbers(conversation: Conversation, facts: Facts) -> Facts:
    """Return facts without those that hold a number of this customer's: as if not known."""
    customer = facts.customer
    shown = replace(
        customer,
        number="",
        name=customer.name if name_words(customer.name) == customer.name else "",
        attributes=_shown(conversation, customer.attributes),
    )
    answers = {
        name: replace(answer, fields=_shown(conversation, answer.fields))
        for name, answer in facts.answers.items()
    }
    return replace(facts, customer=shown, answers=answers)


def _shown(conversation: Conversation, values: Mapping[str, Value]) -> dict[str, Value]:
    """Keep what holds no number that is kept from who is answered now."""
    contact = conversation.contact
    words = {name: words_of(value) for name, value in values.items()}
    return {name: values[name] for name, one in words.items() if words_about(contact, one) == one}


def _link(conversation: Conversation, names: frozenset[str], *, now: datetime) -> str:
    """Return the link by which this very customer stops our messages, where one is asked for."""
    if OPT_OUT_LINK not in names:
        return ""
    return opt_out_link(conversation.account_id, address_of(conversation.thread), now=now)
