"""Links to opt out: short, sealed, nobody's number in them, good for ten years, across keys."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from compliance.addresses import parse_address
from compliance.opt_out_links import (
    GOOD_FOR,
    BadLinkError,
    Link,
    OldLinkError,
    open_link,
    opt_out_link,
    read_link,
    seal_link,
)

DAY = date(2026, 11, 26)
NOW = datetime(2026, 11, 26, 18, 0, tzinfo=UTC)
OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))
MARIA = parse_address("+14155550123")
phones = st.integers(10**6, 10**15 - 1).map(lambda number: f"+{number}")


def same(one: Link, other: Link) -> bool:
    """Say whether two links are of one account, address and day."""
    return (one.account_id, one.address.key, one.made_on) == (
        other.account_id,
        other.address.key,
        other.made_on,
    )


@given(
    account=st.integers(1, 2**63 - 1),
    raw=st.one_of(
        phones,
        phones.map(lambda phone: f"whatsapp:{phone}"),
        phones.map(lambda phone: f"rcs:{phone}"),
        st.just("whatsapp:US.1349abcdef"),
        st.just("messenger:12345"),
    ),
    day=st.dates(date(2020, 1, 1), date(2190, 1, 1)),
)
def test_what_is_sealed_is_what_is_opened(account: int, raw: str, day: date) -> None:
    link = Link(account, parse_address(raw), day)
    assert same(open_link(seal_link(link, NEW), [NEW], today=day), link)


@given(st.text(max_size=300))
def test_anything_else_is_no_link_and_never_a_fault(text: str) -> None:
    with pytest.raises(BadLinkError):
        open_link(text, [NEW], today=DAY)


@given(st.data())
def test_a_link_with_one_sign_changed_opens_nothing(data: st.DataObject) -> None:
    token = seal_link(Link(7, MARIA, DAY), NEW)
    at = data.draw(st.integers(0, len(token) - 1))
    sign = data.draw(st.sampled_from("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"))
    changed = token[:at] + sign + token[at + 1 :]
    if changed != token:
        with pytest.raises(BadLinkError):
            open_link(changed, [NEW], today=DAY)


def test_a_link_is_short_and_holds_no_number(settings: Any) -> None:
    settings.PUBLIC_BASE_URL = "https://inbox.example.com"
    link = opt_out_link(12345, MARIA, now=NOW)
    assert len(link) <= 75
    assert "4155550123" not in link
    assert link == opt_out_link(12345, MARIA, now=NOW + timedelta(hours=5))
    assert link != opt_out_link(12346, MARIA, now=NOW)
    assert read_link(link.rpartition("/")[2], now=NOW).address.key == MARIA.key


@pytest.mark.parametrize("mark", [".", ",", ")", "!", "”", ">."])
def test_a_mark_that_the_telephone_took_for_part_of_it_does_no_harm(mark: str) -> None:
    link = Link(7, MARIA, DAY)
    assert same(open_link(seal_link(link, NEW) + mark, [NEW], today=DAY), link)


def test_it_is_good_for_ten_years_and_says_when_it_is_over() -> None:
    token = seal_link(Link(7, MARIA, DAY), NEW)
    assert open_link(token, [NEW], today=DAY + GOOD_FOR).account_id == 7
    with pytest.raises(OldLinkError, match="ten years"):
        open_link(token, [NEW], today=DAY + GOOD_FOR + timedelta(days=1))


def test_keys_may_change_and_links_stay_good(settings: Any) -> None:
    settings.SECRET_FIELD_KEYS = [OLD]
    token = opt_out_link(7, MARIA, now=NOW).rpartition("/")[2]
    settings.SECRET_FIELD_KEYS = [NEW, OLD]
    assert read_link(token, now=NOW).account_id == 7
    settings.SECRET_FIELD_KEYS, settings.OPT_OUT_LINK_OLD_KEYS = [NEW], [OTHER, OLD]
    assert read_link(token, now=NOW).account_id == 7
    settings.OPT_OUT_LINK_OLD_KEYS = [OTHER]
    with pytest.raises(BadLinkError):
        read_link(token, now=NOW)
