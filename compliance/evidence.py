"""What is known of one thing that happened to somebody's consent, and how well?

Values only: the ledger keeps them, the state machine judges them. Source of the list: the consent
records that 16 CFR 310.5(a)(8), section 7a UWG and the regulation under POPIA ask for.
"""

import hashlib
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

EVERY_PROGRAMME = "*"
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


class EventKind(TextChoices):
    """What happened. At most 14 characters."""

    OPT_OUT = "opt_out", _("Opted out")
    OPT_IN = "opt_in", _("Opted in")
    HELP = "help", _("Asked for help")
    CARRIER_BLOCK = "carrier_block", _("The carrier refuses messages to them")
    GRANT = "grant", _("Gave consent")
    ASKED = "asked", _("Was asked to confirm")
    PROPOSED = "proposed", _("Opt-in that waits for a second person")
    ASK_LAPSED = "ask_lapsed", _("Did not confirm in time")
    EXPIRED = "expired", _("Consent ran out")
    HELD = "held", _("May have asked to stop")
    HOLD_LIFTED = "hold_lifted", _("A person decided: not a request to stop")
    HOLD_LAPSED = "hold_lapsed", _("Nobody decided in time")
    WEAK_YES = "weak_yes", _("Said yes to a question while opted out")
    NO_CONTACT = "no_contact", _("Marked do-not-contact")
    CONTACT_AGAIN = "contact_again", _("Do-not-contact lifted")
    NO_MARKETING = "no_marketing", _("Stopped marketing messages")
    MARKETING = "marketing", _("Resumed marketing messages")
    REASSIGNED = "reassigned", _("The number has another owner")
    ERASED = "erased", _("Erased")
    VOID = "void", _("An earlier event was recorded in error")


class Source(TextChoices):
    """From where we know it. At most 20 characters."""

    INBOUND_KEYWORD = "inbound_keyword", _("They texted a keyword")
    INBOUND_FUZZY = "inbound_fuzzy", _("They said so in their own words")
    BUTTON = "button", _("They pressed a button")
    WEB_FORM = "web_form", _("They filled in a form")
    LINK = "link", _("They opened a link and confirmed")
    VERBAL = "verbal", _("They said so on the phone or in person")
    PAPER = "paper", _("They signed a paper")
    IMPORT = "import", _("Imported")
    AGENT = "agent", _("Recorded by an agent")
    PROVIDER_REFUSAL = "provider_21610", _("The carrier refused a message (21610)")
    PROVIDER_EVENT = "provider_event", _("The carrier told us (OptOutType)")
    ADMIN = "admin", _("Recorded by an admin")
    API = "api", _("Told by another system")
    LOOKUP_REASSIGNED = "lookup_reassigned", _("A look-up says the number was reassigned")
    LINKED = "linked", _("Said from another address of the same person")
    CLOCK = "clock", _("Time ran out")


class Basis(TextChoices):
    """What a consent rests on, the weakest first."""

    CONVERSATIONAL = "conversational", _("They wrote to us")
    INFERRED = "inferred", _("Inferred from a relationship")
    REGISTRY_CHECKED = "registry_checked", _("A do-not-call register was checked")
    SOFT_OPT_IN = "soft_opt_in", _("Customer of similar goods (soft opt-in)")
    EXPRESS = "express", _("Express")
    EXPRESS_WRITTEN = "express_written", _("Express, in writing")


class Quality(TextChoices):
    """How good the evidence is."""

    FIRST_HAND = "first_hand", _("First hand")
    IMPORTED_UNPROVEN = "imported_unproven", _("Imported without proof")
    ASSERTED_BY_AGENT = "asserted_by_agent", _("Asserted by an agent")


class OptOutScope(TextChoices):
    """For which channels of a person an opt-out counts. At most 6 characters."""

    FAMILY = "family", _("The channel that it is said on (SMS, MMS and RCS are one)")
    EVERY = "every", _("Every channel (“revoke all”)")


@dataclass(frozen=True)
class Wording:
    """The exact words that somebody was shown when they consented."""

    id: str
    version: str
    language: str
    text: str

    @property
    def sha256(self) -> str:
        """Return the hash that the ledger keeps of it: of the text in UTF-8."""
        text = self.text.encode(errors="surrogatepass")
        return hashlib.sha256(text).hexdigest() if text else ""


NO_WORDING = Wording("", "", "", "")


@dataclass(frozen=True)
class Personal:
    """What of an event says who somebody is or what they said; goes when they are erased.

    `words` is the keyword or phrase that was matched, `said` the whole message as it came. `ip` and
    `user_agent` are here in events of the ledger's first two formats; since then they are a `Web`.
    """

    address: str = ""
    words: str = ""
    said: str = ""
    reason: str = ""
    wording_text: str = ""
    page_url: str = ""
    ip: str = ""
    user_agent: str = ""
    note: str = ""


@dataclass(frozen=True)
class Web:
    """From where somebody acted on the web; kept for a shorter time than what else an event says.

    `ip` is the address of their connection, `user_agent` what their browser called itself.
    """

    ip: str = ""
    user_agent: str = ""


NOWHERE = Web()


