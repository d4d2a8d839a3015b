"""How fast and how strict is this simulator?"""

from dataclasses import dataclass

from inbox.twilio.simulator.reading import Fields


@dataclass(slots=True)
class Settings:
    """What a configuration may tune; the defaults suit a demo.

    The delays are seconds between one status and the next. A rate of 0 means that a sender sends
    at once; otherwise it sends that many segments a second, in order.
    """

    queued_delay: float = 0.1
    sending_delay: float = 0.2
    sent_delay: float = 0.4
    delivered_delay: float = 0.8
    segments_per_second: float = 0.0
    read_receipts: bool = True
    window_hours: float = 24.0
    blocked_prefixes: tuple[str, ...] = ()
    fetch_media: bool = True

    def update(self, fields: Fields) -> None:
        """Change what a configuration names."""
        fields.refuse_unknown(*self.__slots__)
        self.queued_delay = fields.number("queued_delay", self.queued_delay)
        self.sending_delay = fields.number("sending_delay", self.sending_delay)
        self.sent_delay = fields.number("sent_delay", self.sent_delay)
        self.delivered_delay = fields.number("delivered_delay", self.delivered_delay)
        self.segments_per_second = fields.number("segments_per_second", self.segments_per_second)
        self.read_receipts = fields.flag("read_receipts", self.read_receipts)
        self.window_hours = fields.number("window_hours", self.window_hours)
        if "blocked_prefixes" in fields:
            self.blocked_prefixes = tuple(fields.texts("blocked_prefixes"))
        self.fetch_media = fields.flag("fetch_media", self.fetch_media)
