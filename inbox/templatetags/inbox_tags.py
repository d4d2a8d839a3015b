"""Which small things do templates need: icons, times, names?"""

import re
from collections.abc import Hashable
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import urlsplit

from django import template
from django.templatetags.static import static
from django.utils import dateformat
from django.utils.html import escape, format_html, json_script, urlize
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from accounts.circumstances import numbers_are_hidden
from inbox import labels, previews, remedies
from inbox.carrier import ErrorKind
from inbox.markup import filled_for, kept_part
from inbox.models import (
    Attachment,
    Contact,
    ContactAddress,
    Conversation,
    ConversationEvent,
    Message,
)
from inbox.models.ids import client_id
from inbox.models.message import MENTION_NAMES
from inbox.tongues import language_name, languages_with
from inbox.twilio.errors import meaning_of
from inbox.words import client_words

QUOTE_LENGTH = 120
register = template.Library()


@register.simple_tag
def still(template: str) -> SafeString:
    """Include a part that shows nothing but words of the reader's language: drawn once for all."""
    return kept_part(template).filled({})


@register.simple_tag(takes_context=True)
def kept(context: template.Context, part: str, **facts: Hashable) -> SafeString:
    """Include a part that shows these facts and nothing else: drawn once for all who see the same.

    The part may also use `{% csrf_token %}` and `{{ here }}`, the address of the page around it.
    """
    return filled_for(context.get("request"), kept_part(part, **facts))


@register.simple_tag
def languages_for(code: str) -> tuple[tuple[str, str], ...]:
    """Return the languages that a customer may be noted for, with the one that is."""
    return languages_with([code])


@register.filter
def language(code: str) -> str:
    """Return what a language is called in itself."""
    return language_name(code)


@register.simple_tag
def once() -> str:
    """Make a key for a form: what is sent with it twice is done once."""
    return client_id()


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, label: str = "") -> SafeString:
    """Draw an icon of the sprite; with a label it speaks, without one it is decoration."""
    if not name:
        return SafeString("")
    sprite = f"{static('inbox/icons.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>',
            label,
            sprite,
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', sprite)


@register.simple_tag
def avatar(name: str, key: object, size: str = "") -> SafeString:
    """Draw a face: initials, or a figure for who has only a number, in a colour of its own."""
    kind = f" avatar-{size}" if size else ""
    return format_html(
        '<span class="avatar{} hue-{}" aria-hidden="true">{}</span>',
        kind,
        labels.hue_of(key),
        labels.initials(name) or icon("user"),
    )


@register.simple_tag
def words() -> SafeString:
    """Print the sentences that the page's script speaks."""
    return _words(get_language())


@lru_cache(maxsize=16)
def _words(language: str | None) -> SafeString:
    return json_script(client_words(), "client-words")


@register.simple_tag
def when(moment: datetime | None, show: str = "time") -> SafeString:
    """Print a time that the reader's browser puts into their own words and zone.

    Without scripts it reads as UTC. `show` is one of time, at, ago, day, full, until.
    """
    if moment is None:
        return SafeString("")
    utc = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" data-show="{}">{} UTC</time>',
        utc.isoformat(timespec="milliseconds"),
        show,
        dateformat.format(utc, "j M Y, H:i"),
    )


@register.simple_tag
def moment(at: datetime | None, zone: str = "") -> SafeString:
    """Print a time in a time zone (UTC when none is given), for pages without scripts."""
    if at is None:
        return SafeString("")
    local = labels.local(at, zone)
    return format_html(
        '<time datetime="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        labels.moment_words(at, zone),
    )


@register.filter
def millis(moment: datetime | None) -> str:
    """Return a moment as whole microseconds since 1970, for sorting in the browser."""
    return str(int(moment.timestamp() * 1_000_000)) if moment else ""


@register.filter
def linked(text: str) -> SafeString:
    """Escape a customer's text and make its addresses clickable, in a new tab."""
    html = urlize(text, nofollow=False, autoescape=True)
    # The text itself is escaped, so every anchor here is one that urlize made.
    opening = '<a target="_blank" rel="noopener noreferrer nofollow" href="'
    return mark_safe(html.replace('<a href="', opening))  # noqa: S308 - escaped above


@register.filter
def web_link(words: str) -> SafeString | str:
    """Let what a CRM says be followed where all of it is one https address; else it stays words."""
    parts = urlsplit(words) if words.startswith("https://") and words.split() == [words] else None
    if parts is None or not parts.hostname or parts.username is not None:
        return words
    return format_html(
        '<a class="link" href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>',
        words,
        parts.hostname,
    )


@register.filter
def note_words(message: Message) -> SafeString:
    """Write a note's text as `linked` does, with those whom it mentions marked."""
    html = linked(message.body)
    names = sorted(message.details.get(MENTION_NAMES, ()), key=len, reverse=True)
    if not names:
        return html
    either = "|".join(re.escape(escape(name)) for name in names)
    pattern = re.compile(rf"(?<![\w/])@({either})(?!\w)", re.IGNORECASE)
    # Every tag is one that `linked` made; between them everything is escaped.
    parts = re.split(r"(<[^>]*>)", html)
    marked = (
        part
        if part.startswith("<")
        else pattern.sub(r'<strong class="mention">\g<0></strong>', part)
        for part in parts
    )
    return mark_safe("".join(marked))  # noqa: S308 - escaped above


