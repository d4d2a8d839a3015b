"""Who came in, who did not, and what changed about how they come in?"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.crypto import salted_hmac

from accounts import pushes, sessions
from accounts.audit import changes, record, snapshot
from accounts.models import Account, SignOn, User


def note_login(user: User, *, way: str, now: datetime) -> None:
    """Write that somebody came in, which way, and how often it had failed since the last time."""
    record(
        action="logged_in",
        subject=str(user),
        actor=user,
        account_id=user.account_id,
        now=now,
        way=way,
        failed_before=user.failed_logins,
    )
    if user.failed_logins:
        User.objects.filter(pk=user.pk).update(failed_logins=0)


def note_logout(user: User, *, key: str | None, now: datetime) -> None:
    """Write that somebody left. The browser of that session is not woken any more."""
    pushes.forget_browsers_of_session(user, key)
    record(action="logged_out", subject=str(user), actor=user, account_id=user.account_id, now=now)


def note_failure(email: str, *, now: datetime, step: str = "password") -> None:
    """Write that a log-in failed, at which step, and count it.

    For an address that nobody has the same is done. What was typed as an address is kept only where
    it is one of ours: people type their passwords there. Tries with the same unknown address can
    still be told to be the same.
    """
    email = email.strip().lower()
    same = User.objects.filter(email=email)
    same.update(failed_logins=F("failed_logins") + 1)
    user = same.first()
    unknown = salted_hmac("accounts.logins", email).hexdigest()[:8]
    record(
        action="log_in_failed",
        subject=str(user) if user else f"unknown address {unknown}",
        account_id=user.account_id if user else None,
        now=now,
        nobody="not logged in",
        user=user.pk if user else None,
        step=step,
        times=user.failed_logins if user else None,
    )


def password_was_set(user: User, *, this_key: str | None, now: datetime) -> None:
    """Log out every other browser of somebody whose password is another now."""
    ended = sessions.end_sessions(sessions.other_sessions(user, this_key))
    pushes.forget_browsers(user, but_key=this_key)
    record(
        action="password_set",
        subject=str(user),
        actor=user,
        account_id=user.account_id,
        now=now,
        sessions_ended=ended,
    )


def end_session(*, user: User, handle: str, by: User, now: datetime) -> bool:
    """End one session of a person that a page named; say whether it was still there."""
    row = sessions.session_with(user, handle, now=now)
    if row is None:
        return False
    sessions.end_sessions([row])
    _note_end(user, by=by, now=now, count=1)
    return True


def end_other_sessions(*, user: User, by: User, this_key: str | None, now: datetime) -> int:
    """End every session of a person, except the one with this key; return how many."""
    count = sessions.end_sessions(sessions.other_sessions(user, this_key))
    if count:
        _note_end(user, by=by, now=now, count=count)
    return count


def _note_end(user: User, *, by: User, now: datetime, count: int) -> None:
    record(
        action="session_ended",
        subject=str(user),
        actor=by,
        account_id=user.account_id,
        now=now,
        sessions=count,
    )


SECOND_FACTOR_ACTIONS = {
    "mfa/email/totp_activated": "second_factor_set",
    "mfa/email/totp_deactivated": "second_factor_removed",
    "mfa/email/webauthn_added": "passkey_added",
    "mfa/email/webauthn_removed": "passkey_removed",
    "mfa/email/recovery_codes_generated": "recovery_codes_made",
}


def note_second_factor(user: User, *, what: str, now: datetime) -> None:
    """Write that somebody set or removed a second factor; `what` is the mail that tells them."""
    if action := SECOND_FACTOR_ACTIONS.get(what):
        record(action=action, subject=str(user), actor=user, account_id=user.account_id, now=now)


def sign_on_of(account: Account | None) -> SignOn | None:
    """Return the company sign-in of an account, if it has one that is on."""
    if account is None:
        return None
    return SignOn.objects.filter(account=account, is_on=True).first()


def must_use_company(user: User) -> bool:
    """Say whether this person comes in by their company's sign-in only."""
    return SignOn.objects.filter(account=user.account_id, is_on=True, is_only_way=True).exists()


@dataclass(frozen=True)
class Policy:
    """What an account asks of everybody's log-in."""

    requires_second_factor: bool
    idle_minutes: int | None

    @classmethod
    def of(cls, account: Account) -> "Policy":
        """Read it from the account."""
        return cls(account.requires_second_factor, account.idle_minutes)


class PolicyChangedError(Exception):
    """Somebody else changed it after the page was opened; `policy` is what holds now."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self.policy = policy


def change_policy(
    *,
    account: Account,
    requires_second_factor: bool,
    idle_minutes: int | None,
    by: User,
    now: datetime,
    seen: Policy | None = None,
) -> None:
    """Change what an account asks of everybody's log-in; it holds from the next click on.

    `seen` is what the page showed. Raises PolicyChangedError if that is no longer so.
    """
    names = ("requires_second_factor", "idle_minutes")
    with transaction.atomic():
        row = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if seen is not None and seen != Policy.of(row):
            raise PolicyChangedError(Policy.of(row))
        before = snapshot(row, names)
        row.requires_second_factor, row.idle_minutes = requires_second_factor, idle_minutes
        row.save(update_fields=names)
        if told := changes(before, snapshot(row, names)):
            record(
                action="login_policy_changed",
                subject=row.name,
                actor=by,
                account_id=row.pk,
                now=now,
                changes=told,
            )
