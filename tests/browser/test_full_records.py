"""Every page at 1,000 runs and 5,000 jobs: there, and no longer than at few."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
import requests

from benchmarks.portal import EXPERIMENT, IN_NAV, IN_VIEW, PROJECT, Served, served
from factories.full_store import DEEP, WIDE
from grids.forked import forked
from support.visitor import Visitor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_LONGEST = 400 * 1024
"""Bytes of a page alone, unpacked: what a first visit may take with scripts and styles."""
_MOST_ROWS = 160
"""Of all tables of a page together: 50 a list, 100 rounds, and what is beside them."""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A TTP that has been used for months, and a portal in front of it; all runs are one experiment's, which is hardest."""
    with served(tmp_path_factory.mktemp("full") / "records", DEEP, forked) as found:
        yield found


def test_every_page_is_there_and_is_no_longer_than_somebody_reads(visitor: Visitor, full: Served) -> None:
    visitor.origins |= full.portal.origins
    wrong = []
    pages = full.pages
    for address in pages:
        visitor.open(address)
        heading = visitor.page.get_by_role("heading", level=1)
        rows = visitor.page.locator("tbody tr").count()
        size = len(visitor.page.content().encode())
        if heading.count() != 1 or rows > _MOST_ROWS or size > _LONGEST:
            wrong.append(f"{address}: {heading.count()} headings, {rows} rows, {size} bytes")

    assert len(pages) > 25
    assert not wrong, "\n".join(wrong)


def test_the_last_of_all_jobs_is_reached_page_by_page(visitor: Visitor, full: Served) -> None:
    visitor.origins |= full.portal.origins
    visitor.open(f"{full.portal.view}/jobs?state=failed")
    seen: set[str] = set()
    pages = 1
    while True:
        shown = visitor.page.locator("tr[id^=job-]").evaluate_all("rows => rows.map(row => row.id)")
        assert not seen & set(shown)
        seen.update(shown)
        following = visitor.page.get_by_role("main").get_by_role("link", name="Next page")
        if not following.count():
            break
        with visitor.page.expect_navigation():
            following.first.click()
        pages += 1

    assert len(seen) > 50 < pages * 50
    told = visitor.page.locator("#count-failed").inner_text()
    assert f"{len(seen)}" in told


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """As many runs and jobs, spread over a hundred experiments of one project."""
    with served(tmp_path_factory.mktemp("wide") / "records", WIDE, forked) as found:
        yield found


def test_neither_is_any_page_where_they_are_of_many_experiments(wide: Served) -> None:
    """By HTTP, with what browsers ask for later on."""
    collaboration = PROJECT.partition("/projects")[0]
    of_view = [*IN_VIEW, f"{PROJECT}/live", f"{PROJECT}?asked=1", f"{collaboration}/live", f"{EXPERIMENT}/runs/new"]
    addresses = [*(f"{wide.portal.nav}{path}" for path in IN_NAV), *(f"{wide.portal.view}{path}" for path in of_view)]
    wrong = []
    for address in addresses:
        answer = requests.get(address, headers={"Accept": "text/html"}, timeout=60)
        rows = len(re.findall("<tr[ >]", answer.text))
        if answer.status_code != 200 or rows > _MOST_ROWS or len(answer.content) > _LONGEST:
            wrong.append(f"{address}: {answer.status_code}, {rows} rows, {len(answer.content)} bytes")

    assert not wrong, "\n".join(wrong)


def test_all_experiments_are_reached_page_by_page(wide: Served) -> None:
    seen: list[str] = []
    address: str | None = f"{wide.portal.view}{PROJECT}"
    while address is not None:
        page = requests.get(address, timeout=60).text
        seen += re.findall(f'href="{PROJECT}/experiments/(experiment_[0-9]+)"', page)
        following = re.search('rel="next" href="([^"]+)"', page)
        address = f"{wide.portal.view}{unescape(following[1])}" if following else None

    assert sorted(seen) == sorted(f"experiment_{number}" for number in range(WIDE.experiments))
