"""What do customers' own code and their CRMs say about a message? All asked at once, in 3 seconds.

Nothing here raises because somebody else's machine is away, slow or wrong: that is an answer with a
failure, and the next rule is asked. Rows are read before and written after; while others are waited
for, no row and no transaction is held.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from accounts.english import noop
from accounts.secrets import SecretUnreadableError
from inbox.lookups.breakers import breakers
from inbox.lookups.calling import SECONDS, CallError, Reply, Resolve, call, look_up_host
from inbox.lookups.signing import signed_headers
from inbox.models import Contact, CrmAnswer
from routing import crm, data_action
from routing.crm_fields import Reading, read_row
from routing.data_action import Known, Problem, Question
from routing.facts import Answer, Customer, Value
from routing.lookup_models import LONGEST_FAILURE
from routing.lookups import row_of
from routing.models import CrmConnector, DataAction

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 16
NOTED_EVERY = timedelta(seconds=10)
LEFT_ALONE = noop("It failed five times within a minute and is left alone for a minute.")
Ask = Callable[[float], Reading]
Definition = DataAction | CrmConnector


@dataclass(frozen=True)
class Subject:
    """About whom and what is asked. Without a question no Data Action can be asked.

    Without a contact nothing is kept of an answer, nor is one that was kept used again.
    """

    contact: Contact | None
    customer: Customer
    question: Question | None = None
    known: Known = field(default_factory=Known)


@dataclass(frozen=True)
class Asked:
    """What one look-up said, for rules (`answer`) and for whoever wants to know why (the rest).

    `skipped` says in words what of an answer was not used; `at` is when it was answered, which is
    before now where an earlier answer was used again.
    """

    answer: Answer
    at: datetime
    kind: str = ""
    took_ms: int = 0
    is_cached: bool = False
    skipped: tuple[str, ...] = ()


def ask(
    names: Collection[str],
    *,
    account_id: int,
    subject: Subject,
    now: datetime,
    seconds: float = SECONDS,
    resolve: Resolve = look_up_host,
    is_trial: bool = False,
) -> Mapping[str, Asked]:
    """Ask the look-ups that rules know by these names; each of them gets an answer.

    Call it outside of transactions: others are waited for, for `seconds` in all. In a trial they
    are really asked: also what is switched off, and though an earlier answer would do.
    """
    if subject.contact and subject.contact.account_id != account_id:
        raise ValueError("a contact is asked about by its own account only")
    until = time.monotonic() + seconds
    found = _definitions(names, account_id)
    asked: dict[str, Asked] = {}
    waiting: dict[str, _Waiting] = {}
    kept = {} if is_trial else _kept_answers(subject.contact, found.values())
    for name in names:
        definition = found.get(name.casefold())
        if definition and not definition.is_on and not is_trial:
            asked[name] = _failed(noop("It is switched off."), now, definition)
            continue
        one = _without_network(definition, subject, kept, now)
        if isinstance(one, Asked):
            asked[name] = one
        else:
            waiting[name] = one
    asked |= _all_at_once(waiting, until=until, seconds=seconds, resolve=resolve, now=now)
    if subject.contact and subject.contact.pk:
        _keep(subject.contact, waiting, asked, now=now)
    _follow(waiting, asked, now=now)
    _log(found, asked)
    return asked


# --- What is known without asking ---


def known_already(
    names: Collection[str], *, account_id: int, subject: Subject, now: datetime
) -> Mapping[str, Answer]:
    """Return what CRMs of these names need not be asked about: tables, and answers that are kept.

    Raises ValueError for a contact of another account.
    """
    if subject.contact and subject.contact.account_id != account_id:
        raise ValueError("a contact is asked about by its own account only")
    found = _definitions(names, account_id)
    kept = _kept_answers(subject.contact, found.values())
    known: dict[str, Answer] = {}
    for name in names:
        definition = found.get(name.casefold())
        if isinstance(definition, CrmConnector) and definition.is_on:
            one = _without_network(definition, subject, kept, now)
            known |= {name: one.answer} if isinstance(one, Asked) else {}
    return known


@dataclass(frozen=True)
class _Waiting:
    """A request that is ready to go, and how its answer is read."""

    definition: Definition
    request: crm.Request = field(repr=False)
    read: Callable[[Reply], Reading]
    question: str = ""

    @property
    def breaker(self) -> str:
        """Return the name of its circuit: an address that was corrected gets another chance."""
        return _circuit_of(self.definition)


def _circuit_of(row: Definition) -> str:
    return f"{row._meta.model_name}:{row.pk}:{row.version}"


def resting(rows: Iterable[Definition], *, now: datetime) -> Mapping[str, datetime]:
    """Say by name which look-ups are left alone now because they failed, and until when."""
    names = {_circuit_of(row): row.name for row in rows}
    found = breakers().resting(list(names), now=now)
    return {names[circuit]: until for circuit, until in found.items()}


def _definitions(names: Collection[str], account_id: int) -> dict[str, Definition]:
    wanted = {name.casefold() for name in names}
    rows: list[Definition] = [
        *DataAction.objects.filter(account=account_id),
        *CrmConnector.objects.filter(account=account_id),
    ]
    return {row.name.casefold(): row for row in rows if row.name.casefold() in wanted}


def _kept_answers(
    contact: Contact | None, definitions: Collection[Definition]
) -> Mapping[int, CrmAnswer]:
    connectors = [row.pk for row in definitions if isinstance(row, CrmConnector)]
    if not connectors or contact is None:
        return {}
    answers = CrmAnswer.objects.filter(contact=contact, connector__in=connectors)
    return {answer.connector_id: answer for answer in answers}


def _without_network(
    definition: Definition | None,
    subject: Subject,
    kept: Mapping[int, CrmAnswer],
    now: datetime,
) -> Asked | _Waiting:
    """Return an answer where nobody needs to be asked, else what to ask."""
    if definition is None:
        return _failed(noop("There is no look-up of this name."), now)
    try:
        if isinstance(definition, DataAction):
            return _to_code(definition, subject, now)
        if definition.kind == CrmConnector.Kind.TABLE:
            return _in_table(definition, subject, now)
        return _to_crm(definition, subject, kept.get(definition.pk), now)
    except (crm.CannotAskError, SecretUnreadableError) as error:
        return _failed(error.reason, now, definition)
    except ValueError:
        return _failed(noop("Its definition cannot be read. Save it again."), now, definition)


def _in_table(connector: CrmConnector, subject: Subject, now: datetime) -> Asked:
    reading = read_row(connector.wanted(), row_of(connector, subject.customer.number))
    return Asked(reading.answer, now, connector.kind, skipped=reading.left_out)


def _to_crm(
    connector: CrmConnector, subject: Subject, kept: CrmAnswer | None, now: datetime
) -> Asked | _Waiting:
    definition = connector.definition()
    contact_id = subject.contact.public_id if subject.contact else ""
    values = crm.values_of(subject.customer, contact_id=contact_id)
    request = crm.build_request(definition, values, connector.secret_values())
    question = _hash(connector, request)
    oldest = now - timedelta(minutes=connector.cache_minutes)
    if kept and kept.question == question and kept.answered_at > oldest:
        answer = Answer({name: _value(value) for name, value in kept.facts.items()})
        skipped = tuple(kept.left_out)
        return Asked(answer, kept.answered_at, connector.kind, is_cached=True, skipped=skipped)
    return _Waiting(
        connector,
        request,
        lambda reply: crm.read_answer(definition, reply.status, reply.content),
        question,
    )


def _hash(connector: CrmConnector, request: crm.Request) -> str:
    """Tell questions apart, also by who asked; headers only hold what the version stands for."""
    asked = [connector.pk, connector.version, request.method, request.url, str(request.body)]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def _value(value: Any) -> Value:
    """Return a fact as it was before JSON kept it."""
    found: Value = tuple(value) if isinstance(value, list) else value
    return found


def _to_code(action: DataAction, subject: Subject, now: datetime) -> _Waiting:
    if subject.question is None:
        raise crm.CannotAskError(noop("A Data Action is asked about messages only."))
    body = data_action.request_body(subject.question)
    headers = signed_headers(
        message_id=subject.question.id, body=body, secrets=action.signing_secrets(), now=now
    )
    headers |= {"Content-Type": "application/json", "Accept": "application/json"}
    request = crm.Request("POST", action.url, headers, body)
    if subject.question.type == data_action.RULE:
        return _Waiting(action, request, _heard)
    return _Waiting(action, request, lambda reply: _verdict(reply, subject.known))


def _heard(reply: Reply) -> Reading:
    """Who was only told something need not say more than that they heard it."""
    is_good = 200 <= reply.status < 300
    return Reading(Answer(failure="" if is_good else crm.refusal(reply.status)))


def _verdict(reply: Reply, known: Known) -> Reading:
    if not 200 <= reply.status < 300:
        return Reading(Answer(failure=crm.refusal(reply.status)))
    verdict = data_action.read_verdict(reply.content, known)
    skipped = () if isinstance(verdict, Problem) else verdict.skipped
    return Reading(data_action.answer_of(verdict), skipped)


def _failed(words: str, now: datetime, definition: Definition | None = None) -> Asked:
    return Asked(Answer(failure=words), now, _kind(definition))


def _kind(definition: Definition | None) -> str:
    if isinstance(definition, CrmConnector):
        return definition.kind
    return "data_action" if definition else ""


# --- Asking ---


def _all_at_once(
    waiting: Mapping[str, _Waiting],
    *,
    until: float,
    seconds: float,
    resolve: Resolve,
    now: datetime,
) -> dict[str, Asked]:
    if not waiting:
        return {}
    pool = ThreadPoolExecutor(min(len(waiting), MOST_AT_ONCE), thread_name_prefix="lookup")
    futures: dict[str, Future[Asked]] = {
        name: pool.submit(_one, one, until, resolve, now) for name, one in waiting.items()
    }
    wait(futures.values(), timeout=max(0.0, until - time.monotonic()))
    # Who is late is not waited for; what came of it is still noted.
    pool.shutdown(wait=False, cancel_futures=True)
    late = noop("It did not answer within %(seconds)s seconds.") % {"seconds": f"{seconds:g}"}
    return {
        name: future.result()
        if future.done() and not future.cancelled()
        else replace(_failed(late, now, waiting[name].definition), took_ms=int(seconds * 1000))
        for name, future in futures.items()
    }


def _one(one: _Waiting, until: float, resolve: Resolve, now: datetime) -> Asked:
    """Ask one, unless it is left alone. Touches no row: it runs beside the others."""
    began = time.monotonic()
    if not breakers().may_ask(one.breaker, now=now):
        return _failed(LEFT_ALONE, now, one.definition)
    try:
        left = until - time.monotonic()
        reading = one.read(call(one.request, seconds=left, resolve=resolve))
    except CallError as error:
        reading = Reading(Answer(failure=error.reason))
    except Exception:
        # A fault of ours in one look-up takes no other along, and hides no message.
        logger.exception("a look-up could not be asked")
        reading = Reading(
            Answer(failure=noop("It could not be asked; the operators have been told."))
        )
    breakers().note(one.breaker, is_good=not reading.answer.failure, now=now)
    took = int((time.monotonic() - began) * 1000)
    return Asked(reading.answer, now, _kind(one.definition), took, skipped=reading.left_out)


# --- Afterwards ---


def _keep(
    contact: Contact,
    waiting: Mapping[str, _Waiting],
    asked: Mapping[str, Asked],
    *,
    now: datetime,
) -> None:
    """Keep what CRMs answered as facts about the contact, with source and time."""
    rows = [
        CrmAnswer(
            account_id=contact.account_id,
            contact=contact,
            connector=one.definition,
            question=one.question,
            facts=dict(asked[name].answer.fields),
            left_out=list(asked[name].skipped),
            answered_at=now,
        )
        for name, one in waiting.items()
        if isinstance(one.definition, CrmConnector) and not asked[name].answer.failure
    ]
    if not rows:
        return
    try:
        with transaction.atomic():
            CrmAnswer.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["contact", "connector"],
                update_fields=["question", "facts", "left_out", "answered_at"],
            )
    except IntegrityError:
        logger.warning("an answer was not kept: its contact or connector is gone")


def _follow(waiting: Mapping[str, _Waiting], asked: Mapping[str, Asked], *, now: datetime) -> None:
    """Remember with each definition that was really asked what came of it."""
    answered: dict[type[Definition], Q] = {}
    for name, one in waiting.items():
        row, words = one.definition, asked[name].answer.failure
        # What failed or answered is that version: somebody may have corrected it meanwhile.
        same = Q(pk=row.pk, version=row.version)
        if words and words != LEFT_ALONE:
            failed = {"failed_at": now, "failure": words[:LONGEST_FAILURE]}
            type(row)._default_manager.filter(same).update(**failed, failures=F("failures") + 1)
        elif not words and not _is_well(row, now):
            answered[type(row)] = answered.get(type(row), Q()) | same
    for model, rows in answered.items():
        model._default_manager.filter(rows).update(answered_at=now, failure="", failures=0)


def _is_well(row: Definition, now: datetime) -> bool:
    """Say whether it is known already that it answers: not every answer is worth a write."""
    is_fresh = row.answered_at is not None and abs(now - row.answered_at) < NOTED_EVERY
    return is_fresh and not row.failures


def _log(found: Mapping[str, Definition], asked: Mapping[str, Asked]) -> None:
    """Say who was asked, how long it took and whether it answered; never what."""
    for name, one in asked.items():
        row = found.get(name.casefold())
        outcome = "failed" if one.answer.failure else "kept" if one.is_cached else "answered"
        logger.info(
            "look-up %s %s: %s in %s ms",
            one.kind or "?",
            row.pk if row else "?",
            outcome,
            one.took_ms,
        )


def answers_of(asked: Mapping[str, Asked]) -> Mapping[str, Answer]:
    """Return what rules read, see `routing.facts.Facts.answers`."""
    return {name: one.answer for name, one in asked.items()}


def known_of(contact: Contact) -> Sequence[CrmAnswer]:
    """Return what CRMs said of a contact, with connector and time, for who talks with them."""
    return list(
        CrmAnswer.objects.filter(contact=contact)
        .select_related("connector")
        .order_by("connector__name")
    )