@dataclass(frozen=True)
class Evidence:
    """One thing that happened, as who saw it tells it. `occurred_at` is when the person acted.

    Without `occurred_at` it happened when it is recorded. `supersedes` is the number of an earlier
    event of the same address that this one corrects; that needs a `reason`. `scope` is that of an
    opt-out as the account had settled it then; blank is the channel family.
    """

    kind: EventKind
    source: Source
    occurred_at: datetime | None = None
    programme: str = EVERY_PROGRAMME
    basis: str = ""
    quality: str = Quality.FIRST_HAND.value
    expires_at: datetime | None = None
    words: str = ""
    said: str = ""
    message_sid: str = ""
    rule_version: str = ""
    wording: Wording = NO_WORDING
    file_sha256: str = ""
    page_url: str = ""
    ip: str = ""
    user_agent: str = ""
    jurisdiction: str = ""
    pack_version: str = ""
    note: str = ""
    recorded_by: int | None = None
    supersedes: int | None = None
    reason: str = ""
    scope: str = ""

    def personal(self, address: str) -> Personal:
        """Return what of it is kept apart and encrypted, but for its `web`."""
        same = {one.name: getattr(self, one.name, "") for one in fields(Personal)}
        return Personal(
            **{**same, **asdict(NOWHERE), "address": address, "wording_text": self.wording.text}
        )

    @property
    def web(self) -> Web:
        """Return from where it was done on the web."""
        return Web(self.ip, self.user_agent)


def as_question(given: Evidence) -> Evidence:
    """Return an opt-in as what it is until it is confirmed: a question, asked now.

    The hours run from the question; when the person gave the opt-in is kept beside it.
    """
    when = f"Given at {given.occurred_at.isoformat()}." if given.occurred_at else ""
    note = " ".join(filter(None, (when, given.note)))
    return replace(given, kind=EventKind.ASKED, occurred_at=None, note=note)


class EvidenceError(Exception):
    """What was given does not make a record: `.fields` says what is missing or wrong, in words."""

    code = "EVIDENCE_REQUIRED"

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {words}" for name, words in problems.items()))
        self.fields = problems

    @property
    def reason(self) -> str:
        """Say it to a person."""
        return f"This cannot be recorded. {self}"


class FutureDateError(EvidenceError):
    """Something cannot have happened when it is said to have."""

    code = "BAD_DATE"


def check_evidence(given: Evidence, *, now: datetime) -> None:
    """See whether this makes a record that stands.

    Raises EvidenceError naming every field that is missing, FutureDateError for a date in the
    future, before 2000, or without a time zone. An opt-out needs no proof, an opt-in does.
    """
    if problem := date_problem(given.occurred_at, now=now):
        raise FutureDateError({"occurred_at": problem})
    if problems := _missing(given):
        raise EvidenceError(problems)


def date_problem(at: datetime | None, *, now: datetime) -> str:
    """Say what is wrong with the date of something that happened; blank if nothing is."""
    if at is None:
        return ""
    if at.tzinfo is None:
        return "has no time zone, and we do not guess"
    if at > now:
        return "lies in the future"
    return "lies before the year 2000" if at < EARLIEST else ""


# What the person did where we saw it: nobody need show us a paper of it.
SEEN_BY_US = frozenset(
    {
        Source.INBOUND_KEYWORD,
        Source.INBOUND_FUZZY,
        Source.BUTTON,
        Source.PROVIDER_EVENT,
        Source.LINKED,
        Source.CLOCK,
    }
)
_NEEDS_REASON = frozenset(
    {EventKind.VOID, EventKind.HOLD_LIFTED, EventKind.NO_CONTACT, EventKind.CONTACT_AGAIN}
)


def _missing(given: Evidence) -> dict[str, str]:
    problems = {}
    needs_reason = given.kind in _NEEDS_REASON or given.supersedes is not None
    if needs_reason and not given.reason.strip():
        problems["reason"] = "say why"
    if given.kind == EventKind.VOID and given.supersedes is None:
        problems["supersedes"] = "say which event was recorded in error"
    if given.kind in (EventKind.GRANT, EventKind.ASKED, EventKind.PROPOSED):
        problems |= _missing_in_grant(given)
    if given.quality not in Quality.values:
        problems["quality"] = f"say one of {', '.join(Quality.values)}"
    if given.expires_at and given.expires_at.tzinfo is None:
        problems["expires_at"] = "has no time zone, and we do not guess"
    problems |= _misfits(given)
    if given.file_sha256 and not _is_sha256(given.file_sha256):
        problems["file_sha256"] = "is no SHA-256: 64 hexadecimal digits"
    return problems


def _missing_in_grant(given: Evidence) -> dict[str, str]:
    problems = {}
    if given.basis not in Basis.values:
        problems["basis"] = f"say one of {', '.join(Basis.values)}"
    if given.quality != Quality.FIRST_HAND:
        return problems
    if given.source == Source.PAPER and not given.file_sha256:
        problems["file_sha256"] = "a paper needs the hash of its scan"
    elif given.source not in SEEN_BY_US and not given.wording.text.strip():
        problems["wording"] = "say what they were shown or told"
    if given.source == Source.WEB_FORM and not given.page_url:
        problems["page_url"] = "say on which page"
    return problems


# What the columns of an event hold.
_LONGEST = {
    "programme": 60,
    "message_sid": 64,
    "rule_version": 60,
    "jurisdiction": 12,
    "pack_version": 60,
}
_LONGEST_OF_WORDING = {"id": 80, "version": 40, "language": 20}


def _misfits(given: Evidence) -> dict[str, str]:
    texts = {name: (getattr(given, name), longest) for name, longest in _LONGEST.items()}
    texts |= {
        f"wording_{name}": (getattr(given.wording, name), longest)
        for name, longest in _LONGEST_OF_WORDING.items()
    }
    problems = {
        name: f"is longer than {longest} characters"
        for name, (text, longest) in texts.items()
        if len(text) > longest
    }
    problems |= {name: "is not legible" for name, (text, _) in texts.items() if not _legible(text)}
    if not given.programme.strip():
        problems["programme"] = "say which, or * for all"
    return problems


def _legible(text: str) -> bool:
    """Say whether the database can hold it: no NUL, no half characters."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and not set(text) - set("0123456789abcdef")
