"""What would close, who would lose what, and who is waiting, if this were done now?

A preview changes nothing. It is asked before a feature, an account, an inbox, a number, a licence,
a membership or a log-in is switched off, and shown on the page where somebody confirms it
(`templates/settings/_preview.html`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import licensed
from accounts.models import (
    Account,
    Feature,
    FeatureGrant,
    License,
    Membership,
    TwilioAccount,
    User,
)
from accounts.seats import local_words
from compliance.addresses import WHATSAPP
from inbox.models import Conversation, Message, Participant, Sender, TeamInbox

MOST_PEOPLE = 20


@dataclass(frozen=True)
class Loss:
    """What one person would lose, in words."""

    name: str
    words: str


@dataclass(frozen=True)
class Preview:
    """What somebody would set off: numbers, names and sentences.

    `sentences` say what happens, what is kept included; `losses` name at most `MOST_PEOPLE` people,
    `more_people` counts the others. `conversations` are those not closed that it reaches, `waiting`
    the customers who wait for an answer in them, `queued` our messages on their way out.
    """

    headline: str
    sentences: tuple[str, ...]
    conversations: int = 0
    waiting: int = 0
    waiting_since: datetime | None = None
    queued: int = 0
    losses: tuple[Loss, ...] = ()
    more_people: int = 0

    @property
    def is_harmless(self) -> bool:
        """Say whether nobody would notice."""
        return not (self.conversations or self.queued or self.losses)


def preview_feature_off(*, account: Account, feature: str, now: datetime) -> Preview:
    """Foretell what happens to an account when a partner's grant of `feature` ends."""
    if feature == Feature.TEAM_INBOX:
        headline = _("Team Inbox is off for %s.")
        return _whole_account(account, headline, _goes_back(), now=now)
    if feature == Feature.WHATSAPP:
        return _whatsapp_off(account)
    label = str(Feature(feature).label)
    return Preview(
        headline=_("%(feature)s is off for %(account)s.")
        % {"feature": label, "account": account.name},
        sentences=(_("Settings that need it stay as they are and have no effect until then."),),
    )


def preview_suspension(*, account: Account, now: datetime) -> Preview:
    """Foretell what happens when the whole account is suspended."""
    keeps = _("Conversations keep their owners until the account goes on.")
    return _whole_account(account, _("%s is suspended."), keeps, now=now)


def preview_later_grant(*, grant: FeatureGrant) -> Preview:
    """Foretell what happens when a grant that is not in force yet is called off or changed."""
    told = {"feature": grant.get_feature_display(), "account": grant.account.name}
    begins = local_words(grant.starts_at, grant.account.time_zone)
    return Preview(
        headline=_("%(feature)s of %(account)s stays as it is now.") % told,
        sentences=(_("This grant has not begun: it would begin on %s.") % begins,),
    )


def preview_license_removal(*, holders: Iterable[User], now: datetime) -> Preview:
    """Foretell what happens when these people have no licence any more.

    Who would still hold another one must not be among them (`accounts.licences.left_without`).
    """
    people = list(holders)
    if not people:
        return Preview(
            headline=_("Nobody loses sight of anything now."),
            sentences=(_("Who holds it has another licence, or has not begun to hold it."),),
        )
    mine = Conversation.objects.live().filter(owner__in=people)
    headline = ngettext(
        "%(names)s sees and answers nothing any more.",
        "%(names)s see and answer nothing any more.",
        len(people),
    ) % {"names": _names(people)}
    return _preview(
        headline,
        (_screens_close(), _goes_back(), _("Their teams and memberships stay as they are.")),
        mine,
        queued=_queued(author__in=people),
        losses=_losses_of(people, mine),
    )


def preview_inbox_off(*, inbox: TeamInbox, now: datetime) -> Preview:
    """Foretell what happens when one inbox is switched off."""
    readers = licensed(now=now).filter(memberships__team=inbox.pk)
    live = Conversation.objects.live().filter(inbox=inbox)
    return _preview(
        _("%s is off.") % inbox.name,
        (
            _("Nobody sees it, supervisors included: no list, thread, search, reply or update."),
            _kept(),
            _("Conversations keep their owners and are there again when it is switched on."),
        ),
        live,
        queued=_queued(thread__sender__inbox=inbox),
        losses=_losses_of(readers, live.filter(owner__isnull=False), _("loses sight of the inbox")),
    )


