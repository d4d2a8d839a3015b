"""What goes wrong this time, and for whom?

A fault is set through the control endpoint or by writing to a magic number. Every kind belongs
to one moment of a request's life (its phase); at most one fault acts per moment.
"""

import itertools
import random
import re
import threading
from collections import Counter
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

from inbox.twilio.simulator.addresses import bare
from inbox.twilio.simulator.reading import BadInputError, Fields

PHASES = {
    "before": (
        "rate_limit",
        "server_error",
        "hang_before",
        "reset_before",
        "reject",
    ),
    "after": (
        "server_error_after",
        "hang_after",
        "reset_after",
        "html_after",
        "callback_before_reply",
    ),
    "callbacks": ("no_callback", "late_callback", "duplicate_callback", "reversed_callbacks"),
    "outcome": ("undelivered", "failed", "stuck"),
    "signature": ("wrong_signature", "rotated_token"),
    "inbound": (
        "duplicate_webhook",
        "lost_webhook",
        "late_webhook",
        "webhook_failure",
        "webhook_timeout",
    ),
    "media": ("oversize_media", "html_media", "slow_media", "missing_media"),
}
PHASE_OF = {kind: phase for phase, kinds in PHASES.items() for kind in kinds}
FIELDS = (
    "kind",
    "to",
    "from",
    "account_sid",
    "times",
    "seconds",
    "code",
    "copies",
    "retry_after",
    "probability",
    "on",
)
FOREVER = -1

