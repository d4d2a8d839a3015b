"""Are figures drawn, read as a table, taken away as a file, and shown on a wall, by keyboard?"""

import csv
import re
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from inbox.counting import count_next
from inbox.models import OnlineTime, ReportState
from tests.browser.conftest import Open
from tests.browser.keyboard import go_to
from tests.browser.test_bulk import INBOX, six_rows
from tests.browser.test_composer import ready, shop
from tests.browser.test_every_page import check_page
from tests.conftest import House
from tests.live import Live, until

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Are there pixels in the chart's colour?
DRAWN = """(figure) => {
  const canvas = figure.querySelector("canvas");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const [r, g, b] = getComputedStyle(figure.querySelector(".chart-key-1")).color
    .match(/[\\d.]+/g).map(Number);
  let found = 0;
  for (let n = 0; n < data.length; n += 4)
    found += data[n + 3] > 200 && Math.abs(data[n] - r) + Math.abs(data[n + 1] - g)
      + Math.abs(data[n + 2] - b) < 12;
  return found;
}"""


def drawn(page: Page, chart: str) -> int:
    """Count the pixels of a chart that have the colour of its first series."""
    return int(page.locator(f"#chart-{chart}").evaluate(DRAWN))


def test_a_supervisor_reads_figures_and_takes_them_away(
    shop: House, live: Live, open_as: Open, tmp_path: Path
) -> None:
    six_rows(live, shop)
    ReportState.objects.all().delete()
    while count_next(now=timezone.now()):
        pass
    sue = ready(open_as(shop.sue, INBOX))

    sue.keyboard.press("Control+k")
    sue.keyboard.type("reports")
    sue.keyboard.press("Enter")

    expect(sue).to_have_url(re.compile("/reports/"))
    expect(sue.locator('[data-card="inbound"] dd').first).to_have_text("6")
    expect(sue.locator("#chart-volume canvas")).to_be_visible()
    assert drawn(sue, "volume") > 50
    assert drawn(sue, "backlog") > 50
    # The same as a table, by keyboard.
    go_to(sue, "Show as table: Messages by day")
    sue.keyboard.press("Enter")
    expect(sue.locator("#chart-volume tbody tr")).to_have_count(7)
    expect(sue.locator("#chart-volume tbody tr").last).to_contain_text("6")
    check_page(sue, "reports with an open table")

    # As a file.
    with sue.expect_download() as download:
        sue.locator("#chart-volume .as-file").click()
    table = tmp_path / "volume.csv"
    download.value.save_as(table)
    rows = list(csv.reader(table.read_text("utf-8-sig").splitlines()))
    assert rows[0] == ["Day", "In", "Out"]
    assert sum(int(row[1]) for row in rows[1:]) == 6

    # Conversation by conversation, with how far it is.
    with sue.expect_download() as download:
        go_to(sue, "Export these conversations")
        sue.keyboard.press("Enter")
    expect(sue.locator("#export-status")).to_have_text("Done: 6 conversations.")
    expect(sue.locator("#export-under-way")).to_be_hidden()
    lines = tmp_path / "conversations.csv"
    download.value.save_as(lines)
    assert len(list(csv.reader(lines.read_text("utf-8-sig").splitlines()))) == 7

    # In the dark, for today.
    sue.emulate_media(color_scheme="dark")
    sue.locator("#report-range").select_option("today")
    sue.locator("#report-filters button").press("Enter")
    expect(sue.locator("#title-volume")).to_have_text("Messages by hour")
    assert drawn(sue, "volume") > 20
    check_page(sue, "reports of today")


def test_the_wall_lives(shop: House, live: Live, open_as: Open) -> None:
    sue = open_as(shop.sue, "/reports/wall/")
    waiting = sue.locator('[data-figure="waiting"] dd').first
    expect(waiting).to_have_text("1")
    ready(open_as(shop.bob, INBOX))

    six_rows(live, shop)

    expect(waiting).to_have_text("6", timeout=20_000)
    expect(sue.locator('[data-figure="duty"] dd').first).to_have_text("1", timeout=20_000)
    sue.context.set_offline(True)
    expect(sue.locator("#wall-lost")).to_contain_text("No connection", timeout=20_000)
    expect(waiting).to_have_text("6")
    sue.context.set_offline(False)
    expect(sue.locator("#wall-lost")).to_be_hidden(timeout=20_000)
    # Bob has been there all the time, and reports will tell.
    until(OnlineTime.objects.filter(user=shop.bob).exists, within=60, what="Bob is noted")
