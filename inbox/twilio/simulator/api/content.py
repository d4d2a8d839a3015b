"""Which message templates may the account use?"""

from inbox.twilio.simulator.api.calls import Call
from inbox.twilio.simulator.api.paging import modern_page
from inbox.twilio.simulator.content import Template
from inbox.twilio.simulator.errors import refuse
from inbox.twilio.simulator.exchange import Response, json_response
from inbox.twilio.simulator.rendering import approval_json, template_json

HOST = "content.twilio.com"


def listing(call: Call) -> Response:
    """Return the templates."""
    return modern_page(
        call.request, HOST, _templates(call), "contents", lambda one: _rendered(call, one)
    )


def listing_with_approvals(call: Call) -> Response:
    """Return the templates, each with what WhatsApp thinks of it."""

    def render(template: Template) -> dict[str, object]:
        data = _rendered(call, template)
        del data["links"], data["url"]
        return {**data, "approval_requests": approval_json(template)}

    return modern_page(call.request, HOST, _templates(call), "contents", render)


def fetch(call: Call) -> Response:
    """Return one template."""
    return json_response(_rendered(call, _template(call)))


def approvals(call: Call) -> Response:
    """Return what WhatsApp thinks of one template."""
    template = _template(call)
    sid = template.sid_for(call.account.sid)
    url = f"https://{HOST}/v1/Content/{sid}/ApprovalRequests"
    return json_response(
        {
            "account_sid": call.account.sid,
            "sid": sid,
            "url": url,
            "whatsapp": approval_json(template),
        }
    )


def _rendered(call: Call, template: Template) -> dict[str, object]:
    return template_json(template, call.account.sid, call.account.created_at)


def _templates(call: Call) -> list[Template]:
    return call.parts.store.shelf.templates_of(call.account.sid)


def _template(call: Call) -> Template:
    template = call.parts.store.shelf.template(call.account.sid, call.path["sid"])
    if template is None:
        raise refuse(20404, call.request.path)
    return template
