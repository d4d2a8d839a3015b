"""What do we say when somebody opts out, opts in or asks for help? One text, once, in our name.

After an opt-out it may ask which programme they keep: in the place of the confirmation, never
beside it, since it must be the only text that follows (47 CFR 64.1200(a)(12)).
"""

from datetime import timedelta

from compliance.asking_settings import Asking, asking_of
from compliance.asking_texts import AskingKind, asking_text, with_programmes
from compliance.consent_texts import Kind
from compliance.gate import Purpose
from compliance.wording import with_name
from inbox.autoreply import remember_auto_reply
from inbox.consent_wording import Wording, consent_wording, own_language, texts_in
from inbox.models import ConsentQuestion, Message, Thread
from inbox.questions import CLARIFY, end_open
from inbox.sending import queue_message
from inbox.story import Story
from routing.languages import detect

_KINDS = {
    Purpose.OPT_OUT_CONFIRMATION: Kind.OPT_OUT,
    Purpose.OPT_IN_CONFIRMATION: Kind.OPT_IN,
    Purpose.HELP_REPLY: Kind.HELP,
}
# So long an answer to the question which programme they keep counts.
CHOOSE_WITHIN = timedelta(hours=72)


def send_confirmation(
    purpose: Purpose, thread: Thread, trigger: Message, story: Story, *, event: int | None = None
) -> None:
    """Queue what answers a keyword or a wish; the database refuses a second one for a message.

    `event` is the opt-out's number in the ledger. A text that does not name the business is given
    its name: whoever gets it may know us by no other (compliance reference 11, G10a). The thread
    must be locked.
    """
    inbox = thread.sender.inbox
    asking = asking_of(thread.account_id) if purpose is Purpose.OPT_OUT_CONFIRMATION else Asking()
    clarifies = asking.may_clarify and event is not None
    if clarifies:
        said = _clarifying(asking, thread, trigger)
    else:
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
    if clarifies and event is not None:
        _ask_which(asking, reply, said, thread, event, story)


def _clarifying(asking: Asking, thread: Thread, trigger: Message) -> Wording:
    """Return the text that confirms an opt-out and asks which programme they keep."""
    texts = asking.texts.get(AskingKind.CLARIFY.value, {})
    told = detect(trigger.body, sorted({*texts, own_language(thread.sender.inbox), "en"}))
    spoken = (thread.contact.language, told.code if told.is_confident else "")
    languages = (*spoken, own_language(thread.sender.inbox))
    name = thread.sender.account.name
    text, language = asking_text(AskingKind.CLARIFY, asking.texts, languages, name)
    return Wording(with_programmes(text, asking.programmes), language)


def _ask_which(
    asking: Asking, reply: Message, said: Wording, thread: Thread, event: int, story: Story
) -> None:
    end_open(thread, CLARIFY, "*", now=story.now)
    ConsentQuestion.objects.create(
        account_id=thread.account_id,
        thread=thread,
        message=reply,
        kind=CLARIFY,
        choices=[one.as_json() for one in asking.programmes],
        language=said.language,
        event=event,
        asked_at=story.now,
        ends_at=story.now + CHOOSE_WITHIN,
    )


def _languages(thread: Thread, trigger: Message) -> tuple[str, ...]:
    """Return the customer's languages, the best first: noted, then told from what they wrote."""
    inbox, noted = thread.sender.inbox, thread.contact.language
    if noted or not inbox.consent_texts:
        return (noted,)
    codes = {own_language(inbox)}.union(*(texts_in(inbox, kind) for kind in Kind))
    told = detect(trigger.body, sorted(codes))
    return (told.code,) if told.is_confident else ()
