"""How is a Team Inbox switched on for a team, and off again?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts import audit
from accounts.access import feature_is_on
from accounts.models import Feature, Team, TwilioAccount, User
from inbox.models import Sender, TeamInbox
from inbox.reply_settings import greeting
from inbox.setup.numbers import add_number, find_textable
from inbox.setup.pointing import point_here, put_back
from inbox.setup.refusals import REFUSALS, SetUpError
from inbox.setup.twilio import provisioning_for
from inbox.twilio.provisioning import RemoteNumber, RemoteService
from routing.business_hours import HoursError
from routing.hours_presets import HoursPreset, hours_of_preset
from routing.models import BusinessHours
from routing.replies import FirstWhen


@dataclass(frozen=True)
class Wanted:
    """What an admin chose for a new inbox. `numbers` are addresses with their Twilio account."""

    name: str
    numbers: Sequence[tuple[TwilioAccount, str]] = ()
    claim_rule: str = TeamInbox.ClaimRule.OPTIONAL
    bot_name: str = "Assistant"
    greets: FirstWhen | None = None
    greeting: str = ""
    hours: BusinessHours | HoursPreset = HoursPreset.ALWAYS
    is_pointed: bool = True


@dataclass(frozen=True)
class TurnedOn:
    """An inbox that is on, what could not be done at Twilio after that, in words, and where the
    messages of its numbers went before, by number."""

    inbox: TeamInbox
    problems: tuple[str, ...] = ()
    replaced: Mapping[str, str] = field(default_factory=dict)


def turn_on(*, team: Team, wanted: Wanted, by: User, now: datetime) -> TurnedOn:
    """Switch an inbox on for a team, with its numbers: all of them or nothing.

    Twilio is asked about the numbers before anything is written, and told where their messages go
    after that; what fails there is told and can be done again. Raises SetUpError (also when
    somebody else was quicker), TwilioRefusedError, TwilioAwayError.
    """
    if not feature_is_on(team.account_id, Feature.TEAM_INBOX, now=now):
        raise SetUpError(_("Team Inbox is off for your account. Ask your partner to switch it on."))
    found = [
        (connection, find_textable(provisioning_for(connection), address))
        for connection, address in wanted.numbers
    ]
    with transaction.atomic(durable=True):
        inbox, changes = _switched_on(team, wanted, by=by, now=now)
        for connection, remote in found:
            add_number(inbox=inbox, connection=connection, remote=remote, by=by, now=now)
        names = [_name(remote) for _connection, remote in found]
        _note(inbox, "inbox_turned_on", by, now, numbers=names, changes=changes)
    if not wanted.is_pointed:
        return TurnedOn(inbox)
    return _point_all(inbox, by=by, now=now)


def _switched_on(
    team: Team, wanted: Wanted, *, by: User, now: datetime
) -> tuple[TeamInbox, dict[str, Any]]:
    """Make the inbox of a team, or switch the one it had on again; return also what changed.

    The team is locked.
    """
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    inbox = TeamInbox.objects.filter(team=team).first()
    if inbox and inbox.is_on:
        raise SetUpError(
            _("The inbox of %(team)s is on already: somebody was quicker. Nothing was changed.")
            % {"team": team.name}
        )
    fresh: dict[str, Any] = {
        "name": wanted.name,
        "claim_rule": wanted.claim_rule,
        "bot_name": wanted.bot_name,
        "hours": _hours(team, wanted.hours, by=by, now=now),
        "is_on": True,
    }
    was = audit.snapshot(inbox, fresh) if inbox else None
    if inbox is None:
        # One that was there before goes on saying what it said.
        fresh["replies"] = greeting(wanted.greeting, wanted.greets) if wanted.greets else {}
        inbox = _made(team, fresh)
    else:
        for name, value in fresh.items():
            setattr(inbox, name, value)
        inbox.settings_version += 1
        inbox.save()
    return inbox, audit.changes(was, audit.snapshot(inbox, fresh))


def _made(team: Team, fresh: Mapping[str, Any]) -> TeamInbox:
    """Make an inbox; one of the same name that is made at the same moment takes its address."""
    tries = 5
    for attempt in range(tries):
        slug = free_slug(team, fresh["name"])
        colour = _rarest_colour(team)
        try:
            with transaction.atomic():
                return TeamInbox.objects.create(
                    team=team, account_id=team.account_id, slug=slug, colour=colour, **fresh
                )
        except IntegrityError:
            if attempt == tries - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _rarest_colour(team: Team) -> str:
    """Return the colour that fewest inboxes of the account have, so that they are told apart."""
    used = Counter(
        TeamInbox.objects.filter(account=team.account_id).values_list("colour", flat=True)
    )
    return min(TeamInbox.Colour.values, key=lambda colour: used[colour])


def _hours(
    team: Team, chosen: BusinessHours | HoursPreset, *, by: User, now: datetime
) -> BusinessHours | None:
    """Return the calendar that was chosen, made from a preset where one was; None: always open."""
    if isinstance(chosen, HoursPreset):
        try:
            return hours_of_preset(chosen, account=team.account, by=by, now=now)
        except HoursError as error:
            raise SetUpError(error.reason, field="hours") from error
    if chosen.account_id != team.account_id:
        raise SetUpError(_("Choose hours of your account."), field="hours")
    kept = BusinessHours.objects.select_for_update(no_key=True).filter(pk=chosen.pk).first()
    if kept is None:
        raise SetUpError(_("Somebody deleted these hours meanwhile. Choose others."), field="hours")
    return kept


def free_slug(team: Team, name: str) -> str:
    """Return an address for an inbox that no other of the account has."""
    base = slugify(name)[:50] or f"team-{team.pk}"
    others = TeamInbox.objects.filter(account=team.account_id)
    taken = {slug.lower() for slug in others.values_list("slug", flat=True)}
    number = 1
    slug = base
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug


def _point_all(inbox: TeamInbox, *, by: User, now: datetime) -> TurnedOn:
    problems: list[str] = []
    replaced: dict[str, str] = {}
    for sender in _pointable(inbox):
        try:
            before = point_here(sender=sender, by=by, now=now)
        except REFUSALS as error:
            problems.append(f"{sender.address}: {error.reason}")
        else:
            replaced |= {sender.address: before} if before else {}
    return TurnedOn(inbox, tuple(problems), replaced)


def _pointable(inbox: TeamInbox) -> list[Sender]:
    """Return the senders whose addresses at Twilio we set: of other channels there is no list."""
    rows = Sender.objects.in_use().filter(inbox=inbox).exclude(kind=Sender.Kind.OTHER)
    return list(rows.select_related("twilio_account", "inbox").order_by("pk"))


def turn_off(*, inbox: TeamInbox, gives_back: bool, by: User, now: datetime) -> tuple[str, ...]:
    """Switch an inbox off; everything in it stays and is there again when it is switched on.

    With `gives_back`, messages go at Twilio where they went before us, where they still come to
    us. Returns what could not be done there, in words. Raises SetUpError if it was off.
    """
    with transaction.atomic(durable=True):
        row = TeamInbox.objects.select_for_update(no_key=True).get(pk=inbox.pk)
        if not row.is_on:
            raise SetUpError(_("The inbox is off already: somebody else was quicker."))
        was = audit.snapshot(row, ["is_on"])
        row.is_on = False
        row.settings_version += 1
        row.save(update_fields=["is_on", "settings_version"])
        changes = audit.changes(was, audit.snapshot(row, ["is_on"]))
        _note(row, "inbox_turned_off", by, now, gives_back=gives_back, changes=changes)
    problems: list[str] = []
    for sender in _pointable(row) if gives_back else []:
        try:
            put_back(sender=sender, by=by, now=now)
        except REFUSALS as error:
            problems.append(f"{sender.address}: {error.reason}")
    return tuple(problems)


def turn_on_again(*, inbox: TeamInbox, by: User, now: datetime) -> bool:
    """Switch an inbox on again, as it was. Returns whether it was off until now."""
    with transaction.atomic(durable=True):
        row = TeamInbox.objects.select_for_update(no_key=True).get(pk=inbox.pk)
        if row.is_on:
            return False
        was = audit.snapshot(row, ["is_on"])
        row.is_on = True
        row.settings_version += 1
        row.save(update_fields=["is_on", "settings_version"])
        changes = audit.changes(was, audit.snapshot(row, ["is_on"]))
        _note(row, "inbox_turned_on", by, now, changes=changes)
    return True


def _name(remote: RemoteNumber | RemoteService) -> str:
    return remote.sid if isinstance(remote, RemoteService) else remote.address


def _note(inbox: TeamInbox, action: str, by: User, now: datetime, **data: Any) -> None:
    audit.record(
        action=action,
        subject=inbox.name,
        actor=by,
        account_id=inbox.account_id,
        now=now,
        row=str(inbox.pk),
        **data,
    )
