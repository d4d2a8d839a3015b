"""Which accounts and subaccounts are there?"""

from inbox.twilio.simulator.api.calls import Call
from inbox.twilio.simulator.api.paging import classic_page
from inbox.twilio.simulator.errors import refuse
from inbox.twilio.simulator.exchange import Response, json_response
from inbox.twilio.simulator.model import Account
from inbox.twilio.simulator.rendering import account_json

STATUSES = ("active", "suspended", "closed")


def create(call: Call) -> Response:
    """Create a subaccount; only a parent account may."""
    if call.caller.parent_sid:
        raise refuse(20001, "a subaccount cannot have subaccounts")
    parts = call.parts
    now = parts.clock.timestamp()
    account = Account(
        parts.sids.new("AC"),
        parts.sids.token(),
        call.form.get("FriendlyName") or "SubAccount",
        parent_sid=call.caller.sid,
        created_at=now,
        updated_at=now,
    )
    parts.store.accounts[account.sid] = account
    return json_response(account_json(account), 201)


def fetch(call: Call) -> Response:
    """Return an account."""
    return json_response(account_json(call.account))


def update(call: Call) -> Response:
    """Rename, suspend, reopen or close an account; closed is for ever and takes the numbers.

    Nobody may close or suspend the account that signs in: only a parent may, a subaccount of it.
    """
    account, form = call.account, call.form
    status = form.get("Status", account.status)
    if status != account.status and account.sid == call.caller.sid:
        raise refuse(20001, "Status")
    if status not in STATUSES or (account.status == "closed" and status != "closed"):
        raise refuse(20001, "Status")
    account.status = status
    if status == "closed":
        call.parts.store.release_senders(account.sid)
    account.friendly_name = form.get("FriendlyName", account.friendly_name)
    account.updated_at = call.parts.clock.timestamp()
    return json_response(account_json(account))


def listing(call: Call) -> Response:
    """Return the caller's account and its subaccounts."""
    query = call.request.query
    found = [call.caller, *call.parts.store.children_of(call.caller.sid)]
    if query.get("Status"):
        found = [one for one in found if one.status == query.get("Status")]
    if query.get("FriendlyName"):
        found = [one for one in found if one.friendly_name == query.get("FriendlyName")]
    return classic_page(call.request, found, "accounts", account_json, lambda one: one.sid)
