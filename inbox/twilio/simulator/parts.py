"""Which parts make one running simulator?"""

from dataclasses import dataclass, field

from inbox.twilio.simulator.clock import Clock
from inbox.twilio.simulator.faults import Faults
from inbox.twilio.simulator.journal import Journal
from inbox.twilio.simulator.outgoing import Outgoing
from inbox.twilio.simulator.settings import Settings
from inbox.twilio.simulator.sids import Sids
from inbox.twilio.simulator.store import Store
from inbox.twilio.simulator.webhooks import Webhooks
from inbox.twilio.simulator.workers import Timeline, Workers


@dataclass
class Parts:
    """What the stories of the simulator share."""

    sids: Sids
    clock: Clock = field(default_factory=Clock)
    outgoing: Outgoing = field(default_factory=Outgoing)
    store: Store = field(default_factory=Store)
    journal: Journal = field(default_factory=Journal)
    settings: Settings = field(default_factory=Settings)
    workers: Workers = field(default_factory=Workers)

    def __post_init__(self) -> None:
        self.faults = Faults(self.sids.fork())
        self.timeline = Timeline(self.clock)
        self.webhooks = Webhooks(self.outgoing, self.journal, self.clock, self.faults, self.sids)

    def stop(self) -> None:
        """End the threads."""
        self.timeline.stop()
        self.workers.stop()
