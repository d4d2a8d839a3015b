"""Where are the files of a message?"""

from inbox.twilio.simulator.api.calls import Call
from inbox.twilio.simulator.api.paging import classic_page
from inbox.twilio.simulator.errors import refuse
from inbox.twilio.simulator.exchange import Response, empty_response, json_response
from inbox.twilio.simulator.model import Media
from inbox.twilio.simulator.rendering import media_json


def listing(call: Call) -> Response:
    """Return the files of a message."""
    message = call.message("message_sid")
    store = call.parts.store
    files = [store.media[sid] for sid in message.media_sids if sid in store.media]
    return classic_page(call.request, files, "media_list", media_json, lambda one: one.sid)


def fetch(call: Call) -> Response:
    """Return the description of a file (.json) or the way to its bytes."""
    if call.path.get("suffix"):
        return json_response(media_json(_media(call)))
    media = _media(call)
    address = f"{call.request.base_url}/cdn/{media.account_sid}/{media.cdn_token}"
    return Response(307, b"", headers={"Location": address})


def delete(call: Call) -> Response:
    """Delete a file."""
    call.parts.store.drop_media(_media(call).sid)
    return empty_response()


def _media(call: Call) -> Media:
    message = call.message("message_sid")
    media = call.parts.store.media.get(call.path["sid"])
    if media is None or media.message_sid != message.sid:
        raise refuse(20404, call.request.path)
    return media
