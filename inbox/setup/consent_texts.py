"""What does an inbox answer to STOP, START and HELP? Changed language by language, and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from compliance.consent_texts import LONGEST, Kind, TextProblem, text_problems
from inbox.consent_wording import FIELDS, own_language, texts_in
from inbox.models import TeamInbox
from routing.reading import is_language

MOST_LANGUAGES = 40


class ConsentTextsError(Exception):
    """These texts cannot be kept; `problems` say why, for each text."""

    def __init__(self, reason: str, problems: tuple[TextProblem, ...] = ()) -> None:
        super().__init__(reason)
        self.reason, self.problems = reason, problems


@dataclass(frozen=True)
class ConsentTexts:
    """The three texts of an inbox in one language; blank language: its own."""

    language: str
    texts: Mapping[Kind, str]


def consent_texts(inbox: TeamInbox, language: str = "") -> ConsentTexts:
    """Return the three texts in a language; blank where there is none."""
    if is_own(inbox, language):
        own = {kind: str(getattr(inbox, field)) for kind, field in FIELDS.items()}
        return ConsentTexts("", own)
    found = {kind: texts_in(inbox, kind).get(language, "") for kind in Kind}
    return ConsentTexts(language, found)


def languages_of(inbox: TeamInbox) -> list[str]:
    """Return the languages besides the inbox's own in which there is any text."""
    return sorted({code for kind in Kind for code in texts_in(inbox, kind)})


def is_own(inbox: TeamInbox, language: str) -> bool:
    """Say whether this is the language of the inbox's own texts."""
    return not language or language == own_language(inbox)


def problems_of(inbox: TeamInbox, wanted: ConsentTexts) -> tuple[TextProblem, ...]:
    """Return what is wrong with texts, for errors as for warnings.

    A further language may leave a text out: then the inbox's own is sent.
    """
    language = wanted.language or own_language(inbox)
    names = (inbox.account.name, inbox.name)
    return tuple(
        problem
        for kind, text in wanted.texts.items()
        if text.strip() or not wanted.language
        for problem in text_problems(kind, text, language=language, names=names)
    )


def save_consent_texts(
    *, inbox: TeamInbox, wanted: ConsentTexts, version: int, by: User, now: datetime
) -> TeamInbox:
    """Keep the three texts in one language. `version` is the inbox's that the page was made from.

    Raises ConsentTextsError if one of them may not stand or somebody changed them meanwhile.
    """
    if wanted.language and not is_language(wanted.language):
        raise ConsentTextsError(_("Write the code of a language, such as es or pt-BR."))
    with transaction.atomic(durable=True):
        rows = TeamInbox.objects.select_for_update(no_key=True, of=("self",))
        row = rows.select_related("account").get(pk=inbox.pk)
        language = "" if is_own(row, wanted.language) else wanted.language
        tidy = ConsentTexts(language, {kind: t.strip() for kind, t in wanted.texts.items()})
        _check(row, tidy)
        return _kept(row, tidy, version=version, by=by, now=now)


def _check(row: TeamInbox, wanted: ConsentTexts) -> None:
    errors = tuple(one for one in problems_of(row, wanted) if one.is_error)
    if errors or any(len(text) > LONGEST for text in wanted.texts.values()):
        raise ConsentTextsError(_("These texts cannot be kept."), errors)
    if wanted.language and len({*languages_of(row), wanted.language}) > MOST_LANGUAGES:
        raise ConsentTextsError(_("There are %d languages already.") % MOST_LANGUAGES)


def _kept(
    row: TeamInbox, wanted: ConsentTexts, *, version: int, by: User, now: datetime
) -> TeamInbox:
    names = (*FIELDS.values(), "consent_texts")
    there, was = consent_texts(row, wanted.language), audit.snapshot(row, names)
    if dict(there.texts) == dict(wanted.texts):
        return row
    if row.settings_version != version:
        raise ConsentTextsError(_("Somebody changed this inbox meanwhile. Look at it again."))
    for kind, text in wanted.texts.items():
        _put(row, kind, wanted.language, text)
    row.settings_version += 1
    row.save(update_fields=[*names, "settings_version"])
    audit.record(
        action="consent_texts_changed",
        subject=row.name,
        actor=by,
        account_id=row.account_id,
        now=now,
        row=str(row.pk),
        language=wanted.language or own_language(row),
        changes=audit.changes(was, audit.snapshot(row, names)),
    )
    return row


def _put(row: TeamInbox, kind: Kind, language: str, text: str) -> None:
    if not language:
        setattr(row, FIELDS[kind], text)
        return
    others = {code: said for code, said in texts_in(row, kind).items() if code != language}
    if text:
        others[language] = text
    row.consent_texts = {**row.consent_texts, kind.value: others}
