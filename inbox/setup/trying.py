"""About whom is a look-up tried out, and with which message? What an admin types, made into facts.

Somebody who may read a conversation with a customer tries it with what is known of them; for
everybody else, and for other numbers, the customer is made up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import phonenumbers
from django.utils.translation import gettext as _

from accounts.access import viewer_of
from accounts.audit import record
from accounts.models import Account, User
from inbox.access import conversations_of
from inbox.directory import directory_of_account
from inbox.lookups.asking import Asked, Subject
from inbox.lookups.trying import Question as Sent
from inbox.lookups.trying import Trial, try_out
from inbox.models import Contact, TeamInbox
from inbox.models.ids import public_id
from routing import data_action
from routing.data_action import Known, Member, Question
from routing.facts import Customer, Directory
from routing.lookups import DefinitionError
from routing.marks import words_of
from routing.models import CrmConnector, DataAction, EscalationPolicy
from routing.places import place_of

# What a made-up contact, conversation and message are called: their code may look at it.
SAMPLE = "sample"


@dataclass(frozen=True)
class Wish:
    """What an admin typed: about whom, and for a Data Action the message and the inbox."""

    number: str
    name: str = ""
    language: str = ""
    text: str = ""
    inbox: TeamInbox | None = None


@dataclass(frozen=True)
class Outcome:
    """What was asked about whom, and what came of it, for people to read."""

    about: str
    sent: Sent
    asked: Asked
    fields: tuple[tuple[str, str], ...]


def try_lookup(*, row: DataAction | CrmConnector, wish: Wish, by: User, now: datetime) -> Outcome:
    """Ask a look-up for real. Raises DefinitionError for a number that is none.

    Call it outside of transactions: others are waited for.
    """
    number = _read_number(wish.number, row.account)
    contact = _known_contact(number, row.account, by, now)
    subject = _subject(row, wish, number, contact, now=now)
    record(
        action="look_up_tried",
        subject=row.name,
        actor=by,
        account_id=row.account_id,
        now=now,
        definition=row.pk,
    )
    trial = try_out(row, subject, now=now)
    return Outcome(_about(number, contact), trial.question, trial.asked, _fields(trial, subject))


def _read_number(text: str, account: Account) -> str:
    try:
        parsed = phonenumbers.parse(text, account.default_country or None)
    except phonenumbers.NumberParseException as error:
        words = _("Write a phone number with its country code, such as +14155550123.")
        raise DefinitionError(words, "number") from error
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _known_contact(number: str, account: Account, by: User, now: datetime) -> Contact | None:
    seen = conversations_of(viewer_of(by, now=now)).filter(account=account)
    return (
        Contact.objects.filter(account=account, addresses__phone=number, conversations__in=seen)
        .order_by("pk")
        .first()
    )


def _about(number: str, contact: Contact | None) -> str:
    if contact is None:
        return _("a made-up customer with the number %(number)s") % {"number": number}
    return _("%(name)s, %(number)s") % {"name": contact, "number": number}


def _subject(
    row: DataAction | CrmConnector,
    wish: Wish,
    number: str,
    contact: Contact | None,
    *,
    now: datetime,
) -> Subject:
    who = contact or Contact(account=row.account, public_id=SAMPLE)
    place = place_of(number)
    customer = Customer(
        number=number,
        country=place.country,
        region=place.region,
        zone=place.zone,
        name=wish.name or who.name or who.profile_name,
        language=wish.language or who.language,
    )
    subject = Subject(who, customer)
    if isinstance(row, CrmConnector) or wish.inbox is None:
        return subject
    directory = directory_of_account(row.account_id, team=wish.inbox.pk, now=now)
    question = _question(wish.inbox, wish.text, customer, who, directory, now=now)
    return replace(subject, question=question, known=_known(row.account, directory))


def _question(
    inbox: TeamInbox,
    text: str,
    customer: Customer,
    contact: Contact,
    directory: Directory,
    *,
    now: datetime,
) -> Question:
    people = [directory.people[pk] for pk in directory.members.get(inbox.pk, ())]
    sender = inbox.senders.in_use().order_by("pk").first()
    return Question(
        id=f"{SAMPLE}_{public_id()}",
        account=inbox.account_id,
        inbox=data_action.Inbox(inbox.pk, inbox.name, sender.address if sender else ""),
        contact=data_action.Contact(
            contact.public_id,
            customer.name,
            customer.number,
            customer.language,
            customer.country,
            customer.region,
            owner=contact.owner_id,
            tags=tuple(contact.tags),
            attributes=contact.attributes,
        ),
        conversation=data_action.Conversation(SAMPLE, is_new=True),
        message=data_action.Message(SAMPLE, text, "sms", now),
        members=tuple(
            Member(one.id, one.email, one.is_available, one.open_count) for one in people
        ),
    )


def _known(account: Account, directory: Directory) -> Known:
    teams = TeamInbox.objects.filter(account=account).values_list("pk", "name")
    policies = EscalationPolicy.objects.filter(account=account).values_list("name", flat=True)
    return Known(directory, dict(teams), tuple(policies))


def _fields(trial: Trial, subject: Subject) -> tuple[tuple[str, str], ...]:
    """Name what came; people and teams as people know them."""
    people = {str(key): one.name for key, one in subject.known.directory.people.items()}
    teams = {str(key): name for key, name in subject.known.teams.items()}
    names: Mapping[str, Mapping[str, str]] = {"users": people, "teams": teams}
    if subject.question is None:
        names = {}
    return tuple(
        (
            name,
            ", ".join(names[name].get(one, one) for one in value)
            if name in names and isinstance(value, tuple)
            else words_of(value),
        )
        for name, value in trial.asked.answer.fields.items()
    )