def preview_number_removal(*, sender: Sender, now: datetime) -> Preview:
    """Foretell what happens when a number or WhatsApp sender is taken from its inbox."""
    live = Conversation.objects.live().filter(thread__sender=sender)
    return _preview(
        _("%(number)s no longer belongs to %(inbox)s.")
        % {"number": sender.address, "inbox": sender.inbox.name},
        (
            _("What customers write to it does not reach this inbox any more."),
            _("Nobody can answer in its conversations, since answers leave from the same number."),
            _("What was said stays readable."),
        ),
        live,
        queued=_queued(thread__sender=sender),
        losses=_losses_of((), live),
    )


def preview_subaccount_off(*, subaccount: TwilioAccount, is_for_ever: bool) -> Preview:
    """Foretell what happens when a subaccount is suspended, or closed for ever, at Twilio."""
    senders = Sender.objects.in_use().filter(twilio_account=subaccount)
    live = Conversation.objects.live().filter(thread__sender__twilio_account=subaccount)
    if is_for_ever:
        headline = _("The Twilio account of %s is closed for ever.")
        unsent = _("What is on its way out is not sent; its authors are told.")
    else:
        headline = _("The Twilio account of %s is suspended.")
        unsent = _("What is on its way out waits.")
    addresses = list(senders.order_by("address").values_list("address", flat=True))
    return _preview(
        headline % subaccount.account.name,
        (
            _numbers_in_words(addresses),
            unsent,
            _("Conversations stay with those who have them; nobody there can be answered."),
        ),
        live,
        queued=_queued(thread__sender__twilio_account=subaccount),
        losses=_losses_of([], live),
    )


def preview_observing(*, membership: Membership, now: datetime) -> Preview:
    """Foretell what happens when somebody only reads in a team from now on."""
    team, user = membership.team, membership.user
    mine = Conversation.objects.live().filter(owner=user, inbox=team.pk)
    return _preview(
        _("%(person)s only reads in %(team)s.") % {"person": user.name, "team": team.name},
        (
            _("They go on seeing what the team gets, are not alerted, and answer nobody."),
            _goes_back(),
        ),
        mine,
        queued=_queued(author=user, thread__sender__inbox=team.pk),
        losses=_losses_of([user], mine),
    )


def preview_auditing(*, user: User, now: datetime) -> Preview:
    """Foretell what happens when somebody becomes an auditor, who answers nobody."""
    mine = Conversation.objects.live().filter(owner=user)
    has_seat = License.objects.filter(holder=user).exclude(ends_at__lte=now).exists()
    losses = _losses_of([user], mine, _("loses their licence") if has_seat else "")
    return _preview(
        _("%s reads as an auditor, and answers nobody.") % user.name,
        (_("Their licence ends, and its seat is free again."), _goes_back()),
        mine,
        queued=_queued(author=user),
        losses=losses if has_seat or mine.exists() else (),
    )


def preview_deactivation(*, user: User, now: datetime) -> Preview:
    """Foretell what happens when a person can no longer log in."""
    mine = Conversation.objects.live().filter(owner=user)
    return _preview(
        _("%s can no longer log in.") % user.name,
        (
            _("Every session of theirs ends, and what they have open closes within seconds."),
            _("Their licence ends, and its seat is free again."),
            _goes_back(),
            _("Their name stays where it stands in the past."),
        ),
        mine,
        queued=_queued(author=user),
        losses=_losses_of([user], mine),
    )


def preview_membership_removal(*, membership: Membership, now: datetime) -> Preview:
    """Foretell what happens when a person leaves a team."""
    team, user = membership.team, membership.user
    mine = Conversation.objects.live().filter(owner=user, inbox=team.pk)
    named = Participant.objects.filter(
        user=user, ended_at=None, conversation__inbox=team.pk, conversation__owner__isnull=True
    ).count()
    sentences = [
        _("They no longer see what the team gets, unless somebody adds them by name."),
        _goes_back(),
    ]
    if named:
        sentences.append(
            ngettext(
                "They keep %d conversation that they were added to by name.",
                "They keep %d conversations that they were added to by name.",
                named,
            )
            % named
        )
    return _preview(
        _("%(person)s is no longer in %(team)s.") % {"person": user.name, "team": team.name},
        sentences,
        mine,
        queued=_queued(author=user, thread__sender__inbox=team.pk),
        losses=_losses_of([user], mine),
    )