# Longer than the ten seconds that a sensible client waits.
LONG_ENOUGH = 12.0


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong, and the requests that it hits."""

    kind: str
    to: str = ""
    from_: str = ""
    account_sid: str = ""
    times: int = 1
    seconds: float = 0.0
    code: int = 0
    copies: int = 1
    retry_after: float | None = None
    probability: float = 1.0
    on: str = ""
    id: int = 0
    used: int = 0

    @property
    def phase(self) -> str:
        """Return the moment at which this acts."""
        return PHASE_OF[self.kind]

    def fits(self, facts: "Facts") -> bool:
        """Tell whether a request is one of those meant."""
        return (
            self.times != 0
            and _matches(self.to, facts.to)
            and _matches(self.from_, facts.from_)
            and self.account_sid in ("", facts.account_sid)
            and self.on in ("", "any", facts.on)
        )

    def as_json(self) -> dict[str, object]:
        """Return the fault for a control answer."""
        data = asdict(self)
        data["from"] = data.pop("from_")
        return data


@dataclass(frozen=True, slots=True)
class Facts:
    """What a fault may look at: who writes to whom, and in which kind of request."""

    account_sid: str = ""
    to: str = ""
    from_: str = ""
    on: str = "create"


# Twilio's own test numbers, in all accounts and at once.
MAGIC_TO = {
    "+15005550001": Fault("reject", code=21211),
    "+15005550002": Fault("reject", code=21612),
    "+15005550003": Fault("reject", code=21408),
    "+15005550004": Fault("reject", code=21610),
    "+15005550009": Fault("reject", code=21614),
    # Ours, in the same exchange.
    "+15005550100": Fault("rate_limit"),
    "+15005550110": Fault("server_error"),
    "+15005550111": Fault("server_error_after"),
    "+15005550112": Fault("hang_before", seconds=LONG_ENOUGH),
    "+15005550113": Fault("hang_after", seconds=LONG_ENOUGH),
    "+15005550114": Fault("reset_after"),
    "+15005550115": Fault("reset_before"),
    "+15005550116": Fault("callback_before_reply"),
    "+15005550120": Fault("no_callback"),
    "+15005550121": Fault("late_callback", seconds=30),
    "+15005550122": Fault("duplicate_callback"),
    "+15005550123": Fault("reversed_callbacks"),
    "+15005550124": Fault("wrong_signature"),
    "+15005550125": Fault("rotated_token"),
    "+15005550130": Fault("stuck"),
}
MAGIC_FROM = {
    "+15005550001": Fault("reject", code=21212),
    "+15005550007": Fault("reject", code=21606),
    "+15005550008": Fault("reject", code=21611),
}
TEST_SENDER = "+15005550006"

# +15005550101 to ...109: that many times 429, then one message is accepted, and over again.
RATE_LIMITED = re.compile(r"^\+1500555010([1-9])$")
# +1500, an error code of five digits, 00 undelivered / 01 failed / 02 refused at once.
CODED = re.compile(r"^\+1500((?:2[01]|30|63)\d{3})(0[012])$")
CODED_KINDS = {"00": "undelivered", "01": "failed", "02": "reject"}


class Faults:
    """The faults that are set now."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._faults: list[Fault] = []
        self._tries: Counter[str] = Counter()

    def add(self, fault: Fault) -> Fault:
        """Set a fault."""
        with self._lock:
            fault.id = next(self._numbers)
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Take all faults back."""
        with self._lock:
            self._faults.clear()
            self._tries.clear()

    def remove(self, fault_id: int) -> None:
        """Take one fault back."""
        with self._lock:
            self._faults = [fault for fault in self._faults if fault.id != fault_id]

    def listing(self) -> list[Fault]:
        """Return the faults that are set."""
        with self._lock:
            return list(self._faults)

    def take(self, phase: str, facts: Facts) -> Fault | None:
        """Return the fault that acts now, if any, and count it as used."""
        with self._lock:
            for fault in self._faults:
                if fault.phase == phase and fault.fits(facts) and self._falls_on(fault):
                    return self._use(fault)
            return self._magic(phase, facts)

    def _falls_on(self, fault: Fault) -> bool:
        return fault.probability >= 1 or self._rng.random() < fault.probability

    def _use(self, fault: Fault) -> Fault:
        fault.used += 1
        if fault.times > 0:
            fault.times -= 1
            if fault.times == 0:
                self._faults.remove(fault)
        return fault

    def _magic(self, phase: str, facts: Facts) -> Fault | None:
        number = bare(facts.to)
        if facts.on not in ("create", "status") or not number.startswith("+1500"):
            return self._magic_sender(phase, facts)
        limited = RATE_LIMITED.match(number)
        if limited and phase == "before":
            self._tries[number] += 1
            accepted = self._tries[number] % (int(limited[1]) + 1) == 0
            return None if accepted else Fault("rate_limit")
        coded = CODED.match(number)
        fault = MAGIC_TO.get(number)
        if coded:
            fault = Fault(CODED_KINDS[coded[2]], code=int(coded[1]))
        return fault if fault and fault.phase == phase else self._magic_sender(phase, facts)

    def _magic_sender(self, phase: str, facts: Facts) -> Fault | None:
        return MAGIC_FROM.get(facts.from_) if phase == "before" and facts.on == "create" else None


def fault_from(fields: Fields) -> Fault:
    """Read a fault from a control request. Raises BadInputError if it makes no sense."""
    fields.refuse_unknown(*FIELDS)
    kind = fields.required("kind")
    if kind not in PHASE_OF:
        raise BadInputError(f"unknown fault {kind}; there are: {', '.join(sorted(PHASE_OF))}")
    fault = Fault(
        kind,
        to=fields.text("to"),
        from_=fields.text("from"),
        account_sid=fields.text("account_sid"),
        times=fields.integer("times", 1),
        seconds=fields.number("seconds", _seconds_of(kind)),
        code=fields.integer("code", _code_of(kind)),
        copies=fields.integer("copies", 1),
        retry_after=fields.number("retry_after") if "retry_after" in fields else None,
        probability=fields.number("probability", 1.0),
        on=fields.text("on", _on_of(kind)),
    )
    if fault.times == 0 or fault.times < FOREVER:
        raise BadInputError("times must be 1 or more, or -1 for ever")
    return fault


def _seconds_of(kind: str) -> float:
    waits = {"late_callback": 30.0, "late_webhook": 30.0, "slow_media": LONG_ENOUGH}
    return waits.get(kind, LONG_ENOUGH)


def _code_of(kind: str) -> int:
    return {"undelivered": 30003, "failed": 30008, "reject": 21612}.get(kind, 0)


def _on_of(kind: str) -> str:
    return "create" if PHASE_OF[kind] in ("before", "after") else ""


def _matches(pattern: str, value: str) -> bool:
    return not pattern or any(
        pattern == one or fnmatchcase(one, pattern) for one in (value, bare(value))
    )
