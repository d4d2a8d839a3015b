"""What does the gate say of a text, for people as they come? For whoever writes texts ahead.

The same gate as for every message that is sent (`sending.verdict_if`). The people are made up: one
who just wrote, at noon and at night, one who opted out, and so on. Product behaviour, not legal
advice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import phonenumbers
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from phonenumbers import PhoneNumberType

from compliance.addresses import Address, parse_address
from compliance.cases import Known, sender_kind
from compliance.gate import Purpose, Reason, Verdict
from compliance.in_force import rules_in_force
from compliance.judging import OFFERS, Answer, Finding, Mark
from compliance.jurisdictions import Jurisdiction
from compliance.models import Consent
from compliance.promoting import promotion_in
from compliance.state_machine import ConsentState
from compliance.whereabouts import whereabouts
from inbox.models import Sender, TeamInbox
from inbox.sending import Door, Draft, Supposed, door_of, verdict_if
from inbox.setup.consent_words import ConsentWords, consent_words
from inbox.setup.way_out import OPEN, WayOut, way_out_of

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
NOON, NIGHT = 12, 3
_WEDNESDAY = 2
LABELS: Mapping[Answer, str | Promise] = {
    Answer.ALLOW: gettext_lazy("It goes"),
    Answer.DEFER: gettext_lazy("It waits"),
    Answer.ASK: gettext_lazy("Its author is asked"),
    Answer.BLOCK: gettext_lazy("It does not go"),
}
_OUT = frozenset({"out", "confirmed", "late"})


@dataclass(frozen=True)
class RuleSaid:
    """One rule that spoke: its code and words, and the country's row with its source and status."""

    code: str
    words: str
    answer: str
    row: Jurisdiction | None = None


@dataclass(frozen=True)
class VerdictTold:
    """What the gate says, for people: `rules` are all that spoke, the first decides."""

    answer: str
    label: str
    code: str
    words: str
    until: datetime | None
    rules: tuple[RuleSaid, ...]
    notices: tuple[RuleSaid, ...]
    pack_version: str


@dataclass(frozen=True)
class Cell:
    """What the gate says of a message from one number of ours."""

    sender: str
    verdict: VerdictTold

    @property
    def label(self) -> str:
        """Name the number and its channel."""
        number = self.sender.removeprefix("whatsapp:")
        return f"{'SMS' if number == self.sender else 'WhatsApp'} · {number}"


@dataclass(frozen=True)
class Line:
    """One person as they come, and what the gate says for each channel that they may come by."""

    name: str
    who: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Verdicts:
    """What the gate says for everybody. Without `senders` the inbox has no number to send from."""

    senders: tuple[str, ...]
    lines: tuple[Line, ...]


def verdict_told(verdict: Verdict) -> VerdictTold:
    """Put a verdict into words, with the rows of countries that it rests on."""
    return VerdictTold(
        answer=verdict.answer.value,
        label=str(LABELS[verdict.answer]),
        code=verdict.reason.value,
        words=verdict.words,
        until=verdict.until,
        rules=tuple(_said(verdict.findings)),
        notices=tuple(_said(verdict.notices)),
        pack_version=verdict.pack_version,
    )


def _said(findings: Iterable[Finding]) -> Iterator[RuleSaid]:
    rows = rules_in_force().pack.rows
    for one in findings:
        yield RuleSaid(one.code, one.words, one.answer.value, rows.get(one.rule))


# --- For people as they come ---------------------------------------------------------------------


def verdicts_on(inbox: TeamInbox, purpose: Purpose, *, now: datetime) -> Verdicts:
    """Say what the gate says from each channel of an inbox, to people as they come.

    What does not hang on the words: those are looked at by `wording_of`.
    """
    senders = _one_of_each_channel(inbox)
    doors = [door_of(sender, now=now) for sender in senders]
    people = [_people(sender, purpose, now=now) for sender in senders]
    names = dict.fromkeys(name for of in people for name in of)
    lines = [
        Line(
            name,
            str(_PEOPLE[name]),
            tuple(
                Cell(door.sender.address, verdict_told(verdict_if(door, of[name], Draft(purpose))))
                for door, of in zip(doors, people, strict=True)
                if name in of
            ),
        )
        for name in names
    ]
    return Verdicts(tuple(sender.address for sender in senders), tuple(lines))


@dataclass(frozen=True)
class Reader:
    """Looks at words as the gate would: for one inbox, asked once for many texts."""

    door: Door | None
    words: ConsentWords
    now: datetime
    way_out: WayOut = OPEN

    def notices(self, text: str, purpose: Purpose, *, is_first: bool) -> tuple[str, ...]:
        """Return what the author of a text should know; `is_first`: nobody knows us before it."""
        found = [str(one) for one in self.words.misleading(text)]
        if purpose not in OFFERS and (offer := promotion_in(text)):
            words = _("“%(words)s” reads like an offer. Offers need consent, and their own hours.")
            found.append(words % {"words": offer})
        if purpose is Purpose.AUTO_REPLY and text.strip():
            found += filter(None, [self.way_out.missing(text)])
        if self.door and text.strip():
            person = _person("noon", _at_home(self.door.sender), now=self.now)
            draft = Draft(purpose, text)
            verdict = verdict_if(self.door, replace(person, is_first=is_first), draft)
            found += [
                one.words for one in (*verdict.findings, *verdict.notices) if _is_of_words(one)
            ]
        return tuple(found)


def reader_of(inbox: TeamInbox, *, now: datetime) -> Reader:
    """Return who looks at texts of an inbox."""
    senders = _one_of_each_channel(inbox)
    door = door_of(senders[0], now=now) if senders else None
    words = consent_words(inbox.account, [inbox.language])
    return Reader(door, words, now, way_out_of(inbox.account, inbox))


