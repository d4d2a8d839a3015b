"""How do the parts come together into one simulator?"""

from pathlib import Path

from inbox.twilio.simulator import snapshot
from inbox.twilio.simulator.arriving import Arriving
from inbox.twilio.simulator.clock import Clock
from inbox.twilio.simulator.config import apply_config
from inbox.twilio.simulator.lifecycle import Lifecycle
from inbox.twilio.simulator.outgoing import Outgoing
from inbox.twilio.simulator.parts import Parts
from inbox.twilio.simulator.reading import Fields
from inbox.twilio.simulator.sids import Sids


class Simulator:
    """One simulated Twilio: its parts and the two stories they tell."""

    def __init__(
        self,
        *,
        seed: int | None = None,
        state_dir: Path | None = None,
        payloads: Path | None = None,
        clock: Clock | None = None,
        allow_remote: bool = False,
    ) -> None:
        self.state_dir = state_dir
        self.payloads = payloads
        generation = snapshot.next_generation(state_dir)
        self.parts = Parts(
            Sids(seed, generation),
            clock=clock or Clock(),
            outgoing=Outgoing(allow_remote=allow_remote),
        )
        self._saved_changes = -1
        self.lifecycle = Lifecycle(self.parts)
        self.arriving = Arriving(self.parts, self.lifecycle)

    def load(self, config: Fields | None = None) -> None:
        """Take up what an earlier run left, then apply the configuration."""
        if self.state_dir is not None:
            snapshot.load(self.parts, self.state_dir)
        if config is not None:
            apply_config(self.parts, config)
        self.lifecycle.resume()

    def save(self) -> None:
        """Write the store to the state directory, if there is one and something happened."""
        changes = self.parts.journal.changes
        if self.state_dir is not None and changes != self._saved_changes:
            snapshot.save(self.parts, self.state_dir)
            self._saved_changes = changes

    def stop(self) -> None:
        """Save and end the threads."""
        self.save()
        self.parts.stop()
