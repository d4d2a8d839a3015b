"""What do WhatsApp's reviewers decide about templates and senders?"""

from dataclasses import asdict, replace

from inbox.twilio.simulator.content import Template
from inbox.twilio.simulator.exchange import Request, Response, json_response
from inbox.twilio.simulator.reading import BadInputError, Fields
from inbox.twilio.simulator.rendering import approval_json
from inbox.twilio.simulator.shelf import APPROVALS, SENDER_STATUSES, SenderState
from inbox.twilio.simulator.simulator import Simulator


def template(simulator: Simulator, request: Request) -> Response:
    """Add, review or delete a template of an account."""
    fields = request.json()
    fields.refuse_unknown(
        "account_sid",
        "name",
        "language",
        "category",
        "body",
        "variables",
        "status",
        "rejection_reason",
        "deleted",
    )
    account_sid = fields.required("account_sid")
    store = simulator.parts.store
    if account_sid not in store.accounts:
        raise BadInputError("account_sid names an unknown account")
    with store.lock:
        made = _template(fields, store.shelf.templates_of(account_sid))
        if fields.flag("deleted"):
            store.shelf.withdraw(account_sid, made)
        else:
            store.shelf.put(account_sid, made)
    told = {"sid": made.sid_for(account_sid), **approval_json(made)}
    return json_response(told, 201)


def sender(simulator: Simulator, request: Request) -> Response:
    """Let WhatsApp think otherwise of a sender."""
    fields = request.json()
    fields.refuse_unknown(
        "address", "status", "quality_rating", "messaging_limit", "offline_code", "offline_message"
    )
    address = fields.required("address")
    store = simulator.parts.store
    if address not in store.senders:
        raise BadInputError("address names an unknown sender")
    state = SenderState()
    status = fields.text("status", state.status)
    if status not in SENDER_STATUSES:
        raise BadInputError(f"status is one of {', '.join(SENDER_STATUSES)}")
    reason = (fields.text("offline_code", ""), fields.text("offline_message", ""))
    state = SenderState(
        status,
        fields.text("quality_rating", state.quality_rating),
        fields.text("messaging_limit", state.messaging_limit),
        (reason,) if any(reason) else (),
    )
    with store.lock:
        store.shelf.set_state(address, state)
    simulator.parts.journal.publish("config", {})
    return json_response(asdict(state), 201)


def _template(fields: Fields, known: list[Template]) -> Template:
    name, language = fields.required("name"), fields.text("language", "en")
    same = (one for one in known if (one.name, one.language) == (name, language))
    before = next(same, Template(name, language, "UTILITY", "Hello {{1}}.", (("1", "Maria"),)))
    status = fields.text("status", before.status)
    if status not in APPROVALS:
        raise BadInputError(f"status is one of {', '.join(APPROVALS)}")
    variables = before.variables
    if "variables" in fields:
        variables = tuple(fields.strings("variables").items())
    return replace(
        before,
        category=fields.text("category", before.category),
        body=fields.text("body", before.body),
        variables=variables,
        status=status,
        rejection_reason=fields.text("rejection_reason", before.rejection_reason),
    )
