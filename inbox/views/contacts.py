"""What can people change on a contact's card?"""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from accounts.access import Viewer
from inbox.access import conversations_of
from inbox.conversations import set_contact_language, set_contact_name
from inbox.models import Contact
from inbox.views.answers import act, back_to, reader


@require_POST
def contact_name(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Give a contact a name. Whoever may read a conversation with them may name them."""
    viewer, user, now = reader(request)
    contact = _contact(viewer, public_id)
    return act(
        request,
        lambda: set_contact_name(
            contact=contact, by=viewer, user=user, name=request.POST.get("name", ""), now=now
        ),
        done="",
        back=back_to(request, "/"),
    )


@require_POST
def contact_language(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Note in which language a contact is answered. Whoever may name them may do so."""
    viewer, user, now = reader(request)
    contact = _contact(viewer, public_id)
    language = request.POST.get("language", "")
    return act(
        request,
        lambda: set_contact_language(
            contact=contact, by=viewer, user=user, language=language, now=now
        ),
        done="",
        back=back_to(request, "/"),
    )


def _contact(viewer: Viewer, public_id: str) -> Contact:
    contact = Contact.objects.filter(
        public_id=public_id,
        account=viewer.account_id,
        conversations__in=conversations_of(viewer),
    ).first()
    if contact is None:
        raise Http404("No such contact.")
    return contact
