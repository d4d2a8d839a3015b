"""Is the calendar right for odd weeks of real places, when their clocks do odd things?

Each is looked at minute by minute around every jump of its clock in 2026, the end of that year and
the end of February 2028.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from routing.hours import ALWAYS_OPEN, Calendar, Opening, Week
from tests.routing.oracle import MINUTE, Film

DAYS = 3


def each(*hours: tuple[float, float], days: str = "1234567") -> Week:
    """Return a week with these hours on these days; Monday is 1."""
    openings = tuple(Opening(int(start * 60), int(end * 60)) for start, end in hours)
    return tuple(openings if str(day) in days else () for day in range(1, 8))


WITH_LUNCH = ((9, 12.5), (13.5, 18))
PLACES = [
    Calendar("Africa/Cairo", each((9, 24)), country="EG"),
    Calendar("Africa/Casablanca", each(*WITH_LUNCH, days="12345"), country="MA"),
    Calendar("Africa/El_Aaiun", each((2, 4))),
    Calendar("America/Asuncion", each((22, 30)), country="PY"),
    Calendar("America/Havana", each((0, 1)), country="CU"),
    Calendar("America/Nuuk", each((21, 27)), country="GL"),
    Calendar("America/Santiago", each((0, 24), days="123456"), country="CL", region="RM"),
    Calendar("America/Scoresbysund", each((0, 3)), country="GL"),
    Calendar("America/St_Johns", each((23, 25)), country="CA", region="NL"),
    Calendar("America/Toronto", each((0.5, 1.75), (1.75, 3)), country="CA", region="ON"),
    Calendar("Antarctica/Troll", each((0, 4))),
    Calendar("Asia/Beirut", each((23, 24)), country="LB"),
    Calendar("Asia/Gaza", each((0, 2)), country="PS"),
    Calendar("Asia/Jerusalem", each((9, 17), days="71234"), country="IL"),
    Calendar("Asia/Kathmandu", each(*WITH_LUNCH, days="712345"), country="NP"),
    Calendar("Asia/Kolkata", each((20, 33)), country="IN", region="MH"),
    Calendar("Asia/Riyadh", each((9, 12), (16, 22), days="71234"), country="SA"),
    Calendar("Asia/Shanghai", each((10, 19), days="12345"), country="CN"),
    Calendar("Asia/Tehran", each((8, 16), days="67123"), country="IR"),
    Calendar("Asia/Tokyo", each((10, 19)), country="JP"),
    Calendar("Australia/Eucla", each(*WITH_LUNCH), country="AU", region="WA"),
    Calendar("Australia/Lord_Howe", each((1, 2.25)), country="AU", region="NSW"),
    Calendar("Europe/Dublin", each((0, 1.5)), country="IE"),
    Calendar("Europe/Istanbul", each((9, 33), days="12"), country="TR"),
    Calendar("Europe/London", ALWAYS_OPEN, country="GB", region="SCT"),
    Calendar("Pacific/Apia", each((0, 24), days="12345"), country="WS"),
    Calendar("Pacific/Chatham", each((2, 3.75)), country="NZ", region="CIT"),
    Calendar("Pacific/Easter", each((20, 23)), country="CL"),
    Calendar("Pacific/Kiritimati", each((22, 46), days="1"), country="KI"),
    Calendar("Pacific/Norfolk", each(*WITH_LUNCH), country="NF"),
]


def odd_moments(zone: str) -> Iterator[datetime]:
    """Return a day before each jump of the clock, and before days that some forget."""
    yield datetime(2026, 12, 30, tzinfo=UTC)
    yield datetime(2028, 2, 27, tzinfo=UTC)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    while at.year == 2026:
        later = at + timedelta(hours=12)
        if (
            at.astimezone(ZoneInfo(zone)).utcoffset()
            != later.astimezone(ZoneInfo(zone)).utcoffset()
        ):
            yield at - timedelta(hours=24)
        at = later


@pytest.mark.parametrize("calendar", PLACES, ids=lambda calendar: calendar.zone)
def test_a_real_place_is_open_when_its_clock_says(calendar: Calendar) -> None:
    for start in odd_moments(calendar.zone):
        film = Film(calendar, start, DAYS * 1440)

        assert [calendar.is_open(at) for _, at in film.times()] == film.frames
        counted = calendar.open_time_between(start, start + timedelta(days=DAYS))
        assert counted == MINUTE * sum(film.frames)
        changes = [n for n, at in film.times() if n and film.frames[n] != film.frames[n - 1]]
        for before, change in zip([0, *changes], changes, strict=False):
            assert calendar.changes_at(start + MINUTE * before) == start + MINUTE * change
