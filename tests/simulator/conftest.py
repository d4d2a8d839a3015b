"""What does a test of the simulator start with?"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from inbox.twilio.simulator.reading import Fields
from inbox.twilio.simulator.server import Server
from inbox.twilio.simulator.simulator import Simulator
from tests.simulator.product import Product
from tests.simulator.twilio_client import twilio_client

ACCOUNT = "AC" + "a" * 32
OTHER_ACCOUNT = "AC" + "b" * 32
TOKEN = "1" * 32
NEXT_TOKEN = "2" * 32
NUMBER = "+14155550100"
SECOND_NUMBER = "+14155550101"
POOLED = "+14155550102"
TOLL_FREE = "+18885550103"
SHORT_CODE = "384387"
WHATSAPP = "whatsapp:+14155550104"
FOREIGN = "+14155550109"
SERVICE = "MG" + "c" * 32
CUSTOMER = "+12025550142"
DATA = Path(__file__).parent.parent / "data"
FAST = {
    "queued_delay": 0.005,
    "sending_delay": 0.005,
    "sent_delay": 0.005,
    "delivered_delay": 0.005,
}


@dataclass
class Running:
    """A simulator that listens, and the product that it calls."""

    simulator: Simulator
    server: Server
    product: Product

    @property
    def url(self) -> str:
        """Return the address of the simulator."""
        return self.server.url

    def client(self, sid: str = ACCOUNT, token: str = TOKEN, **kwargs: Any) -> Any:
        """Return Twilio's client; its optional attributes would drown a test in checks."""
        return twilio_client(self.url, sid, token, **kwargs)

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a plain request and return status, headers and body."""
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=20)
        raw = json.dumps(body).encode() if isinstance(body, dict) else body
        connection.request(method, path, body=raw, headers=headers or {})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), data

    def get(self, path: str) -> Any:
        """Ask a control endpoint."""
        status, _, data = self.ask("GET", path)
        assert status == 200, data
        return json.loads(data)

    def post(self, path: str, wanted: int = 200, **body: Any) -> Any:
        """Tell a control endpoint something."""
        status, _, data = self.ask("POST", path, body)
        assert status in (wanted, 201), data
        return json.loads(data)

    def inbound(self, body: str = "Hello", **fields: Any) -> Any:
        """Let a customer write."""
        return self.post(
            "/_sim/inbound", **{"from": CUSTOMER, "to": NUMBER, "body": body, **fields}
        )

    def settle(self) -> None:
        """Wait until every status was reported."""
        self.post("/_sim/settle", within=2, timeout=10)

    def fault(self, kind: str, **fields: Any) -> Any:
        """Let something go wrong."""
        return self.post("/_sim/faults", kind=kind, **fields)


def config_for(product: Product) -> dict[str, Any]:
    """Return two accounts with one sender of each kind."""
    url = product.url
    senders = [
        {"account_sid": ACCOUNT, "address": address, "webhook_url": f"{url}/inbound"}
        for address in (NUMBER, SECOND_NUMBER, TOLL_FREE, SHORT_CODE)
    ]
    return {
        "accounts": [
            {"account_sid": ACCOUNT, "auth_token": TOKEN, "next_auth_token": NEXT_TOKEN},
            {"account_sid": OTHER_ACCOUNT, "auth_token": "3" * 32},
        ],
        "senders": [
            *senders,
            {"account_sid": ACCOUNT, "address": POOLED},
            {
                "account_sid": ACCOUNT,
                "address": WHATSAPP,
                "channel": "whatsapp",
                "webhook_url": f"{url}/inbound",
                "status_url": f"{url}/sender-status",
            },
            {"account_sid": OTHER_ACCOUNT, "address": FOREIGN, "webhook_url": f"{url}/other"},
        ],
        "services": [
            {
                "account_sid": ACCOUNT,
                "sid": SERVICE,
                "friendly_name": "Support",
                "inbound_request_url": f"{url}/service",
                "status_callback": f"{url}/service-status",
                "advanced_opt_out": True,
                "senders": [POOLED],
            }
        ],
        "settings": FAST,
    }


@pytest.fixture(scope="session")
def shared_product() -> Iterator[Product]:
    product = Product()
    yield product
    product.stop()


@pytest.fixture
def product(shared_product: Product) -> Product:
    shared_product.heard.clear()
    shared_product.answers.clear()
    return shared_product


@pytest.fixture
def sim(product: Product) -> Iterator[Running]:
    simulator = Simulator(seed=7, payloads=DATA / "twilio_payloads.json")
    simulator.load(Fields(config_for(product)))
    server = Server(simulator, 0)
    threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True).start()
    yield Running(simulator, server, product)
    server.shutdown()
    server.server_close()
    simulator.stop()
