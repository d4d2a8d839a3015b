"""With which WhatsApp template is somebody asked whether they consent, once the 24 hours are over?

An account chooses one of its approved templates for each language and connection. What stands in
its places may name the business, the inbox and the number that asks. Product behaviour, not legal
advice.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.english import noop
from accounts.models import Account, TwilioAccount, User
from compliance.asking_texts import AskingKind, asking_problems
from compliance.judging import SERVICE_WINDOW
from compliance.keyword_table import language_of
from inbox.models import Sender, Thread, WhatsAppTemplate
from inbox.refusals import MissingInputError
from inbox.sending import Chosen, choose_template
from inbox.template_words import FillingError, fill_in, places_of

BUSINESS, INBOX, NUMBER = "{business}", "{inbox}", "{number}"
NAMED = (BUSINESS, INBOX, NUMBER)
MARKETING = "MARKETING"
NO_TEMPLATE = noop(
    "WhatsApp allows free text only for 24 hours after their last message, and no template is "
    "chosen for this question. Choose one under Settings, Compliance, Asking for consent, and "
    "report the opt-in again; or wait until they write."
)
_COLUMNS = ("asks_in", "asks_with")


def is_open(thread: Thread, at: datetime) -> bool:
    """Say whether WhatsApp lets free text through on a thread at this moment."""
    wrote = thread.last_inbound_at
    return wrote is not None and at - wrote <= SERVICE_WINDOW


def chosen_templates(account: Account, language: str = "") -> list[WhatsAppTemplate]:
    """Return the templates that ask, by language; of one language only, if it is named."""
    rows = WhatsAppTemplate.objects.filter(account=account).exclude(asks_in="")
    rows = rows.filter(asks_in=language) if language else rows
    return list(rows.select_related("twilio_account").order_by("asks_in", "twilio_account"))


def askable_templates(account: Account) -> list[WhatsAppTemplate]:
    """Return the templates that may be chosen: approved, and of the category that offers need."""
    rows = WhatsAppTemplate.objects.filter(
        account=account,
        status=WhatsAppTemplate.Status.APPROVED,
        category__iexact=MARKETING,
        gone_at=None,
    )
    return list(rows.select_related("twilio_account").order_by("name", "language", "pk")[:200])


def template_for(thread: Thread, languages: Iterable[str]) -> tuple[Chosen, str] | None:
    """Return the template that asks on a thread, filled in, with the language it asks in.

    `languages` are tags, the best first; at the end stands English. None where nothing is chosen
    for the connection that the thread's number is in. Raises MissingInputError where what was
    chosen cannot be filled in any more.
    """
    rows = WhatsAppTemplate.objects.filter(twilio_account=thread.sender.twilio_account_id)
    ask = {row.asks_in: row for row in rows.exclude(asks_in="").order_by("asks_in")}
    for tag in (*filter(None, languages), "en"):
        family = (row for code, row in ask.items() if language_of(code) == language_of(tag))
        if row := ask.get(tag) or next(family, None):
            values = named_values(row.asks_with, thread.sender)
            return choose_template(thread, row.content_sid, values), language_of(row.asks_in)
    return None


def named_values(values: Mapping[str, str], sender: Sender) -> dict[str, str]:
    """Put the names of the business, the inbox and the number into what stands in the places."""
    names = {
        BUSINESS: sender.account.name,
        INBOX: sender.inbox.name,
        NUMBER: sender.address.removeprefix("whatsapp:"),
    }
    return {place: _named(str(value), names) for place, value in values.items()}


def _named(value: str, names: Mapping[str, str]) -> str:
    for name, words in names.items():
        value = value.replace(name, words)
    return value


def let_it_ask(
    *,
    account: Account,
    template: WhatsAppTemplate,
    language: str,
    values: Mapping[str, str],
    by: User,
    now: datetime,
) -> None:
    """Choose the template that asks in a language; it replaces the one of the same connection.

    `values` say what stands in each place of it. Raises MissingInputError with everything that is
    wrong with the template or with what it says then.
    """
    given = {name: value.strip() for name, value in values.items()}
    _refuse_unfit(account, template, language, given)
    with transaction.atomic(durable=True):
        # Two who choose at the same time wait for each other.
        TwilioAccount.objects.select_for_update(no_key=True).get(pk=template.twilio_account_id)
        before = WhatsAppTemplate.objects.filter(
            twilio_account=template.twilio_account_id, asks_in=language
        )
        for row in before.exclude(pk=template.pk):
            _change(row, "", {}, by, now=now)
        row = WhatsAppTemplate.objects.select_for_update().get(pk=template.pk)
        if row.asks_in not in ("", language):
            words = _("This template asks in another language already. Take it back there first.")
            raise MissingInputError(words)
        _change(row, language, given, by, now=now)


def let_it_not_ask(*, template: WhatsAppTemplate, by: User, now: datetime) -> None:
    """Let a template ask nobody any more."""
    with transaction.atomic(durable=True):
        row = WhatsAppTemplate.objects.select_for_update().get(pk=template.pk)
        _change(row, "", {}, by, now=now)


def _change(
    row: WhatsAppTemplate, language: str, values: Mapping[str, str], by: User, *, now: datetime
) -> None:
    was = audit.snapshot(row, _COLUMNS)
    row.asks_in, row.asks_with = language, dict(values)
    if not (changes := audit.changes(was, audit.snapshot(row, _COLUMNS))):
        return
    row.save(update_fields=_COLUMNS)
    audit.record(
        action="consent_template_changed",
        subject=row.name,
        now=now,
        actor=by,
        account_id=row.account_id,
        row=str(row.pk),
        changes=changes,
    )


def _refuse_unfit(
    account: Account, template: WhatsAppTemplate, language: str, values: Mapping[str, str]
) -> None:
    if not template.is_usable:
        raise MissingInputError(_("WhatsApp has not approved this template. Choose another."))
    if template.category.upper() != MARKETING:
        words = _("This question needs a template of the category Marketing; this one is not.")
        raise MissingInputError(words)
    senders = Sender.objects.in_use().filter(
        twilio_account=template.twilio_account_id, kind=Sender.Kind.WHATSAPP
    )
    senders = senders.select_related("account", "inbox").order_by("pk")
    if not senders:
        raise MissingInputError(_("No inbox has a WhatsApp number of this connection yet."))
    for sender in senders:
        said = says(template, named_values(values, sender))
        problems = asking_problems(
            AskingKind.CONFIRM, said, language=language, names=(account.name,)
        )
        if wrong := [one.words for one in problems if one.is_error]:
            raise MissingInputError(" ".join(wrong))


def says(template: WhatsAppTemplate, values: Mapping[str, str]) -> str:
    """Return what a template says with these values. Raises MissingInputError."""
    samples = {str(name): str(sample) for name, sample in template.variables.items()}
    # Of what was posted only the places of this template count.
    names = {place.name for place in places_of(template.body, samples)}
    try:
        return fill_in(template.body, samples, {k: v for k, v in values.items() if k in names})[0]
    except FillingError as error:
        raise MissingInputError(error.reason) from error
