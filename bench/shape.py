"""What world do both builds start from? The same accounts, numbers, customers and messages."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import Any

BODIES = 6
DAYS = 30


@dataclass(frozen=True)
class Shape:
    """How much there is before anything is measured.

    One conversation per customer with `each` messages. The first account is the big one: `big` of
    all conversations are its own. Of ten conversations about three are closed, two belong to the
    agent who looks, one to a colleague, four to nobody. For searches there is a second, small inbox
    and here and there a file.
    """

    accounts: int
    customers: int
    each: int
    big: float
    agents: int
    seed: int
    is_searched: bool = False

    @property
    def messages(self) -> int:
        """Return how many messages that makes."""
        return self.customers * self.each

    def as_dict(self) -> dict[str, Any]:
        """Return what a loading process is told."""
        return asdict(self)

    def senders(self) -> list[dict[str, str]]:
        """Return one number per account, with Twilio's words for it."""
        dice = random.Random(self.seed)
        return [
            {
                "address": f"+1555{n:07d}",
                "token": f"bench{dice.getrandbits(160):040x}",
                "account_sid": f"AC{dice.getrandbits(128):032x}",
                "auth_token": f"{dice.getrandbits(128):032x}",
            }
            for n in range(1, self.accounts + 1)
        ]

    def sender_of(self, customer: int) -> int:
        """Return the place of the sender that customer number 1, 2, … writes to."""
        if customer <= self.customers * self.big:
            return 0
        others = max(1, self.accounts - 1)
        return (customer % others + 1) % self.accounts if self.big else customer % self.accounts

    def phone_of(self, customer: int) -> str:
        """Return a customer's number."""
        return f"+1415{2_000_000 + customer:07d}"

    # The same two facts in SQL, for rows made by the hundred thousand.

    @property
    def sql_sender(self) -> str:
        """Return `sender_of` for a customer number `i`."""
        others = max(1, self.accounts - 1)
        if not self.big:
            return f"(i % {self.accounts})"
        limit = int(self.customers * self.big)
        return f"(CASE WHEN i <= {limit} THEN 0 ELSE (i % {others} + 1) % {self.accounts} END)"

    @property
    def sql_phone(self) -> str:
        """Return `phone_of` for a customer number `i`."""
        return "('+1415' || lpad((2000000 + i)::text, 7, '0'))"

    @property
    def sql_state(self) -> str:
        """Return a digit for conversation `i`: 0-2 closed, 3-4 the agent's, 5 a colleague's."""
        return "(abs(hashint4(i)::bigint) % 10)"

    @property
    def sql_last_at(self) -> str:
        """Return when conversation `i` last heard something: spread over the last days."""
        spread = f"((i::bigint * 7919) % {self.customers})::float8 / {self.customers}"
        return f"(now() - interval '{DAYS} days' * ({spread}) - interval '1 hour')"
