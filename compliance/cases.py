"""What is known of a message and of whom it goes to, when the gate is asked?

`look_up` reads the rows, `case_of` puts them beside what the caller knows: one value that
`judging.judge` decides over. `inputs_of` is that value as it is kept with the decision, without
anything that says who somebody is or what they said.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import phonenumbers
from django.db.models import Exists, OuterRef

from accounts.english import noop
from accounts.models import Account
from accounts.prepared import Prepared
from compliance.addresses import SHORT_CODE, SMS, WHATSAPP, Address, is_toll_free, problem_of
from compliance.evidence import EVERY_PROGRAMME, EventKind, Quality
from compliance.judging import (
    Case,
    Consent,
    Draft,
    Level,
    Mark,
    Policy,
    Purpose,
    Recipient,
    SenderKind,
    Template,
)
from compliance.jurisdictions import Pack
from compliance.ledger import handle_of
from compliance.models import (
    CompliancePolicy,
    ConsentEvent,
    ConsentState,
    ProviderBlock,
    RuleOverride,
)
from compliance.models import Consent as ConsentRow
from compliance.policies import Settled
from compliance.standing import suppression_of
from compliance.whereabouts import Stated, whereabouts

_LEVELS = {
    "": Level.NONE,
    "conversational": Level.CONVERSATIONAL,
    "inferred": Level.INFERRED,
    "registry_checked": Level.INFERRED,
    "soft_opt_in": Level.SOFT_OPT_IN,
    "express": Level.EXPRESS,
    "express_written": Level.WRITTEN,
}
_MOBILE = phonenumbers.PhoneNumberType.MOBILE


@dataclass(frozen=True)
class Known:
    """Where a recipient stands, as rows say it now."""

    consent: ConsentRow | None = None
    is_erased: bool = False
    is_refused: bool = False  # the carrier refuses what we send them from this number
    do_not_contact: Mark | None = None
    settled: Settled = Settled()
    programmes: frozenset[str] = frozenset()  # of which they said something apart

    @property
    def opted_out_at(self) -> datetime | None:
        """Return since when they are opted out, if they are."""
        if self.consent is None or not self.is_out:
            return None
        return self.consent.opted_out_at or self.consent.since

    @property
    def is_out(self) -> bool:
        """Say whether they are opted out."""
        return self.consent is not None and self.consent.state == ConsentState.OPTED_OUT


_STANDING_BLOCKS = ProviderBlock.objects.filter(account=OuterRef("pk"), cleared_at=None)
_ABOUT = Prepared(
    lambda account, ours, address: Account.objects.filter(pk=account).values_list(
        Exists(_STANDING_BLOCKS.filter(our_address=ours, address=address)),
        Exists(CompliancePolicy.objects.filter(account=OuterRef("pk"))),
        Exists(RuleOverride.objects.filter(account=OuterRef("pk"))),
    )
)
_CONSENT = Prepared(
    lambda account, address, family: ConsentRow.objects.filter(
        account=account, address=address, family=family
    )
)


def look_up(
    account_id: int,
    address: Address,
    our_address: str,
    *,
    others: Sequence[Address] = (),
    programme: str = EVERY_PROGRAMME,
) -> Known:
    """Read where an address stands; of `others`, the same person's, an opt-out counts too.

    For a message of one `programme` what they said of that counts, if they said anything. Two
    questions for somebody who is known; `others` are given for offers, which an opt-out on any
    channel stops (behaviour, decision 5).
    """
    key = address.consent_key
    about = _ABOUT.first(account=account_id, ours=our_address, address=key)
    is_refused, *settled = about or (False, False, False)
    rows = _CONSENT.all(account=account_id, address=key, family=address.consent_family)
    said = {row.programme: row for row in rows}
    consent = said.get(programme) or said.get(EVERY_PROGRAMME)
    is_erased = consent is None and suppression_of(account_id, address) is not None
    mark = _mark(account_id, address, consent)
    if others and not (consent and consent.state == ConsentState.OPTED_OUT):
        consent = _opted_out_elsewhere(account_id, others) or consent
    apart = frozenset(said) - {EVERY_PROGRAMME}
    return Known(consent, is_erased, is_refused, mark, Settled(*settled), apart)


def _opted_out_elsewhere(account_id: int, others: Sequence[Address]) -> ConsentRow | None:
    return ConsentRow.objects.filter(
        account=account_id,
        address__in=[other.consent_key for other in others],
        programme=EVERY_PROGRAMME,
        state=ConsentState.OPTED_OUT,
    ).first()


def _mark(account_id: int, address: Address, consent: ConsentRow | None) -> Mark | None:
    """Say who marked somebody do-not-contact."""
    if consent is None or consent.no_contact_at is None:
        return None
    marks = ConsentEvent.objects.filter(
        account=account_id,
        handle=handle_of(account_id, address),
        kind=EventKind.NO_CONTACT,
        occurred_at__lte=consent.no_contact_at,
    )
    event = marks.select_related("recorded_by").order_by("-occurred_at", "-seq").first()
    by = event.recorded_by.name if event and event.recorded_by else "Somebody"
    return Mark(by, consent.no_contact_at)


@dataclass(frozen=True)
class Asked:
    """What the caller knows of one message: what is sent, to whom, and what went before.

    `last_words_at` is their last message that was no keyword, `answered_at` when a person answered
    last, `confirmed_at` when an opt-out was confirmed last. `went_on` names what a person was asked
    and went on with. Moments are UTC.
    """

    purpose: Purpose
    requested_at: datetime
    address: Address
    our_address: str
    last_inbound_at: datetime | None = None
    last_words_at: datetime | None = None
    answered_at: datetime | None = None
    confirmed_at: datetime | None = None
    sent_lately: Sequence[datetime] = ()
    stated: Stated = field(default_factory=Stated)
    names_us: bool = True
    is_first: bool = False
    says_how_to_stop: bool = False
    has_stop_link: bool = False
    template: Template | None = None
    expires_at: datetime | None = None
    programme: str = EVERY_PROGRAMME
    went_on: frozenset[str] = frozenset()


def case_of(
    asked: Asked,
    known: Known,
    *,
    policy: Policy,
    pack: Pack,
    now: datetime,
) -> Case:
    """Put together what the gate decides over."""
    where = whereabouts(asked.address, asked.stated)
    rules = pack.rules_for(where.codes)
    return Case(
        draft=_draft(asked, known),
        to=Recipient(
            country=where.country,
            country_name=rules[0].name,
            rules=rules,
            zones=where.zones,
            is_erased=known.is_erased,
            do_not_contact=known.do_not_contact,
            blocked_by=noop("The carrier") if known.is_refused else "",
            reassigned_at=known.consent.reassigned_at if known.consent else None,
            has_stopped_marketing=bool(known.consent and known.consent.no_marketing_at),
            consent=_consent(known.consent, now=now),
            last_inbound_at=asked.last_inbound_at,
            last_words_at=_unanswered(asked),
            sent_lately=tuple(asked.sent_lately),
        ),
        sender=sender_kind(asked.address, asked.our_address),
        policy=policy,
        confirmed=asked.went_on,
    )


def _draft(asked: Asked, known: Known) -> Draft:
    since = known.opted_out_at
    return Draft(
        purpose=asked.purpose,
        requested_at=asked.requested_at,
        problem=problem_of(asked.address),
        template=asked.template,
        names_us=asked.names_us,
        is_first=asked.is_first,
        says_how_to_stop=asked.says_how_to_stop,
        has_stop_link=asked.has_stop_link,
        expires_at=asked.expires_at,
        programme=asked.programme,
        was_confirmed=bool(since and asked.confirmed_at and asked.confirmed_at >= since),
    )


def _unanswered(asked: Asked) -> datetime | None:
    """Return when they wrote last, unless a person has answered that: it may be answered once."""
    wrote, answered = asked.last_words_at, asked.answered_at
    return None if wrote and answered and answered >= wrote else wrote


def _consent(row: ConsentRow | None, *, now: datetime) -> Consent:
    if row is None:
        return Consent()
    return Consent(
        state=row.state_at(now),
        since=row.since,
        words=row.words,
        level=_LEVELS.get(row.basis, Level.NONE),
        is_unproven=row.quality == Quality.IMPORTED_UNPROVEN,
        expires_at=row.expires_at,
        register_checked_at=row.since if row.basis == "registry_checked" else None,
    )


def sender_kind(address: Address, ours: str) -> SenderKind:
    """Say from what kind of address a message goes out."""
    if address.family == WHATSAPP:
        return SenderKind.WHATSAPP
    if is_toll_free(ours):
        return SenderKind.TOLL_FREE
    if SHORT_CODE.fullmatch(ours):
        return SenderKind.SHORT_CODE
    if address.family == SMS and not ours.startswith("+"):
        return SenderKind.NAME
    return SenderKind.MOBILE if _is_mobile(ours) else SenderKind.LONG_CODE


def _is_mobile(ours: str) -> bool:
    try:
        return phonenumbers.number_type(phonenumbers.parse(ours)) == _MOBILE
    except phonenumbers.NumberParseException:
        return False


def inputs_of(case: Case) -> dict[str, Any]:
    """Return what a decision rested on, to be kept: nothing that names or quotes anybody."""
    to, draft = case.to, case.draft
    named = {} if draft.programme == EVERY_PROGRAMME else {"programme": draft.programme}
    return {
        **named,
        "purpose": case.purpose.value,
        "sender": case.sender.value,
        "country": to.country,
        "rules": [rule.code for rule in to.rules],
        "zones": [zone.key for zone in to.zones],
        "consent": to.consent.state.value,
        "consent_since": _iso(to.consent.since),
        "consent_level": to.consent.level.name.lower(),
        "consent_expires_at": _iso(to.consent.expires_at),
        "is_refused_by_carrier": bool(to.blocked_by),
        "is_erased": to.is_erased,
        "do_not_contact_since": _iso(to.do_not_contact.at if to.do_not_contact else None),
        "reassigned_at": _iso(to.reassigned_at),
        "has_stopped_marketing": to.has_stopped_marketing,
        "last_inbound_at": _iso(to.last_inbound_at),
        "last_words_at": _iso(to.last_words_at),
        "sent_in_24_h": len(to.sent_lately),
        "template": draft.template.category if draft.template else "",
        "names_us": draft.names_us,
        "says_how_to_stop": draft.says_how_to_stop,
        "has_stop_link": draft.has_stop_link,
        "went_on_with": sorted(case.confirmed),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
