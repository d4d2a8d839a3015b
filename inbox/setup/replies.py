"""What does an inbox say by itself? Changed reply by reply, and what if two change one at once."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from inbox.models import TeamInbox
from inbox.setup.consent_words import PLAIN, ConsentWords, consent_words
from inbox.setup.reply_variables import variables_of
from inbox.setup.reply_words import AnyReply, changed, told, told_all
from inbox.setup.way_out import OPEN, WayOut, way_out_of
from routing.reading import DocumentError
from routing.replies import (
    AfterHoursReply,
    FirstMessageReply,
    KeywordReply,
    Replies,
    StillWaitingReply,
    reply_problems,
)
from routing.reply_documents import MOST_KEYWORD_REPLIES, document_of, read_replies
from routing.sentences import Names
from routing.texts import BUILT_IN, Problem
from routing.wording import Variant


class RepliesError(Exception):
    """Something about replies is refused; `reason` is fit for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ReplyProblemsError(RepliesError):
    """The texts have problems: errors forbid to save them, warnings want to be confirmed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        self.is_forbidden = any(one.is_error for one in problems)
        super().__init__("; ".join(one.words for one in problems))


@dataclass(frozen=True)
class Difference:
    """One point that reads otherwise now than what was about to be saved."""

    label: str
    now: str


class ReplyChangedError(RepliesError):
    """Somebody else saved meanwhile. `seen` is the mark of what is there now."""

    def __init__(self, differences: Sequence[Difference], seen: str) -> None:
        super().__init__(_("Somebody else changed this after you opened the page."))
        self.differences, self.seen = tuple(differences), seen


# --- Reading ---


def own_replies(inbox: TeamInbox) -> Replies:
    """Return what the document of an inbox says, with its name. Raises RepliesError."""
    try:
        replies = read_replies(inbox.replies)
    except DocumentError as error:
        words = _("What this inbox says by itself cannot be read: %(problem)s")
        raise RepliesError(words % {"problem": error.problems[0]}) from error
    return replace(replies, inbox_name=inbox.name, bot_name=inbox.bot_name)


def mark_of(reply: AnyReply | None) -> str:
    """Return what tells a reply from any other state of it; blank if there is none."""
    if reply is None:
        return ""
    return mark_of_all(_with(Replies(), reply))


def mark_of_all(replies: Replies) -> str:
    """Return what tells everything an inbox says from any other state of it."""
    written = json.dumps(document_of(replace(replies, variables=BUILT_IN)), sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:16]


def _with(replies: Replies, reply: AnyReply) -> Replies:
    """Put a reply in its place; a keyword reply takes the place of all."""
    if isinstance(reply, AfterHoursReply):
        return replace(replies, after_hours=reply)
    if isinstance(reply, FirstMessageReply):
        return replace(replies, first_message=reply)
    if isinstance(reply, StillWaitingReply):
        return replace(replies, still_waiting=reply)
    return replace(replies, keyword=(reply,))


def names_in(account_id: int) -> Names:
    """Return what people are called whom conditions name."""
    return Names(dict(User.objects.filter(account=account_id).values_list("pk", "name")))


def keyword_named(replies: Replies, name: str) -> KeywordReply | None:
    """Return the keyword reply of a name, whatever its case."""
    wanted = name.casefold()
    return next((one for one in replies.keyword if one.name.casefold() == wanted), None)


# --- Changing ---


def save_reply(
    *,
    inbox: TeamInbox,
    reply: AnyReply,
    seen: str,
    was: str = "",
    by: User,
    now: datetime,
    is_sure: bool = False,
) -> TeamInbox:
    """Keep one reply. `seen` is the mark of what the page showed, `was` a keyword reply's old name.

    Raises ReplyChangedError if it is not what was seen, ReplyProblemsError for errors in its texts
    or warnings that were not confirmed, RepliesError for a name that is taken.
    """

    def change(replies: Replies) -> Replies:
        there = _there(replies, reply, was)
        if mark_of(there) != seen:
            names = names_in(inbox.account_id)
            raise ReplyChangedError(_differences(there, reply, names), mark_of(there))
        nothing_else = replace(
            replies, keyword=(), after_hours=None, first_message=None, still_waiting=None
        )
        _refuse(
            _problems_in(_with(nothing_else, reply), inbox),
            is_sure=is_sure,
        )
        if isinstance(reply, KeywordReply):
            return _with_keyword(replies, reply, there)
        return _with(replies, reply)

    return _change(inbox, change, by=by, now=now)


def save_language(
    *, inbox: TeamInbox, language: str, seen: str, by: User, now: datetime
) -> TeamInbox:
    """Choose who speaks where a customer's language is not clear; blank: the inbox's language."""

    def change(replies: Replies) -> Replies:
        if replies.default_language not in (seen, language):
            there = [Difference(_("Language"), replies.default_language)]
            raise ReplyChangedError(there, replies.default_language)
        return replace(replies, default_language=language)

    return _change(inbox, change, by=by, now=now)


def move_keyword(*, inbox: TeamInbox, name: str, by_places: int, by: User, now: datetime) -> None:
    """Let a keyword reply be asked earlier (-1) or later (1); at the end of the list it stays."""

    def change(replies: Replies) -> Replies:
        names = [one.name.casefold() for one in replies.keyword]
        if name.casefold() not in names:
            raise RepliesError(_("Somebody deleted this reply meanwhile."))
        order, place = list(replies.keyword), names.index(name.casefold())
        moved = order.pop(place)
        order.insert(max(0, place + by_places), moved)
        return replace(replies, keyword=tuple(order))

    _change(inbox, change, by=by, now=now)


def delete_keyword(*, inbox: TeamInbox, name: str, seen: str, by: User, now: datetime) -> None:
    """Delete a keyword reply. `seen` is the mark of what the page showed.

    Raises RepliesError if it is gone already, or if somebody else changed it since.
    """

    def change(replies: Replies) -> Replies:
        gone = keyword_named(replies, name)
        if gone is None:
            raise RepliesError(_("Somebody deleted this reply meanwhile."))
        if mark_of(gone) != seen:
            raise RepliesError(_("Not deleted: somebody changed this reply. Look at it again."))
        return replace(replies, keyword=tuple(one for one in replies.keyword if one is not gone))

    _change(inbox, change, by=by, now=now)


def check_replies(*, inbox: TeamInbox, replies: Replies, is_sure: bool = False) -> None:
    """Raise ReplyProblemsError if an inbox may not say this: for warnings only unless sure."""
    known = replace(replies, variables=variables_of(inbox.account_id).known)
    _refuse(_problems_in(known, inbox), is_sure=is_sure)


def save_replies(
    *,
    inbox: TeamInbox,
    replies: Replies,
    seen: str,
    by: User,
    now: datetime,
    is_sure: bool = False,
) -> TeamInbox:
    """Keep everything an inbox says at once, as a document brings it.

    `seen` is the mark of all that it takes the place of. Raises as `save_reply` does.
    """

    def change(before: Replies) -> Replies:
        if mark_of_all(before) != seen:
            names = names_in(inbox.account_id)
            there = [Difference(*point) for point in told_all(before, names).items()]
            raise ReplyChangedError(there, mark_of_all(before))
        return _instead(before, replies, inbox, is_sure=is_sure)

    return _change(inbox, change, by=by, now=now)


def put_replies(
    *, inbox: TeamInbox, replies: Replies, by: User, now: datetime, is_sure: bool = False
) -> TeamInbox:
    """Keep everything an inbox says at once, in the caller's transaction, whatever was there.

    Raises ReplyProblemsError as `save_replies` does.
    """
    change = partial(_instead, replies=replies, inbox=inbox, is_sure=is_sure)
    return _changed_row(inbox, change, by=by, now=now)


def _instead(before: Replies, replies: Replies, inbox: TeamInbox, *, is_sure: bool) -> Replies:
    after = replace(replies, inbox_name=before.inbox_name, bot_name=before.bot_name)
    known = replace(after, variables=before.variables)
    _refuse(_problems_in(known, inbox), is_sure=is_sure)
    return after


def _change(
    inbox: TeamInbox, change: Callable[[Replies], Replies], *, by: User, now: datetime
) -> TeamInbox:
    with transaction.atomic(durable=True):
        return _changed_row(inbox, change, by=by, now=now)


def _changed_row(
    inbox: TeamInbox, change: Callable[[Replies], Replies], *, by: User, now: datetime
) -> TeamInbox:
    """Change the document under its row's lock, and write down what changed."""
    variables = variables_of(inbox.account_id).known
    row = TeamInbox.objects.select_for_update(no_key=True).get(pk=inbox.pk)
    before = own_replies(row)
    after = replace(change(replace(before, variables=variables)), variables=variables)
    document = document_of(after)
    names = names_in(row.account_id)
    told_changes = changed(told_all(before, names), told_all(after, names))
    # Two people may have one name: conditions may differ and read the same.
    if document == row.replies or not (told_changes or before.keyword != after.keyword):
        return row
    row.replies = document
    row.settings_version += 1
    row.save(update_fields=["replies", "settings_version"])
    audit.record(
        action="replies_changed",
        subject=row.name,
        actor=by,
        account_id=row.account_id,
        now=now,
        row=str(row.pk),
        version=row.settings_version,
        changes=_cut(told_changes),
    )
    return row


