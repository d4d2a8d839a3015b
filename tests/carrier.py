"""How does a test get Twilio? The simulator on a free port, and our code pointed at it."""

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest

from inbox.models import Sender
from inbox.sending.carriers import _carrier
from inbox.twilio.simulator.server import Server
from inbox.twilio.simulator.simulator import Simulator


class Twilio:
    """The simulator as tests speak to it."""

    def __init__(self, simulator: Simulator, server: Server) -> None:
        self.simulator, self.server = simulator, server

    @property
    def url(self) -> str:
        """Return where it listens."""
        return self.server.url

    def tell(self, path: str, **body: Any) -> Any:
        """Post to a control address."""
        request = Request(
            f"{self.url}/_sim/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def ask(self, path: str) -> Any:
        """Get a control address."""
        with urlopen(f"{self.url}/_sim/{path}", timeout=30) as answer:
            return json.loads(answer.read())

    def knows(self, *senders: Sender, webhooks: str = "") -> None:
        """Let it own these numbers of ours; `webhooks` is where we listen, if we do."""
        accounts = {sender.twilio_account for sender in senders}
        self.tell(
            "config",
            accounts=[
                {"account_sid": account.account_sid, "auth_token": account.auth_token}
                for account in accounts
            ],
            senders=[
                {
                    "account_sid": sender.twilio_account.account_sid,
                    "address": sender.address,
                    "webhook_url": f"{webhooks}/hooks/twilio/{sender.path_token}",
                }
                for sender in senders
            ],
        )

    def fault(self, kind: str, **fields: Any) -> None:
        """Let something go wrong."""
        self.tell("faults", kind=kind, **fields)

    def requests_to_send(self) -> list[dict[str, Any]]:
        """Return every create request it received."""
        found: list[dict[str, Any]] = self.ask("ledger")["entries"]
        return found


@pytest.fixture
def twilio(settings: Any) -> Iterator[Twilio]:
    """Start a simulator for one test and let our client reach it."""
    simulator = Simulator(seed=7)
    server = Server(simulator, 0)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    settings.TWILIO_API_BASE = server.url
    settings.TWILIO_TIMEOUT_SECONDS = 1.0
    _carrier.cache_clear()
    yield Twilio(simulator, server)
    _carrier.cache_clear()
    server.shutdown()
    server.server_close()
    simulator.stop()
