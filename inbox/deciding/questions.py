"""What are customers' own code and their CRMs told when rules want to know something of them?"""

from inbox.deciding.case import Case, Decision
from inbox.directory import directory_of_account
from inbox.lookups.asking import Subject
from inbox.models import TeamInbox
from routing import data_action
from routing.data_action import Known, Question
from routing.facts import Trigger
from routing.models import EscalationPolicy


def subject_of(case: Case, decision: Decision) -> Subject:
    """Return about whom and what is asked, and what answers may name."""
    return Subject(
        case.came.thread.contact,
        decision.facts.customer,
        _question(case, decision),
        _known(case),
    )


def _question(case: Case, decision: Decision) -> Question:
    row, came = case.row, case.came
    message = came.message
    return Question(
        id=f"{message.public_id}.{(case.trigger or Trigger.NEW).value}",
        account=row.account_id,
        inbox=data_action.Inbox(row.inbox_id, row.inbox.name, came.thread.our_address),
        contact=_contact(case, decision),
        conversation=data_action.Conversation(
            row.public_id,
            is_new=case.trigger is Trigger.NEW,
            reopened=case.trigger is Trigger.REOPENED,
            owner=row.owner_id,
        ),
        message=data_action.Message(
            id=message.public_id,
            text=message.body,
            channel=message.channel,
            received_at=message.received_at or message.created_at,
            media=tuple(data_action.Media(one) for one in came.media_types),
        ),
        members=_members(case, decision),
    )


def _contact(case: Case, decision: Decision) -> data_action.Contact:
    customer = decision.facts.customer
    return data_action.Contact(
        id=case.came.thread.contact.public_id,
        name=customer.name,
        number=customer.number,
        language=customer.language,
        country=customer.country,
        region=customer.region,
        owner=customer.owner,
        tags=tuple(sorted(customer.tags)),
        attributes=customer.attributes,
    )


def _members(case: Case, decision: Decision) -> tuple[data_action.Member, ...]:
    directory = decision.directory
    people = (directory.people[pk] for pk in directory.members.get(case.row.inbox_id, ()))
    return tuple(
        data_action.Member(one.id, one.email, one.is_available, one.open_count) for one in people
    )


def _known(case: Case) -> Known:
    account = case.row.account_id
    teams = TeamInbox.objects.filter(account=account).values_list("pk", "name")
    policies = EscalationPolicy.objects.filter(account=account).values_list("name", flat=True)
    everybody = directory_of_account(account, team=case.row.inbox_id, now=case.story.now)
    return Known(everybody, dict(teams), tuple(policies))
