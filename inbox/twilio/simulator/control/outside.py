"""What was Twilio told of consents, and which numbers changed owner?"""

import re

from inbox.twilio.simulator.exchange import Request, Response, json_response
from inbox.twilio.simulator.reading import BadInputError
from inbox.twilio.simulator.simulator import Simulator


def consents(simulator: Simulator, request: Request) -> Response:
    """List every consent that was taken over, the oldest first."""
    return json_response({"consents": list(simulator.parts.store.consents)})


def owner(simulator: Simulator, request: Request) -> Response:
    """Let a number have a new owner since a day (2026-01-31), or an `unknown` one."""
    fields = request.json()
    fields.refuse_unknown("number", "changed_on")
    number, changed = fields.required("number"), fields.required("changed_on")
    if changed != "unknown" and not re.fullmatch(r"\d{4}-\d\d-\d\d", changed):
        raise BadInputError("changed_on is a day like 2026-01-31, or unknown")
    with simulator.parts.store.lock:
        simulator.parts.store.owners[number] = changed
    return json_response({"number": number, "changed_on": changed})


def lookups(simulator: Simulator, request: Request) -> Response:
    """List the numbers whose owners were asked about, the oldest first."""
    return json_response({"numbers": list(simulator.parts.store.lookups)})