def _is_of_words(finding: Finding) -> bool:
    return finding.code in (Reason.NO_IDENTITY, Reason.NO_OPTOUT_NOTICE)


def _one_of_each_channel(inbox: TeamInbox) -> Sequence[Sender]:
    """Return the first number and the first WhatsApp sender of an inbox, as far as there are."""
    rows = Sender.objects.in_use().filter(inbox=inbox).select_related("account").order_by("pk")
    first: dict[bool, Sender] = {}
    for row in rows:
        first.setdefault(row.is_whatsapp, row)
    return [first[is_whatsapp] for is_whatsapp in (False, True) if is_whatsapp in first]


_PEOPLE: Mapping[str, str | Promise] = {
    "noon": gettext_lazy("Wrote a minute ago, at noon where they are"),
    "night": gettext_lazy("Wrote a minute ago, at three in the night where they are"),
    "agreed": gettext_lazy("Agreed in writing to get offers; it is noon where they are"),
    "agreed_night": gettext_lazy("Agreed in writing, at three in the night where they are"),
    "long_ago": gettext_lazy("Wrote so long ago that the conversation is over"),
    "held": gettext_lazy("Wrote what may be a request to stop; nobody has decided yet"),
    "out": gettext_lazy("Opted out a minute ago"),
    "confirmed": gettext_lazy("Opted out, and was told so already"),
    "late": gettext_lazy("Opted out ten minutes ago, and was not told yet"),
    "refused": gettext_lazy("Texted STOP, so that the carrier refuses messages to them"),
    "marked": gettext_lazy("Was marked do-not-contact"),
    "abroad": gettext_lazy("Is where nobody can answer such a number"),
}
_ANSWERS = ("noon", "night", "long_ago", "held", "out", "refused", "marked", "abroad")
_UNASKED = ("noon", "agreed", "agreed_night", "held", "out", "refused", "marked", "abroad")
_CONFIRMATION = ("out", "confirmed", "late", "refused", "marked")
_LEGAL = ("noon", "night", "out", "refused", "marked")


def _names_for(purpose: Purpose) -> tuple[str, ...]:
    if purpose is Purpose.OPT_OUT_CONFIRMATION:
        return _CONFIRMATION
    if purpose in (Purpose.OPT_IN_CONFIRMATION, Purpose.HELP_REPLY):
        return _LEGAL
    is_answer = purpose in (Purpose.REPLY, Purpose.AUTO_REPLY, Purpose.TEST)
    return _ANSWERS if is_answer else _UNASKED


def _people(sender: Sender, purpose: Purpose, *, now: datetime) -> Mapping[str, Supposed]:
    """Return the people that matter for a purpose, as they would write to one of our numbers."""
    home, abroad = _at_home(sender), _abroad(sender)
    found = {}
    for name in _names_for(purpose):
        address = abroad if name == "abroad" else home
        if address:
            found[name] = _person(name, address, now=now)
    return found


def _person(name: str, address: Address, *, now: datetime) -> Supposed:
    is_night = name in ("night", "agreed_night")
    at = _moment(address, NIGHT if is_night else NOON, now=now)
    since = at - _MINUTE * (10 if name == "late" else 1)
    wrote = at - _DAY * 40 if name == "long_ago" else since
    return Supposed(
        address,
        at,
        _known(name, since),
        wrote_at=None if name.startswith("agreed") else wrote,
        asked_at=since,
        confirmed_at=since if name == "confirmed" else None,
    )


def _moment(address: Address, hour: int, *, now: datetime) -> datetime:
    """Return the next Wednesday but one at an hour of their own clock: no weekend, and not past."""
    there = now.astimezone(whereabouts(address).zones[0])
    days = 7 + (_WEDNESDAY - there.weekday()) % 7
    return (there + _DAY * days).replace(hour=hour, minute=0, second=0, microsecond=0)


def _known(name: str, since: datetime) -> Known:
    if name in _OUT or name == "refused":
        out = Consent(state=ConsentState.OPTED_OUT, since=since, opted_out_at=since, words="STOP")
        return Known(out, is_refused=name == "refused")
    if name == "held":
        words = _("please no more")
        return Known(Consent(state=ConsentState.HELD, since=since, words=words))
    if name.startswith("agreed"):
        agreed = Consent(state=ConsentState.OPTED_IN, since=since, basis="express_written")
        return Known(agreed)
    wrote = Consent(state=ConsentState.CONVERSATIONAL, since=since)
    return Known(wrote, do_not_contact=Mark(_("An admin"), since) if name == "marked" else None)


def _at_home(sender: Sender) -> Address:
    """Return a made-up customer of the country of a number of ours, else of the account."""
    ours = sender.address.removeprefix("whatsapp:")
    country = whereabouts(parse_address(ours)).country if ours.startswith("+") else ""
    of_account = sender.account.default_country or "US"
    return _somebody_in(country, sender) or _somebody_in(of_account, sender) or _nobody(sender)


def _abroad(sender: Sender) -> Address | None:
    """Return a customer of the first country where nobody can answer such a number."""
    kind = sender_kind(_at_home(sender), sender.address)
    if sender.is_whatsapp:
        return None
    rows = rules_in_force().pack.rows.values()
    closed = (row.code for row in rows if "-" not in row.code and not row.can_answer(kind))
    return next(filter(None, (_somebody_in(code, sender) for code in closed)), None)


def _somebody_in(country: str, sender: Sender) -> Address | None:
    number = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    return _address(number, sender) if number else None


def _nobody(sender: Sender) -> Address:
    number = phonenumbers.parse("+14155550100")
    return _address(number, sender)


def _address(number: phonenumbers.PhoneNumber, sender: Sender) -> Address:
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return parse_address(f"whatsapp:{written}" if sender.is_whatsapp else written)
