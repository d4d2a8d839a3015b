"""How is the simulator started?"""

import argparse
import signal
import sys
import threading
from pathlib import Path

from inbox.twilio.simulator.reading import BadInputError, Fields
from inbox.twilio.simulator.server import Server
from inbox.twilio.simulator.simulator import Simulator

SAVE_EVERY = 5.0
PAYLOADS = Path(__file__).parents[3] / "tests" / "data" / "twilio_payloads.json"


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal comes; print the address once it answers."""
    options = _parser().parse_args(arguments)
    simulator = Simulator(
        seed=options.seed,
        state_dir=options.state_dir,
        payloads=options.payloads,
        allow_remote=options.allow_remote,
    )
    try:
        config = Fields.parse(options.config.read_bytes(), "config") if options.config else None
        simulator.load(config)
    except (OSError, BadInputError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    server = Server(simulator, options.port, frozenset(options.allow_host))
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    threading.Thread(target=server.serve_forever, name="server", daemon=True).start()
    print(f"Twilio simulator: {server.url}/simulator/", flush=True)
    while not stopping.wait(SAVE_EVERY):
        simulator.save()
    server.shutdown()
    simulator.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m inbox.twilio.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=4020, help="0 takes a free one")
    parser.add_argument("--state-dir", type=Path, help="keep the history here between runs")
    parser.add_argument("--config", type=Path, help="JSON file of accounts, senders, services")
    parser.add_argument("--payloads", type=Path, default=PAYLOADS, help="payloads for replay")
    parser.add_argument("--seed", type=int, help="make SIDs and chances repeatable")
    parser.add_argument("--allow-remote", action="store_true", help="call other machines too")
    parser.add_argument(
        "--allow-host", action="append", default=[], help="a Host header to serve the page for"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
