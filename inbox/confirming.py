"""What do we say when somebody opts out, opts in or asks for help? One text, once, in our name."""

from compliance.gate import Purpose
from compliance.wording import with_name
from inbox.autoreply import remember_auto_reply
from inbox.models import Message, Thread
from inbox.sending import queue_message
from inbox.story import Story

_TEXTS = {
    Purpose.OPT_OUT_CONFIRMATION: "opt_out_text",
    Purpose.OPT_IN_CONFIRMATION: "opt_in_text",
    Purpose.HELP_REPLY: "help_text",
}


def send_confirmation(purpose: Purpose, thread: Thread, trigger: Message, story: Story) -> None:
    """Queue what answers a keyword or a wish; the database refuses a second one for a message.

    A text that does not name the business is given its name: whoever gets it may know us by no
    other (compliance reference 11, G10a). The thread must be locked.
    """
    inbox = thread.sender.inbox
    reply = queue_message(
        thread=thread,
        conversation=trigger.conversation,
        body=with_name(getattr(inbox, _TEXTS[purpose]), thread.sender.account.name),
        purpose=purpose,
        bot_name=inbox.bot_name,
        story=story,
    )
    remember_auto_reply(reply, trigger, kind=purpose.value, window=trigger.public_id)
