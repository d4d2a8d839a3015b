"""What exactly is a look-up asked, and what does it say? Asked for real, once, for who sets it up.

Nothing secret is shown: headers as they are written, not as they are sent.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.secrets import SecretUnreadableError
from inbox.lookups.asking import Asked, Subject, ask
from inbox.lookups.calling import Resolve, look_up_host
from inbox.lookups.signing import HEADERS
from routing import crm, data_action
from routing.models import CrmConnector, DataAction


@dataclass(frozen=True)
class Question:
    """What is sent. Headers are pairs of a name and what is shown of it; a table has none."""

    method: str = ""
    url: str = ""
    headers: Sequence[tuple[str, str]] = ()
    body: str = ""


@dataclass(frozen=True)
class Trial:
    """What was asked, and what came of it."""

    question: Question
    asked: Asked


def try_out(
    definition: DataAction | CrmConnector,
    subject: Subject,
    *,
    now: datetime,
    resolve: Resolve = look_up_host,
) -> Trial:
    """Ask one look-up about somebody, even one that is switched off. Call it outside of
    transactions.
    """
    found = ask(
        [definition.name],
        account_id=definition.account_id,
        subject=subject,
        now=now,
        resolve=resolve,
        is_trial=True,
    )
    return Trial(_shown(definition, subject), found[definition.name])


def _shown(definition: DataAction | CrmConnector, subject: Subject) -> Question:
    if isinstance(definition, DataAction):
        return _to_code(definition, subject)
    if definition.kind == CrmConnector.Kind.TABLE:
        return Question(url=subject.customer.number)
    try:
        return _to_crm(definition.definition(), subject, definition)
    except (crm.CannotAskError, SecretUnreadableError, ValueError):
        # Nothing was sent; why not, the answer says.
        return Question()


def _to_crm(connector: crm.Connector, subject: Subject, row: CrmConnector) -> Question:
    contact_id = subject.contact.public_id if subject.contact else ""
    values = crm.values_of(subject.customer, contact_id=contact_id)
    sent = crm.build_request(connector, values, row.secret_values())
    plain = {name: text for name, text in sent.headers.items() if name not in connector.headers}
    return Question(
        sent.method,
        sent.url,
        tuple({**plain, **connector.headers}.items()),
        _pretty(sent.body),
    )


def _to_code(action: DataAction, subject: Subject) -> Question:
    if subject.question is None:
        return Question()
    headers = [("Content-Type", "application/json"), *((name, "…") for name in HEADERS)]
    return Question(
        "POST", action.url, headers, _pretty(data_action.request_body(subject.question))
    )


def _pretty(body: bytes | None) -> str:
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False) if body else ""
