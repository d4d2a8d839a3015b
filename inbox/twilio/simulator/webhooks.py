"""Did the product hear of it?

Signs a webhook, sends it with Twilio's patience, and turns what goes wrong into Twilio's codes.
"""

import time
from dataclasses import asdict, dataclass, field, replace
from urllib.parse import urlencode, urljoin

from inbox.twilio.simulator import signing
from inbox.twilio.simulator.clock import Clock
from inbox.twilio.simulator.faults import Facts, Faults
from inbox.twilio.simulator.journal import Exchange, Journal
from inbox.twilio.simulator.model import Account
from inbox.twilio.simulator.outgoing import Answer, Outgoing
from inbox.twilio.simulator.overrides import Patience, patience_of
from inbox.twilio.simulator.sids import Sids

MAX_REDIRECTS = 5
PROBLEM_CODES = {
    "ct": 11205,
    "rt": 11205,
    "dns": 11210,
    "refused": 11205,
    "protocol": 11206,
    "forbidden": 11200,
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of a delivery."""

    url: str
    status: int | None
    error_code: int | None
    detail: str
    milliseconds: float


@dataclass(slots=True)
class Delivery:
    """All requests that one webhook needed, and how it ended."""

    url: str
    status: int | None = None
    error_code: int | None = None
    content_type: str = ""
    body: bytes = b""
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def arrived(self) -> bool:
        """Tell whether the product answered with a 2xx."""
        return self.error_code is None

    def as_json(self) -> dict[str, object]:
        """Return the delivery for a control answer."""
        return {
            "url": self.url,
            "status": self.status,
            "error_code": self.error_code,
            "body": self.body[:2_000].decode("utf-8", "replace"),
            "attempts": [asdict(one) for one in self.attempts],
        }


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent to whom, and until when it may take."""

    account: Account
    kind: str
    url: str
    method: str
    params: dict[str, str]
    patience: Patience
    deadline: float
    token: str


class Webhooks:
    """The part of Twilio that calls the product."""

    def __init__(
        self, outgoing: Outgoing, journal: Journal, clock: Clock, faults: Faults, sids: Sids
    ) -> None:
        self._outgoing = outgoing
        self._journal = journal
        self._clock = clock
        self._faults = faults
        self._sids = sids

    def deliver(
        self,
        account: Account,
        url: str,
        params: dict[str, str],
        *,
        kind: str,
        method: str = "POST",
    ) -> Delivery:
        """Call a webhook URL, following its connection overrides."""
        patience = patience_of(url)
        call = Call(
            account,
            kind,
            signing.without_fragment(url),
            method,
            params,
            patience,
            time.monotonic() + patience.total,
            self._sids.uuid(),
        )
        delivery = Delivery(call.url)
        for _ in range(patience.retries + 1):
            answer = self._follow(call, delivery)
            tried_long_enough = time.monotonic() >= call.deadline
            if tried_long_enough or not patience.retries_on(_retry_name(answer)):
                break
        delivery.status = answer.status
        delivery.content_type = answer.header("content-type")
        delivery.body = answer.body
        return delivery

    def _follow(self, call: Call, delivery: Delivery) -> Answer:
        for _ in range(MAX_REDIRECTS):
            answer = self._send(call, delivery)
            location = answer.header("location")
            if answer.status is None or not 300 <= answer.status < 400 or not location:
                return answer
            # A redirected POST becomes a GET and loses its parameters.
            call = replace(call, url=urljoin(call.url, location), method="GET", params={})
        delivery.error_code = 11215
        return answer

    def _send(self, call: Call, delivery: Delivery) -> Answer:
        url = call.url
        posted = call.params if call.method == "POST" else {}
        if call.method == "GET" and call.params:
            url += ("&" if "?" in url else "?") + urlencode(call.params)
        headers = self._headers(call, url, posted)
        exchange = Exchange(
            call.kind,
            call.method,
            url,
            self._clock.timestamp(),
            call.account.sid,
            call.params.get("MessageSid", ""),
            headers,
            dict(call.params),
            headers["X-Twilio-Signature"],
        )
        began = time.monotonic()
        answer = self._outgoing.send(
            call.method,
            url,
            body=urlencode(posted).encode() if call.method == "POST" else None,
            headers=headers,
            connect=call.patience.connect,
            read=call.patience.read,
            total=max(0.001, call.deadline - began),
        )
        exchange.milliseconds = round((time.monotonic() - began) * 1000, 1)
        exchange.status, exchange.error = answer.status, answer.detail
        exchange.error_code = delivery.error_code = code_of(answer)
        exchange.answer = answer.body[:2_000].decode("utf-8", "replace")
        delivery.attempts.append(
            Attempt(url, answer.status, exchange.error_code, answer.detail, exchange.milliseconds)
        )
        self._journal.record(exchange)
        return answer

    def _headers(self, call: Call, url: str, posted: dict[str, str]) -> dict[str, str]:
        account = call.account
        secret, algorithm = account.auth_token, "HMAC_SHA1"
        headers = {
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "I-Twilio-Idempotency-Token": call.token,
            "X-Home-Region": "us1",
        }
        if account.shared_key_id:
            secret, algorithm = account.shared_key_secret, "HMAC_SHA256"
            headers["X-Twilio-Webhooks-Signature-Settings"] = (
                f"key={account.shared_key_id},algorithm={algorithm}"
            )
        fault = self._faults.take("signature", self._facts(call))
        if fault is not None and fault.kind == "wrong_signature":
            secret = f"{secret}?"
        elif fault is not None:
            secret = account.next_auth_token or secret
        headers["X-Twilio-Signature"] = signing.sign(secret, url, posted, algorithm)
        return headers

    @staticmethod
    def _facts(call: Call) -> Facts:
        on = "status" if call.kind == "callback" else "inbound"
        params = call.params
        return Facts(call.account.sid, params.get("To", ""), params.get("From", ""), on)


def code_of(answer: Answer) -> int | None:
    """Return Twilio's code for a failed delivery, or None for a good one."""
    if answer.problem:
        return PROBLEM_CODES[answer.problem]
    return 11217 if answer.status is None or answer.status >= 400 else None


def _retry_name(answer: Answer) -> str:
    if answer.problem in ("ct", "refused", "dns"):
        return "ct"
    if answer.problem or answer.status is None:
        return "rt" if answer.problem == "rt" else ""
    return {4: "4xx", 5: "5xx"}.get(answer.status // 100, "")
