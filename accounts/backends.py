"""Who is behind a session? allauth logs people in; every page asks who they are."""

from allauth.account import auth_backends

from accounts.circumstances import request_now
from accounts.models import User
from accounts.prepared import Prepared
from accounts.sessions import SessionStore

_USER = Prepared(lambda pk: User.objects.filter(pk=pk))


class AuthenticationBackend(auth_backends.AuthenticationBackend):  # type: ignore[misc]
    """allauth's log-in; a person comes with their session, or is found by a prepared query."""

    def get_user(self, user_id: int) -> User | None:
        """Return the person, unless they may not log in any more."""
        user = _of_session(user_id) or _USER.first(pk=user_id)
        return user if user and self.user_can_authenticate(user) else None


def _of_session(user_id: int) -> User | None:
    session = getattr(request_now(), "session", None)
    return session.person(user_id) if isinstance(session, SessionStore) else None
