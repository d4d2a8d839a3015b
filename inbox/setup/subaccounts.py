"""How does a cloud account get a Twilio account of its own, under the platform's?

One subaccount per account, opened when it is first needed. Opening cannot be repeated safely, so
whoever opens holds a lease, and the name is looked for at Twilio before anything is opened.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Account, TwilioAccount, User
from inbox.broadcast import announce
from inbox.models import Sender
from inbox.pausing import wake_waiting
from inbox.setup.numbers import take_out
from inbox.setup.refusals import SetUpError
from inbox.setup.twilio import provisioning_for, provisioning_with
from inbox.story import Story
from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError
from inbox.twilio.provisioning import Provisioning, RemoteAccount

# Longer than all the requests of one attempt may take.
LEASE = timedelta(seconds=90)
SUSPENDED_WORDS = "The Twilio subaccount is suspended."
_Status = TwilioAccount.Status


def open_subaccount(*, account: Account, by: User | None, now: datetime) -> TwilioAccount:
    """Return the subaccount of a cloud account; open it at Twilio if there is none yet.

    Raises SetUpError, TwilioRefusedError, and TwilioAwayError when Twilio gave no answer: trying
    again later opens no second one.
    """
    if known := subaccount_of(account):
        return known
    if account.deployment != Account.Deployment.CLOUD:
        raise SetUpError(_("This account brings its own Twilio: connect it instead."))
    platform = _platform()
    _take_lease(account, now=now)
    try:
        remote = _found_or_opened(platform, subaccount_name(account))
    except TwilioAwayError as error:
        if not error.may_have_acted:
            _give_lease_back(account)
        raise
    except Exception:
        _give_lease_back(account)
        raise
    return _keep(account, remote, by=by, now=now)


def subaccount_of(account: Account) -> TwilioAccount | None:
    """Return the open (or suspended) subaccount of an account."""
    ours = TwilioAccount.objects.filter(account=account, is_ours=True)
    return ours.exclude(status=_Status.CLOSED).first()


def searching_for(account: Account) -> Provisioning:
    """Return whom to ask which numbers an account could have: looking opens nothing.

    Raises SetUpError where this installation has no Twilio of its own.
    """
    known = subaccount_of(account)
    return provisioning_for(known) if known else _platform()


def subaccount_name(account: Account) -> str:
    """Return the name it has at Twilio: found again by it, so it never changes."""
    return f"Team Inbox {account.public_id}"


def set_subaccount_status(
    *, subaccount: TwilioAccount, status: str, by: User, now: datetime
) -> None:
    """Suspend, reactivate or close a subaccount at Twilio, and its numbers here.

    Closing is for ever and gives the numbers back. Raises SetUpError, TwilioRefusedError,
    TwilioAwayError; doing it again is harmless, also when it was done and the answer was lost.
    """
    if not subaccount.is_ours:
        raise SetUpError(_("It is the customer's own Twilio account: only they can do that."))
    if subaccount.status == _Status.CLOSED:
        raise SetUpError(_("It is closed. That is for ever."))
    _set_status(_platform(), subaccount.account_sid, status)
    with transaction.atomic(durable=True):
        row = TwilioAccount.objects.select_for_update(no_key=True).get(pk=subaccount.pk)
        was = audit.snapshot(row, ["status"])
        row.status, row.checked_at = status, now
        row.save(update_fields=["status", "checked_at"])
        story = Story(now=now, actor=by)
        _follow(row, story, by=by)
        announce(story.announcements(), now=now)
        audit.record(
            action="subaccount_status_changed",
            subject=str(row),
            actor=by,
            account_id=row.account_id,
            now=now,
            row=str(row.pk),
            changes=audit.changes(was, audit.snapshot(row, ["status"])),
        )


def _set_status(platform: Provisioning, sid: str, status: str) -> None:
    """Change a subaccount at Twilio; one that is so already may refuse or say nothing."""
    try:
        platform.set_status(sid, status)
    except (TwilioRefusedError, TwilioAwayError):
        if not _is_so(platform, sid, status):
            raise


def _is_so(platform: Provisioning, sid: str, status: str) -> bool:
    try:
        return platform.subaccount(sid).status == status
    except (TwilioRefusedError, TwilioAwayError):
        return False


def _follow(row: TwilioAccount, story: Story, *, by: User) -> None:
    """Let the numbers follow: paused while suspended, removed when closed."""
    senders = list(
        Sender.objects.in_use()
        .select_for_update(of=("self",), no_key=True)
        .select_related("inbox")
        .filter(twilio_account=row)
        .order_by("pk")
    )
    if row.status == _Status.CLOSED:
        for sender in senders:
            take_out(sender, story, by=by)
        row.findings.filter(resolved_at=None).update(resolved_at=story.now)
        return
    is_suspended = row.status == _Status.SUSPENDED
    for sender in senders:
        if is_suspended and not sender.is_paused:
            _pause(sender, now=story.now)
        elif not is_suspended and sender.paused_reason == SUSPENDED_WORDS:
            sender.is_paused, sender.paused_at, sender.paused_reason = False, None, ""
            sender.save(update_fields=["is_paused", "paused_at", "paused_reason"])
            wake_waiting(sender, now=story.now)


def _pause(sender: Sender, *, now: datetime) -> None:
    sender.is_paused, sender.paused_at, sender.paused_reason = True, now, SUSPENDED_WORDS
    sender.save(update_fields=["is_paused", "paused_at", "paused_reason"])


def _platform() -> Provisioning:
    if not (settings.TWILIO_PLATFORM_SID and settings.TWILIO_PLATFORM_TOKEN):
        raise SetUpError(
            _("This installation has no Twilio account of its own. Ask its operator to set it up.")
        )
    return provisioning_with(settings.TWILIO_PLATFORM_SID, settings.TWILIO_PLATFORM_TOKEN)


def _take_lease(account: Account, *, now: datetime) -> None:
    free = Q(subaccount_leased_until=None) | Q(subaccount_leased_until__lte=now)
    taken = Account.objects.filter(free, pk=account.pk).update(subaccount_leased_until=now + LEASE)
    if not taken:
        raise SetUpError(_("The Twilio account is being opened right now. Try again in a minute."))


def _give_lease_back(account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(subaccount_leased_until=None)


def _found_or_opened(platform: Provisioning, name: str) -> RemoteAccount:
    """Return what an attempt before left at Twilio, or a new subaccount."""
    found = platform.subaccounts_named(name)
    return found[0] if found else platform.create_subaccount(name)


def _keep(
    account: Account, remote: RemoteAccount, *, by: User | None, now: datetime
) -> TwilioAccount:
    with transaction.atomic(durable=True):
        try:
            with transaction.atomic():
                row = TwilioAccount.objects.create(
                    account=account,
                    account_sid=remote.sid,
                    auth_token=remote.auth_token,
                    is_ours=True,
                    checked_at=now,
                )
        except IntegrityError:
            # Our lease ran out and somebody else was quicker: it is the same one, by its name.
            known = subaccount_of(account)
            assert known is not None
            return known
        Account.objects.filter(pk=account.pk).update(subaccount_leased_until=None)
        audit.record(
            action="subaccount_opened",
            subject=str(row),
            actor=by,
            account_id=account.pk,
            now=now,
            row=str(row.pk),
        )
    return row
