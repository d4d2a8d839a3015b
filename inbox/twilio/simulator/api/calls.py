"""Who calls the API, as which account, and what may they touch?"""

import base64
import binascii
import hmac
from dataclasses import dataclass

from inbox.twilio.simulator.errors import refuse
from inbox.twilio.simulator.exchange import Form, Request
from inbox.twilio.simulator.model import Account, Message
from inbox.twilio.simulator.parts import Parts
from inbox.twilio.simulator.simulator import Simulator


@dataclass(frozen=True)
class Call:
    """An authenticated API request: who signed in, on which account, with which path values."""

    simulator: Simulator
    request: Request
    caller: Account
    account: Account
    path: dict[str, str]

    @property
    def parts(self) -> Parts:
        """Return the parts of the simulator."""
        return self.simulator.parts

    @property
    def form(self) -> Form:
        """Return the form of the request."""
        return self.request.form

    def message(self, name: str = "sid") -> Message:
        """Return the message that the path names."""
        message = self.parts.store.messages.get(self.path[name])
        if message is None or message.unlisted or message.account_sid != self.account.sid:
            raise refuse(20404, self.request.path)
        return message


def authenticate(parts: Parts, request: Request) -> Account:
    """Return the account whose credentials the request carries. Raises 20003 otherwise."""
    scheme, _, encoded = (request.headers.get("Authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        raise refuse(20003)
    try:
        user, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise refuse(20003) from error
    for account in list(parts.store.accounts.values()):
        if any(
            hmac.compare_digest(one.encode(), secret.encode()) for one in _secrets(account, user)
        ):
            if account.status == "closed":
                break
            return account
    raise refuse(20003)


def _secrets(account: Account, user: str) -> list[str]:
    """Return what signs this user in: of an account both tokens, the next one as well."""
    if user == account.sid:
        return [token for token in (account.auth_token, account.next_auth_token) if token]
    return [account.api_keys[user]] if user in account.api_keys else []


def acting_account(parts: Parts, caller: Account, sid: str | None, *, owner: bool) -> Account:
    """Return the account that the path names: the caller's own or a subaccount of it.

    owner allows an inactive account: only Accounts requests may touch one.
    """
    account = parts.store.accounts.get(sid) if sid else caller
    if account is None or caller.sid not in (account.sid, account.parent_sid):
        raise refuse(20003)
    if account.status != "active" and not owner:
        raise refuse(20005, account.sid)
    return account
