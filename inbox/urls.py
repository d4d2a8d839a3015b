"""Which addresses does the inbox answer?"""

from django.urls import include, path

from inbox.consumers import LiveConsumer
from inbox.outbound_media import outbound_media
from inbox.views import (
    actions,
    contacts,
    conversation,
    files,
    join,
    lists,
    marks,
    opt_out,
    reviews,
    search,
    templates,
    why,
)

urlpatterns = [
    path("", lists.home, name="home"),
    path("inbox/<slug:slug>/", lists.inbox, name="inbox"),
    path("inbox/<slug:slug>/counts/", lists.counts, name="counts"),
    path("inbox/<slug:slug>/c/<str:cid>/", conversation.conversation, name="conversation"),
    path("c/<str:cid>/", conversation.conversation_link, name="conversation_link"),
    path("c/<str:cid>/thread/", conversation.thread, name="thread"),
    path("c/<str:cid>/desk/", conversation.desk, name="desk"),
    path("c/<str:cid>/panel/", conversation.panel, name="panel"),
    path("c/<str:cid>/templates/", templates.templates, name="templates"),
    path("c/<str:cid>/review/", reviews.review, name="review"),
    path("search/", search.search, name="search"),
    path("reviews/", reviews.reviews, name="reviews"),
    path("c/<str:cid>/consent/opt-out/", reviews.note_opt_out, name="note_opt_out"),
    path("c/<str:cid>/consent/opt-in/", reviews.note_opt_in, name="note_opt_in"),
    path("c/<str:cid>/consent/lift/", reviews.lift_noted, name="lift_noted"),
    path("c/<str:cid>/consent/no-contact/", reviews.no_contact, name="no_contact"),
    path("c/<str:cid>/why/", why.why, name="why"),
    path("c/<str:cid>/messages/", conversation.messages, name="messages"),
    path("c/<str:cid>/attachments/", conversation.upload, name="upload"),
    path("c/<str:cid>/mentions/", conversation.mentions, name="mentions"),
    path("c/<str:cid>/read/", conversation.read, name="read"),
    path("c/<str:cid>/unread/", conversation.unread, name="unread"),
    path("c/<str:cid>/claim/", actions.claim, name="claim"),
    path("c/<str:cid>/release/", actions.release, name="release"),
    path("c/<str:cid>/transfer/", actions.transfer, name="transfer"),
    path("c/<str:cid>/take-over/", actions.take_over, name="take_over"),
    path("c/<str:cid>/close/", actions.close, name="close"),
    path("c/<str:cid>/undo-close/", actions.undo_close, name="undo_close"),
    path("c/<str:cid>/reopen/", actions.reopen, name="reopen"),
    path("c/<str:cid>/snooze/", actions.snooze, name="snooze"),
    path("c/<str:cid>/wake/", actions.wake, name="wake"),
    path("c/<str:cid>/tags/", marks.conversation_tags, name="conversation_tags"),
    path("c/<str:cid>/contact/tags/", marks.contact_tags, name="contact_tags"),
    path("c/<str:cid>/contact/attributes/", marks.contact_attributes, name="contact_attributes"),
    path("messages/<str:mid>/why/", why.message_why, name="message_why"),
    path("messages/<str:mid>/resend/", actions.resend, name="resend"),
    path("attachments/<str:aid>/", files.attachment, name="attachment"),
    path("attachments/<str:aid>/thumbnail/", files.thumbnail, name="thumbnail"),
    path("attachments/<str:aid>/retry/", files.attachment_retry, name="attachment_retry"),
    path("contacts/<str:public_id>/name/", contacts.contact_name, name="contact_name"),
    path("contacts/<str:public_id>/language/", contacts.contact_language, name="contact_language"),
    path("profile/", include("accounts.urls")),
    path("join/<str:token>/", join.join, name="join"),
    path("o/<str:token>", opt_out.opt_out_page, name="opt_out"),
    path("settings/", include("inbox.settings_urls")),
    path("media/out/<str:token>/<str:name>", outbound_media, name="outbound_media"),
    path("hooks/", include("inbox.webhook_urls")),
    path("api/v1/", include("inbox.api_urls")),
]
websocket_urlpatterns = [
    path("ws/v1/", LiveConsumer.as_asgi()),  # type: ignore[arg-type] # an ASGI application
]