def _cut(changes: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {
        label: {side: words[: audit.LONGEST_TEXT] for side, words in pair.items()}
        for label, pair in changes.items()
    }


def _there(replies: Replies, reply: AnyReply, was: str) -> AnyReply | None:
    if isinstance(reply, KeywordReply):
        return keyword_named(replies, was) if was else None
    if isinstance(reply, AfterHoursReply):
        return replies.after_hours
    return replies.first_message if isinstance(reply, FirstMessageReply) else replies.still_waiting


def _with_keyword(replies: Replies, reply: KeywordReply, there: AnyReply | None) -> Replies:
    """Put a keyword reply in its place, a new one at the end."""
    others = [one for one in replies.keyword if one is not there]
    if any(one.name.casefold() == reply.name.casefold() for one in others):
        raise RepliesError(_("There is another reply of this name. Choose a different one."))
    if there is None and len(others) >= MOST_KEYWORD_REPLIES:
        raise RepliesError(_("There are %d replies already: delete one first.") % len(others))
    if there is None:
        return replace(replies, keyword=(*others, reply))
    order = tuple(reply if one is there else one for one in replies.keyword)
    return replace(replies, keyword=order)


def _differences(there: AnyReply | None, typed: AnyReply, names: Names) -> list[Difference]:
    if there is None:
        return [Difference(_("This reply"), _("deleted"))]
    now, mine = told(there, names), told(typed, names)
    return [Difference(label, words) for label, words in now.items() if mine.get(label) != words]


# --- What is wrong ---


def _speaking(replies: Replies, inbox: TeamInbox) -> Replies:
    language = replies.default_language or inbox.language or "en"
    return replace(replies, default_language=language)


def _problems_in(replies: Replies, inbox: TeamInbox) -> list[Problem]:
    spoken = _speaking(replies, inbox)
    return problems_of(spoken, words_of_inbox(inbox, spoken), way_out_of(inbox.account, inbox))


def _refuse(problems: Sequence[Problem], *, is_sure: bool) -> None:
    if any(one.is_error for one in problems) or (problems and not is_sure):
        raise ReplyProblemsError(problems)


def problems_of(
    replies: Replies, words: ConsentWords = PLAIN, way_out: WayOut = OPEN
) -> list[Problem]:
    """Return what is wrong with texts and phrases: errors forbid, warnings ask.

    `words` say what customers' words mean in the account, `way_out` whom the inbox answers.
    """
    found = [*reply_problems(replies), *_consent_problems(replies, words)]
    return [*found, *_stop_problems(replies, way_out)]


def _stop_problems(replies: Replies, way_out: WayOut) -> Iterator[Problem]:
    """Look for texts to people who could not stop them."""
    said = (
        way_out.missing(one.text.source, {place.partition("-")[0] for place in one.places})
        for one in _every_wording(replies)
    )
    for words in dict.fromkeys(filter(None, said)):
        yield Problem(words, is_error=False)


def words_of_inbox(inbox: TeamInbox, replies: Replies) -> ConsentWords:
    """Return what customers' words mean in an inbox, for `problems_of`."""
    languages = {one.language for one in _every_wording(replies)}
    return consent_words(inbox.account, (inbox.language, replies.default_language, *languages))


def _consent_problems(replies: Replies, words: ConsentWords) -> Iterator[Problem]:
    """Look for words that say something about consent: whoever writes those reaches no reply."""
    for phrase in (one for reply in replies.keyword for one in reply.phrases):
        if words.is_wish(phrase):
            said = _("“%(word)s” alone is a wish about consent: such a message reaches no reply.")
            yield Problem(said % {"word": phrase}, is_error=False)
    for variant in _every_wording(replies):
        yield from _consent_problems_of(variant, words)


def _consent_problems_of(variant: Variant, words: ConsentWords) -> Iterator[Problem]:
    source = variant.text.source
    if words.read(source, (variant.language,)).kind == "exact":
        said = _("A text of nothing but “%(text)s” reads as a wish about consent.")
        yield Problem(said % {"text": source})
    for one in words.misleading(source):
        yield Problem(str(one), is_error=False)


def _every_wording(replies: Replies) -> Iterator[Variant]:
    for reply in replies.keyword:
        yield from reply.variants
    if replies.after_hours:
        yield from replies.after_hours.variants
        yield from replies.after_hours.holiday_variants
    for one in (replies.first_message, replies.still_waiting):
        yield from one.variants if one else ()
