"""Which control request is this, and may it come from there?"""

from collections.abc import Callable

from inbox.twilio.simulator.control import outside, reviews, steering, traffic
from inbox.twilio.simulator.exchange import Request, Response, json_response
from inbox.twilio.simulator.reading import BadInputError
from inbox.twilio.simulator.simulator import Simulator

Handler = Callable[[Simulator, Request], Response]

ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", "/_sim/health"): steering.health,
    ("POST", "/_sim/config"): steering.config,
    ("POST", "/_sim/reset"): steering.reset,
    ("POST", "/_sim/inbound"): traffic.inbound,
    ("POST", "/_sim/burst"): traffic.burst,
    ("POST", "/_sim/replay"): traffic.replay,
    ("GET", "/_sim/payloads"): traffic.payloads,
    ("GET", "/_sim/faults"): steering.list_faults,
    ("POST", "/_sim/faults"): steering.add_fault,
    ("DELETE", "/_sim/faults"): steering.clear_faults,
    ("POST", "/_sim/clock"): steering.clock,
    ("POST", "/_sim/optout"): steering.opt_out,
    ("GET", "/_sim/consents"): outside.consents,
    ("POST", "/_sim/owners"): outside.owner,
    ("GET", "/_sim/lookups"): outside.lookups,
    ("POST", "/_sim/rotate"): steering.rotate,
    ("POST", "/_sim/templates"): reviews.template,
    ("POST", "/_sim/senders"): reviews.sender,
    ("GET", "/_sim/ledger"): steering.ledger,
    ("GET", "/_sim/requests"): steering.requests,
    ("GET", "/_sim/messages"): steering.messages,
    ("POST", "/_sim/read"): steering.read,
    ("POST", "/_sim/personas"): steering.add_persona,
    ("POST", "/_sim/settle"): steering.settle,
    ("GET", "/_sim/state"): steering.state,
    ("GET", "/_sim/events"): steering.events,
}


def answer(simulator: Simulator, request: Request) -> Response:
    """Answer a control request; a mistake in it is told in plain words."""
    handler = ROUTES.get((request.method, request.path))
    if handler is None:
        return json_response({"error": f"no {request.method} {request.path}"}, 404)
    try:
        return handler(simulator, request)
    except BadInputError as error:
        return json_response({"error": str(error)}, 400)
