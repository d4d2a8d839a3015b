"""Who is logged in where, until when, and how is that ended?

This is also Django's session engine (`SESSION_ENGINE`): a session is a row that knows whose it is,
from where they came, and when a person last did something in it. The browser has its key, the row
only a hash of it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.access import Viewer, as_supporter, entitlements, viewer_from, viewer_of
from accounts.circumstances import shortened
from accounts.models import BrowserSession, PushSubscription, User
from accounts.prepared import Prepared, is_any

# In the session of who came in by their company's own sign-in.
BY_COMPANY = "came_by_company_sign_in"
SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def hash_of_key(key: str) -> str:
    """Return what is kept of a session's key."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


class SessionStore(DatabaseSessions):
    """The session of one request, and what is known of its row without asking again."""

    row: BrowserSession | None = None
    ip: str | None = None
    browser = ""

    @classmethod
    def get_model_class(cls) -> type[BrowserSession]:  # type: ignore[override]
        """Return the table of sessions."""
        return BrowserSession

    def exists(self, session_key: str) -> bool:
        """Say whether there is a session with this key."""
        return BrowserSession.objects.filter(key_hash=hash_of_key(session_key)).exists()

    def delete(self, session_key: str | None = None) -> None:
        """End the session with this key, or this one."""
        if key := session_key or self.session_key:
            BrowserSession.objects.filter(key_hash=hash_of_key(key)).delete()

    # Who asks from async code gets the same, in a thread.
    aexists = SessionBase.aexists
    aload = SessionBase.aload
    acreate = SessionBase.acreate
    asave = SessionBase.asave
    adelete = SessionBase.adelete

    def came_from(self, ip: str | None, browser: str) -> None:
        """Note where this request comes from: a new session keeps it."""
        self.ip, self.browser = ip, browser[:200]

    def person(self, user_id: int) -> User | None:
        """Return whose session this is, where its row was read with them; else None."""
        row = self.row
        is_known = row is not None and row.user_id == user_id and "user" in row._state.fields_cache
        return row.user if row and is_known else None

    def viewer(self, user: User, *, now: datetime) -> Viewer:
        """Return what this person is entitled to, as it was read with their session if it was."""
        if self.person(user.pk) is None or "team_ids" not in vars(self.row):
            return viewer_of(user, now=now)
        return as_supporter(viewer_from(user, self.row), user, now=now)

    def create(self) -> None:
        """Begin a session of its own: nothing is known of it yet."""
        self.row = None
        super().create()

    def create_model_instance(  # type: ignore[override]
        self, data: dict[str, Any]
    ) -> BrowserSession:
        """Return the row to be saved, with what is known beside the data."""
        key_hash = hash_of_key(self._get_or_create_session_key())  # type: ignore[attr-defined]
        known = self.row or BrowserSession.objects.filter(key_hash=key_hash).first()
        now = timezone.now()
        user_id = data.get(SESSION_KEY)
        self.row = BrowserSession(
            pk=known.pk if known else None,
            key_hash=key_hash,
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            user_id=int(user_id) if user_id else None,
            ip=known.ip if known else self.ip,
            browser=known.browser if known else self.browser,
            by_company=bool(data.get(BY_COMPANY)),
            started_at=known.started_at if known else now,
            seen_at=known.seen_at if known else now,
        )
        return self.row

    def _get_session_from_db(self) -> BrowserSession | None:
        # One question: the session, whose it is, what they may, what their account asks of them.
        key_hash = hash_of_key(str(self.session_key))
        self.row = _SESSION.first(key_hash=key_hash, now=timezone.now())
        if self.row is None:
            self._session_key = None
        return self.row


_FACTORS = Authenticator.objects.filter(user=OuterRef("user"), type__in=SECOND_FACTORS)


def _with_people(key_hash: Any, now: Any) -> "QuerySet[Any, BrowserSession]":
    rows = BrowserSession.objects.filter(key_hash=key_hash, expire_date__gt=now)
    found: QuerySet[BrowserSession] = rows.select_related("user__account").annotate(
        has_second_factor=is_any(_FACTORS),
        **entitlements(now=now, user="user", account="user__account"),
    )
    return found


_SESSION = Prepared(_with_people)


def viewer_here(request: HttpRequest, user: User, *, now: datetime) -> Viewer:
    """Return what the person who asks is entitled to, without another query if it is known."""
    session = request.session
    if isinstance(session, SessionStore):
        return session.viewer(user, now=now)
    return viewer_of(user, now=now)


# --- Idle ----------------------------------------------------------------------------------------


def idle_limit(account_minutes: int | None) -> timedelta:
    """Return after how long without a person's doing a session ends; the account's word counts."""
    return timedelta(minutes=account_minutes or settings.IDLE_TIMEOUT_MINUTES)


