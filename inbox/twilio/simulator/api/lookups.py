"""Has a number changed owner since a day? Lookup v2, package `reassigned_number`."""

from datetime import UTC, datetime

from inbox.twilio.simulator.api.calls import Call
from inbox.twilio.simulator.errors import refuse
from inbox.twilio.simulator.exchange import Response, json_response

NO_DATA = "no_data_available"
NOT_COVERED = 60606


def fetch(call: Call) -> Response:
    """Say whether a number is one, and what was asked of it besides."""
    number, query = call.path["number"], call.request.query
    wanted = [one for one in query.get("Fields").split(",") if one]
    body: dict[str, object] = {
        "calling_country_code": "1" if number.startswith("+1") else None,
        "country_code": "US" if number.startswith("+1") else None,
        "phone_number": number,
        "national_format": number,
        "valid": True,
        "validation_errors": [],
        "caller_name": None,
        "sim_swap": None,
        "call_forwarding": None,
        "line_status": None,
        "line_type_intelligence": None,
        "identity_match": None,
        "reassigned_number": None,
        "sms_pumping_risk": None,
        "phone_number_quality_score": None,
        "pre_fill": None,
        "url": f"https://lookups.twilio.com/v2/PhoneNumbers/{number}",
    }
    if "reassigned_number" in wanted:
        body["reassigned_number"] = _owner(call, number, query.get("LastVerifiedDate"))
    return json_response(body)


def _owner(call: Call, number: str, verified: str) -> dict[str, object]:
    try:
        day = datetime.strptime(verified, "%Y%m%d").replace(tzinfo=UTC).strftime("%Y-%m-%d")
    except ValueError:
        raise refuse(20001, "LastVerifiedDate") from None
    with call.parts.store.lock:
        call.parts.store.lookups.append(number)
        changed = call.parts.store.owners.get(number, "")
    said: dict[str, object] = {"last_verified_date": verified, "error_code": None}
    if not number.startswith("+1"):
        return {**said, "is_number_reassigned": None, "error_code": NOT_COVERED}
    if changed == "unknown":
        return {**said, "is_number_reassigned": NO_DATA}
    return {**said, "is_number_reassigned": "yes" if changed > day else "no"}