def _whole_account(account: Account, headline: str, owners: str, *, now: datetime) -> Preview:
    live = Conversation.objects.live().filter(account=account)
    readers = licensed(now=now).filter(account=account, memberships__team__inbox__is_on=True)
    return _preview(
        headline % account.name,
        (
            _("Nobody of the account sees or answers anything; what is open closes in seconds."),
            _kept(),
            owners,
            _("Messages on their way out are not sent; their authors are told."),
            _("Switched on again, everything is there, with what arrived meanwhile."),
        ),
        live,
        queued=_queued(account=account),
        losses=_losses_of(
            readers.distinct(), live.filter(owner__isnull=False), _("loses sight of every inbox")
        ),
    )


def _whatsapp_off(account: Account) -> Preview:
    live = Conversation.objects.live().filter(account=account, thread__address__family=WHATSAPP)
    return _preview(
        _("WhatsApp is off for %s.") % account.name,
        (
            _("What customers write on WhatsApp still arrives and is seen."),
            _("Nobody can answer there until it is on again; SMS goes on as before."),
        ),
        live,
        queued=_queued(account=account, thread__address__family=WHATSAPP),
        losses=(),
    )


def _preview(
    headline: str,
    sentences: Iterable[str],
    live: QuerySet[Conversation],
    *,
    queued: int,
    losses: Sequence[Loss],
) -> Preview:
    found = live.order_by().aggregate(
        number=Count("pk"),
        waiting=Count("contact", filter=Q(waiting_since__isnull=False), distinct=True),
        since=Min("waiting_since"),
    )
    return Preview(
        headline=headline,
        sentences=tuple(sentences),
        conversations=found["number"],
        waiting=found["waiting"],
        waiting_since=found["since"],
        queued=queued,
        losses=tuple(losses[:MOST_PEOPLE]),
        more_people=max(len(losses) - MOST_PEOPLE, 0),
    )


def _queued(**which: object) -> int:
    unsent = Message.objects.filter(**which, status=Message.Status.QUEUED)
    return unsent.order_by().count()


def _losses_of(
    people: Iterable[User], owned: QuerySet[Conversation], always: str = ""
) -> list[Loss]:
    """Name what each person would lose; without people, whoever owns one of the conversations."""
    numbers: dict[int, int] = defaultdict(int)
    counted = owned.filter(owner__isnull=False).order_by().values_list("owner")
    numbers.update(counted.annotate(n=Count("pk")))
    found = list(people) or list(User.objects.filter(pk__in=list(numbers)))
    losses = []
    for user in sorted(found, key=lambda user: (-numbers[user.pk], user.name)):
        parts = [always, _owns(numbers[user.pk])]
        words = ", ".join(part for part in parts if part)
        losses.append(Loss(user.name, words or _("has no open conversation")))
    return losses


def _owns(number: int) -> str:
    if not number:
        return ""
    return ngettext("has %d open conversation", "has %d open conversations", number) % number


def _names(people: Sequence[User]) -> str:
    names = [user.name for user in people[:3]]
    more = len(people) - len(names)
    if more:
        return _("%(names)s and %(number)d more") % {"names": ", ".join(names), "number": more}
    return ", ".join(names)


def _numbers_in_words(addresses: Sequence[str]) -> str:
    if not addresses:
        return _("It has no number in use.")
    named = ", ".join(addresses[:MOST_PEOPLE])
    more = len(addresses) - MOST_PEOPLE
    if more > 0:
        named = _("%(numbers)s and %(more)d more") % {"numbers": named, "more": more}
    return _("Nothing is received or sent by its numbers: %s.") % named


def _screens_close() -> str:
    return _("What they have open closes within seconds, and they see whom to ask.")


def _goes_back() -> str:
    return _("Conversations that they own go back to their teams, one by one.")


def _kept() -> str:
    return _("What customers write is still kept, and STOP still works, but nobody is alerted.")
