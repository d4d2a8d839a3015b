"""Is the fast calendar right about every minute? Compared with one that looks at each."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.hours import Calendar, Opening, SpecialDay
from tests.routing.oracle import MINUTE, Film

# Each zone with a moment around which its clock does something.
EVENTFUL = [
    ("UTC", datetime(2028, 2, 29, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ("Pacific/Fakaofo", datetime(2011, 12, 30, 11, tzinfo=UTC)),
    ("Pacific/Kwajalein", datetime(1993, 8, 21, 12, tzinfo=UTC)),
    ("Asia/Pyongyang", datetime(2018, 5, 4, 15, tzinfo=UTC)),
    ("America/Caracas", datetime(2016, 5, 1, 7, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 11, 1, 5, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2026, 2, 15, 2, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2026, 10, 24, 21, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(1986, 1, 1, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Africa/Juba", datetime(2021, 1, 31, 21, tzinfo=UTC)),
    ("America/St_Johns", datetime(2011, 3, 13, 3, 31, tzinfo=UTC)),
]
DAYS = 5


@st.composite
def openings(draw: st.DrawFn) -> tuple[Opening, ...]:
    """Draw a day's hours; they may touch, overlap and run into the next day."""
    edges = st.sampled_from([0, 15, 60, 90, 119, 120, 150, 180, 540, 1020, 1380, 1439])
    found = []
    for _ in range(draw(st.integers(0, 3))):
        starts = draw(edges | st.integers(0, 1439))
        length = draw(st.sampled_from([1, 30, 60, 480, 1440]) | st.integers(1, 1440))
        found.append(Opening(starts, starts + length))
    return tuple(found)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Calendar, datetime]:
    """Draw a calendar and a moment two days before something happens to its clock."""
    zone, moment = draw(st.sampled_from(EVENTFUL))
    dates = [moment.date() + timedelta(days=n) for n in range(-2, 3)]
    special: dict[date, SpecialDay] = {}
    for on in draw(st.lists(st.sampled_from(dates), max_size=2, unique=True)):
        special[on] = SpecialDay(on, "Special", draw(openings()))
    calendar = Calendar(
        zone,
        tuple(draw(st.lists(openings(), min_size=7, max_size=7))),
        special_days=tuple(special.values()),
    )
    return calendar, moment - timedelta(days=2) + timedelta(minutes=draw(st.integers(0, 90)))


SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(scenes())
def test_every_minute_is_judged_as_the_clock_on_the_wall_does(
    scene: tuple[Calendar, datetime],
) -> None:
    calendar, start = scene
    film = Film(calendar, start, DAYS * 1440)

    assert [calendar.is_open(at) for _, at in film.times()] == film.frames


@SLOW
@given(scenes(), st.data())
def test_next_changes_are_those_of_the_film(
    scene: tuple[Calendar, datetime], data: st.DataObject
) -> None:
    calendar, start = scene
    film = Film(calendar, start, DAYS * 1440)
    n = data.draw(st.integers(0, 2 * 1440))
    at = film.start + MINUTE * n

    for change, found in (
        (film.next_change(n, to=True), calendar.opens_at(at)),
        (film.next_change(n, to=False), calendar.closes_at(at)),
    ):
        beyond = film.start + MINUTE * len(film.frames)
        assert found == change if change else found is None or found >= beyond


@SLOW
@given(scenes(), st.data())
def test_open_time_is_counted_as_the_film_does(
    scene: tuple[Calendar, datetime], data: st.DataObject
) -> None:
    calendar, start = scene
    film = Film(calendar, start, DAYS * 1440)
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, DAYS * 1440)] * 2)))

    found = calendar.open_time_between(film.start + MINUTE * first, film.start + MINUTE * last)

    assert found == MINUTE * film.open_minutes(first, last)


@SLOW
@given(scenes(), st.data())
def test_a_due_moment_is_where_the_film_has_counted_enough(
    scene: tuple[Calendar, datetime], data: st.DataObject
) -> None:
    calendar, start = scene
    film = Film(calendar, start, DAYS * 1440)
    n, minutes = data.draw(st.integers(0, 1440)), data.draw(st.integers(0, 1500))

    due = film.due(n, minutes)
    found = calendar.add_open_time(film.start + MINUTE * n, MINUTE * minutes)

    beyond = film.start + MINUTE * len(film.frames)
    assert found == due if due else found is None or found >= beyond


@SLOW
@given(scenes())
def test_one_closed_period_has_one_name_of_its_own(scene: tuple[Calendar, datetime]) -> None:
    calendar, start = scene
    film = Film(calendar, start, DAYS * 1440)
    names: list[str | None] = []

    for n, at in film.times():
        if n == 0 or film.frames[n] != film.frames[n - 1]:
            names.append(calendar.closed_period_key(at))
        if n % 61 == 0:
            assert calendar.closed_period_key(at) == names[-1]

    closed = [name for name in names if name is not None]
    assert len(closed) == len(set(closed))


@given(
    scenes(),
    st.timedeltas(timedelta(), timedelta(hours=100)),
    st.timedeltas(timedelta(), timedelta(days=9)),
)
@settings(max_examples=200, deadline=None)
def test_what_is_added_can_be_counted_again(
    scene: tuple[Calendar, datetime], duration: timedelta, later: timedelta
) -> None:
    calendar, start = scene
    start += later

    due = calendar.add_open_time(start, duration)

    if due is not None:
        assert due >= start
        assert calendar.open_time_between(start, due) == duration