def is_idle(row: BrowserSession, *, now: datetime) -> bool:
    """Say whether nobody did anything in this session for too long."""
    account = row.user.account if row.user else None
    return now - row.seen_at > idle_limit(account.idle_minutes if account else None)


def touch(row: BrowserSession, ip: str | None, *, now: datetime) -> None:
    """Note that a person did something in this session just now."""
    row.seen_at, row.ip = now, ip
    BrowserSession.objects.filter(pk=row.pk).update(seen_at=now, ip=ip)


def alive_among(keys: Sequence[str], *, now: datetime) -> set[str]:
    """Return which of these sessions still let anybody see anything, in one query.

    Those have not ended or fallen idle, and lack no second factor that is asked for.
    """
    by_hash = {hash_of_key(key): key for key in keys}
    rows = BrowserSession.objects.filter(key_hash__in=by_hash, expire_date__gt=now)
    people = rows.select_related("user__account").defer("session_data")
    found = people.annotate(has_second_factor=Exists(_FACTORS))
    return {
        by_hash[row.key_hash]
        for row in found
        if not is_idle(row, now=now) and not lacks_second_factor(row)
    }


# --- Second factors ------------------------------------------------------------------------------


def is_second_factor_required(user: User) -> bool:
    """Say whether this person's role or account asks for a second factor."""
    by_account = bool(user.account and user.account.requires_second_factor)
    return by_account or user.role in settings.SECOND_FACTOR_ROLES


def lacks_second_factor(row: BrowserSession) -> bool:
    """Say whether nothing may open in this session but the page that sets a factor up.

    For who came in by their company's sign-in the company has vouched. A row that was not asked
    about factors was made in this very request.
    """
    if row.user is None or row.by_company:
        return False
    has_one = bool(getattr(row, "has_second_factor", True))
    return is_second_factor_required(row.user) and not has_one


# --- What people see of them, and how they end ---------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """One session as a page shows it. `handle` names it in a form and opens nothing."""

    handle: str
    browser: str
    place: str
    started_at: datetime
    seen_at: datetime
    is_this: bool


def sessions_of(user: User, *, now: datetime, this_key: str = "") -> list[Shown]:
    """List where somebody is logged in, the one in use first, then the newest."""
    rows = [row for row in _open_rows(user, now=now) if not is_idle(row, now=now)]
    this_hash = hash_of_key(this_key)
    shown = [
        Shown(
            handle=handle_of(row),
            browser=browser_in_words(row.browser),
            place=shortened(row.ip or ""),
            started_at=row.started_at,
            seen_at=row.seen_at,
            is_this=row.key_hash == this_hash,
        )
        for row in rows
    ]
    return sorted(shown, key=lambda one: (not one.is_this, -one.seen_at.timestamp()))


def end_sessions(rows: Iterable[BrowserSession]) -> int:
    """Log these browsers out. Their sockets close within seconds: whoever holds them looks.

    Nor are they woken any more when a message comes.
    """
    ended = list(rows)
    PushSubscription.objects.filter(session_hash__in=[row.key_hash for row in ended]).delete()
    count, _ = BrowserSession.objects.filter(pk__in=[row.pk for row in ended]).delete()
    return count


def session_with(user: User, handle: str, *, now: datetime) -> BrowserSession | None:
    """Find the session of a person that a page named."""
    return next((row for row in _open_rows(user, now=now) if handle_of(row) == handle), None)


def other_sessions(user: User, this_key: str | None) -> QuerySet[BrowserSession]:
    """Return every session of a person but this one."""
    return BrowserSession.objects.filter(user=user).exclude(key_hash=hash_of_key(this_key or ""))


def forget_expired(*, now: datetime) -> int:
    """Delete sessions that opened nothing any more."""
    count, _ = BrowserSession.objects.filter(expire_date__lt=now).delete()
    return count


def _open_rows(user: User, *, now: datetime) -> QuerySet[BrowserSession]:
    return BrowserSession.objects.select_related("user__account").filter(
        user=user, expire_date__gt=now
    )


def handle_of(row: BrowserSession) -> str:
    """Return a name of the session that opens nothing."""
    return hashlib.sha256(f"handle:{row.key_hash}".encode()).hexdigest()[:20]


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def browser_in_words(agent: str) -> str:
    """Say which browser on which system: “Firefox, Windows”. Unknown ones are named as they do."""
    found = (_first(_BROWSERS, agent), _first(_SYSTEMS, agent))
    return ", ".join(part for part in found if part) or agent[:40]


def _first(names: Iterable[tuple[str, str]], agent: str) -> str:
    return next((words for sign, words in names if sign in agent), "")
