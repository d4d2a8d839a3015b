"""What does Twilio send? Whole signed HTTP requests, made before the clock starts."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from bench.house import PUBLIC_BASE_URL

NEW_CUSTOMERS = 0.01
REPEATS = 0.01
STATUSES = 0.05
REPEAT_AFTER = 40
RUNS = 24  # each run reports on other messages
STEPS = ("delivered", "read")
WORDS = (
    "Hello, is anybody there?",
    "Where is my order 4711? It should have come on Tuesday.",
    "Do you have these in size 46? The blue ones, not the green ones you showed last week.",
    "Thanks!",
    "Könnten Sie mich bitte zurückrufen? Am besten nach 16 Uhr, vorher bin ich unterwegs.",
    "The zip broke after a week. I would like to send it back, how does that work? 😕",
)


@dataclass(frozen=True)
class Request:
    """One webhook: its bytes, and the key under which its row must be found."""

    key: str
    wire: bytes


@dataclass
class Twilio:
    """Writes webhooks for a population; every number it draws comes from the seed."""

    population: Mapping[str, Any]
    seed: int
    run: int
    _random: random.Random = field(init=False)
    _sids: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.seed}/{self.run}")

    def mixed(self, count: int) -> list[Request]:
        """Return texts with their share of new customers, repeats and status callbacks."""
        statuses = self._statuses()
        made: list[Request] = []
        for _ in range(count):
            dice = self._random.random()
            if dice < REPEATS and len(made) > REPEAT_AFTER:
                made.append(made[-REPEAT_AFTER])
            elif dice < REPEATS + STATUSES and (status := next(statuses, None)):
                made.append(status)
            else:
                is_new = dice > 1 - NEW_CUSTOMERS
                made.append(self.text(*(self._stranger() if is_new else self._customer())))
        return made

    def text(self, sender: int, customer: str, body: str = "") -> Request:
        """Return one inbound text."""
        self._sids += 1
        sid = f"SM{self.run:08x}{self._sids:024x}"
        return self._post(
            f"inbound/{sid}/",
            sender,
            "",
            {
                "MessageSid": sid,
                "SmsMessageSid": sid,
                "SmsSid": sid,
                "From": customer,
                "To": self.population["senders"][sender]["address"],
                "Body": body or self._random.choice(WORDS),
                "NumMedia": "0",
                "NumSegments": "1",
                "SmsStatus": "received",
                "FromCountry": "US",
                "FromCity": "SAN FRANCISCO",
                "FromState": "CA",
                "FromZip": "94105",
                "ApiVersion": "2010-04-01",
            },
        )

    def _statuses(self) -> Iterator[Request]:
        """Yield callbacks about messages that were sent; each run has messages of its own."""
        sent = self.population["sent"]
        share = max(1, len(sent) // RUNS)
        first = (self.run * share) % max(1, len(sent))
        for message in sent[first : first + share]:
            for step in STEPS:
                yield self._post(
                    f"status/{message['sid']}/{step}",
                    message["sender"],
                    f"/status{message['query']}",
                    {
                        "MessageSid": message["sid"],
                        "SmsSid": message["sid"],
                        "MessageStatus": step,
                        "SmsStatus": step,
                        "From": self.population["senders"][message["sender"]]["address"],
                        "To": message["customer"],
                        "ApiVersion": "2010-04-01",
                    },
                )

    def _customer(self) -> tuple[int, str]:
        sender, customer = self._random.choice(self.population["customers"])
        return sender, customer

    def _stranger(self) -> tuple[int, str]:
        sender = self._random.randrange(len(self.population["senders"]))
        return sender, f"+1628{self._random.randrange(2_000_000, 9_999_999)}"

    def _post(self, key: str, sender: int, rest: str, form: dict[str, str]) -> Request:
        ours = self.population["senders"][sender]
        form["AccountSid"] = ours["account_sid"]
        path = f"/hooks/twilio/{ours['token']}{rest}"
        validator: Any = RequestValidator
        signature = validator(ours["auth_token"]).compute_signature(
            f"{PUBLIC_BASE_URL}{path}", form
        )
        body = urlencode(form).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: TwilioProxy/1.1\r\n"
            "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nX-Twilio-Signature: {signature}\r\n"
            "Accept: */*\r\nI-Twilio-Idempotency-Token: 00000000-0000-4000-8000-000000000000\r\n"
            "\r\n"
        )
        return Request(key, head.encode() + body)