@register.filter
def customer(conversation: Conversation) -> str:
    """Name the customer of a conversation."""
    return labels.customer_name(conversation)


@register.filter
def customer_for_all(conversation: Conversation) -> str:
    """Name the customer of a conversation, the same for every reader."""
    return labels.name_for_all(conversation)


@register.filter
def number_for_all(conversation: Conversation) -> str:
    """Write the address of a conversation's customer, the same for every reader."""
    return labels.number_for_all(conversation)


@register.filter
def copied_for_all(conversation: Conversation) -> str:
    """Write a customer's address for copying, the same for every reader; blank if masked."""
    return labels.copied_for_all(conversation)


@register.filter
def copied(row: ContactAddress) -> str:
    """Write an address for copying: whole, or nothing for whom it is masked."""
    return "" if numbers_are_hidden() else row.phone or row.raw


@register.filter
def address(row: ContactAddress) -> str:
    """Write a customer's address as people do."""
    return labels.shown_address(row)


@register.filter
def own_name(name: str) -> str:
    """Write what a contact is called; a number in it is masked where numbers are."""
    return labels.name_words(name)


@register.filter
def about(words: str, contact: Contact) -> str:
    """Write what is known of a contact, their numbers masked where numbers are."""
    return labels.words_about(contact, words)


@register.filter
def notes_words(contact: Contact) -> str:
    """Write the notes about a contact, their numbers masked where numbers are."""
    return labels.words_about(contact, contact.notes)


@register.filter
def said(message: Message) -> str:
    """Write what a message says, the same for every reader."""
    return labels.said(message)


@register.filter
def reaction(message: Message) -> labels.Reaction | None:
    """Return with what the customer reacts to a message, if they do."""
    return labels.reaction_to(message)


@register.filter
def last_words(conversation: Conversation) -> str:
    """Say the last words of a conversation, or what stands for a file, to its reader."""
    return previews.preview_words(labels.last_words(conversation))


@register.filter
def phone(number: str) -> str:
    """Write a number in international form."""
    return labels.phone_words(number)


@register.filter
def initials(name: str) -> str:
    """Return one or two letters for a name."""
    return labels.initials(name)


@register.filter
def letters(name: str) -> str:
    """Return two letters for a team's inbox."""
    return labels.letters(name)


@register.filter
def preview_words(preview: str) -> str:
    """Say the last words of a conversation, or what stands for a file."""
    return previews.preview_words(preview)


@register.filter
def kind(file: Attachment) -> str:
    """Say what kind of file it is."""
    return labels.file_words(file)


@register.filter
def hue(key: object) -> int:
    """Pick a colour for a key."""
    return labels.hue_of(key)


@register.filter
def channel(family: str) -> str:
    """Name a channel."""
    return labels.channel_words(family)


@register.filter
def channel_icon(family: str) -> str:
    """Choose the icon of a channel."""
    return _CHANNEL_ICONS.get(family, "message-square")


_CHANNEL_ICONS = {"whatsapp": "message-circle", "mms": "image"}


@register.filter
def status_words(message: Message) -> str:
    """Say how far a message got."""
    return labels.status_words(message)


@register.filter
def status_icon(message: Message) -> str:
    """Choose the icon for how far a message got."""
    return labels.STATUS_ICONS.get(Message.Status(message.status), "")


@register.filter
def reached_nobody(message: Message) -> bool:
    """Say whether a message failed because of where it went, not of what it said or of us."""
    is_over = message.status == Message.Status.FAILED and not message.is_inbound
    return is_over and meaning_of(message.error_code).kind is ErrorKind.RECIPIENT


@register.filter
def remedy(message: Message) -> remedies.Help:
    """Say what can be done about a message that did not arrive."""
    return remedies.help_for(message)


@register.filter
def answered_by(message: Message) -> str:
    """Name what an automatic message came from."""
    return labels.answered_by(message)


@register.filter
def spoken(message: Message) -> str:
    """Return the language of who wrote a message, as far as it is known at hand."""
    return labels.spoken(message)


@register.filter
def activity_words(event: ConversationEvent) -> str:
    """Tell what happened."""
    return labels.activity_words(event)


@register.filter
def activity_icon(event: ConversationEvent) -> str:
    """Choose the icon for what happened."""
    return labels.activity_icon(event)


@register.filter
def state_words(state: str) -> str:
    """Say whether a colleague is at work; nothing when that is not known."""
    return client_words()[f"agent_{state}"] if state else ""


@register.filter
def filesize(size: int) -> str:
    """Write a size in bytes shortly."""
    if size < 1024:
        return f"{size} B"
    if size < 1024 * 1024:
        return f"{size / 1024:.0f} KB"
    return f"{size / 1024 / 1024:.1f} MB"


@register.filter
def capped(number: int) -> str:
    """Write a count, from a hundred on as 99+."""
    return labels.capped(number)


@register.filter
def first_line(text: str) -> str:
    """Return the first line of what somebody wrote, cut to what a quote has room for."""
    line = next((one.strip() for one in text.splitlines() if one.strip()), "")
    return line if len(line) <= QUOTE_LENGTH else f"{line[: QUOTE_LENGTH - 1]}…"
