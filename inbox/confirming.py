"""What do we say when somebody opts out, opts in or asks for help? One text, once, in our name."""

from compliance.consent_texts import Kind
from compliance.gate import Purpose
from compliance.wording import with_name
from inbox.autoreply import remember_auto_reply
from inbox.consent_wording import consent_wording, own_language, texts_in
from inbox.models import Message, Thread
from inbox.sending import queue_message
from inbox.story import Story
from routing.languages import detect

_KINDS = {
    Purpose.OPT_OUT_CONFIRMATION: Kind.OPT_OUT,
    Purpose.OPT_IN_CONFIRMATION: Kind.OPT_IN,
    Purpose.HELP_REPLY: Kind.HELP,
}


def send_confirmation(purpose: Purpose, thread: Thread, trigger: Message, story: Story) -> None:
    """Queue what answers a keyword or a wish; the database refuses a second one for a message.

    A text that does not name the business is given its name: whoever gets it may know us by no
    other (compliance reference 11, G10a). The thread must be locked.
    """
    inbox = thread.sender.inbox
    said = consent_wording(inbox, _KINDS[purpose], _languages(thread, trigger))
    reply = queue_message(
        thread=thread,
        conversation=trigger.conversation,
        body=with_name(said.text, thread.sender.account.name),
        purpose=purpose,
        bot_name=inbox.bot_name,
        story=story,
    )
    remember_auto_reply(reply, trigger, kind=purpose.value, window=trigger.public_id)


def _languages(thread: Thread, trigger: Message) -> tuple[str, ...]:
    """Return the customer's languages, the best first: noted, then told from what they wrote."""
    inbox, noted = thread.sender.inbox, thread.contact.language
    if noted or not inbox.consent_texts:
        return (noted,)
    codes = {own_language(inbox)}.union(*(texts_in(inbox, kind) for kind in Kind))
    told = detect(trigger.body, sorted(codes))
    return (told.code,) if told.is_confident else ()
