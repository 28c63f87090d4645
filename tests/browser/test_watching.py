"""A training is watched: rounds appear by themselves, who is lost is named, and why it failed is two clicks from home."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from grids.killable_grid import KillableGrid, killable
from grids.real_grid import ENDLESS, Study
from servers.portal import RunningPortal, running
from support.visitor import Visitor
from support.waiting import DEADLINE, until
from synergos_simulator.datasets import Dataset

pytestmark = pytest.mark.slow

_TABS = 7
"""More than a browser has connections to one address."""
_WAITING = re.compile(r"Waiting for worker_2 until (\d\d:\d\d:\d\d) UTC, for round \d+")


@pytest.fixture(scope="module")
def harmed(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[KillableGrid]:
    """A grid whose workers are started again as soon as they are gone, and waited for as long as that takes."""
    with killable(tmp_path_factory.mktemp("harmed"), data, "--rejoin_timeout", str(DEADLINE)) as grid:
        yield grid


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, harmed: KillableGrid) -> Iterator[RunningPortal]:
    """The portal in front of that grid."""
    with running(tmp_path_factory.mktemp("pages"), harmed.grid.ttp.address) as portal:
        yield portal


@contextmanager
def watched(visitor: Visitor, pages: RunningPortal, study: Study) -> Iterator[str]:
    """The id of a training that is looked at, and does not end before the block does."""
    study.declare()
    assert study.align()["success"]
    assert study.grid.driver.models.create(*study.keys, respond_async=True)["success"]
    job = str(study.jobs("train")[-1]["id"])
    try:
        until(lambda: study.jobs("train")[-1]["progress"].get("round", 0) > 2, "rounds to run")
        visitor.origins |= pages.origins
        visitor.open(f"{pages.view}/jobs/{job}")
        rounds_go_on(visitor.page)
        yield job
    finally:
        ended(study)


def ended(study: Study) -> None:
    """Have its training cancelled, unless it has ended."""
    job = study.jobs("train")[-1]["id"]
    study.grid.driver.jobs.cancel(job)
    study.grid.driver.jobs.wait(job, raise_errors=False)


def round_shown(page: Page) -> int:
    """The newest round in the table."""
    return int(page.locator("#rounds-done").get_attribute("data-round") or 0)


def rounds_go_on(page: Page) -> None:
    """Wait until there are some more in the table, by themselves."""
    before = round_shown(page)
    until(lambda: round_shown(page) > before + 2, "rounds to appear")


def rounds_listed(page: Page) -> list[int]:
    """Those that the table has, from top to bottom."""
    rows = page.locator("tr[id^=round-]")
    return [int(name.removeprefix("round-")) for name in rows.evaluate_all("rows => rows.map(row => row.id)")]


def is_named(visitor: Visitor, study: Study) -> None:
    """By itself the page names who was lost, and until when it is waited for."""
    sentence = visitor.page.locator("#job-sentence")
    expect(sentence).to_have_text(_WAITING)
    shown = _WAITING.search(sentence.inner_text())
    assert shown is not None
    [wait] = study.jobs("train")[-1]["progress"]["waiting_for"]
    assert f"{datetime.fromisoformat(wait['until']):%H:%M:%S}" == shown[1]
    visitor.sees("waited for", "goes on by itself as soon as the worker is back")


def test_rounds_appear_by_themselves_and_a_reload_shows_all_so_far(
    visitor: Visitor, harmed: KillableGrid, pages: RunningPortal, wine: Dataset
) -> None:
    study = Study(harmed, wine, "watched", {**ENDLESS})
    with watched(visitor, pages, study) as job:
        expect(visitor.page.locator("canvas")).to_be_visible()
        seen = round_shown(visitor.page)

        visitor.page.reload()

        newest, *before = rounds_listed(visitor.page)
        assert newest >= seen
        assert before == list(range(newest - 1, max(0, newest - 100), -1))
        tabs = [visitor.page, *(visitor.page.context.new_page() for _ in range(_TABS - 1))]
        for tab in tabs[1:]:
            visitor.watch(tab)
            tab.goto(f"{pages.view}/jobs/{job}")
        for tab in tabs:
            rounds_go_on(tab)
        ended(study)
        for tab in tabs:
            expect(tab.locator("#job-state")).to_contain_text("cancelled")
        visitor.page.reload()

        losses = study.grid.driver.jobs.metrics(job)["data"]
        assert rounds_listed(visitor.page) == [loss["round"] for loss in losses][-100:][::-1]
        visitor.sees("Somebody asked for it to be cancelled.", "It was stopped on request.")


def test_a_worker_that_is_lost_is_named_and_told_when_it_is_back(
    visitor: Visitor, harmed: KillableGrid, pages: RunningPortal, wine: Dataset
) -> None:
    study = Study(harmed, wine, "lost", {**ENDLESS})
    with watched(visitor, pages, study):
        with harmed.away("worker_2"):
            harmed.arm("training", "worker_2")
            is_named(visitor, study)

        visitor.sees("worker_2 is back; the job goes on.")
        expect(visitor.page.locator("#job-sentence")).to_contain_text("is done")
        rounds_go_on(visitor.page)


def test_why_a_worker_that_stays_away_has_ended_a_job_is_two_clicks_from_home(
    visitor: Visitor, harmed: KillableGrid, pages: RunningPortal, wine: Dataset
) -> None:
    # So long that a page that is late still shows that somebody is waited for.
    harmed.start_ttp_with("--rejoin_timeout", "30")
    study = Study(harmed, wine, "deserted", {**ENDLESS})
    with watched(visitor, pages, study) as job:
        with harmed.away("worker_2"):
            harmed.arm("training", "worker_2")
            is_named(visitor, study)
            expect(visitor.page.locator("#job-state")).to_contain_text("failed")
            visitor.sees("worker_2 is not waited for any longer.")
            visitor.open(f"{pages.nav}/home")
            down = visitor.page.get_by_role("region", name="Nodes that are not reachable")
            expect(down).to_contain_text("worker_2")
            visitor.page.locator("#count-failed").click()
            row = visitor.page.locator(f"#job-{job}")
            expect(row).to_contain_text("worker_2: cannot be reached at ")
            row.get_by_role("link").click()

            expect(visitor.page.locator("#job-sentence")).to_contain_text("worker_2: cannot be reached at ")
            expect(visitor.page.locator("#remedy")).to_contain_text("its owner starts it")
            visitor.sees("The registration and nodes of worker_2")
            nodes = visitor.page.get_by_role("region", name="Nodes at present").get_by_role("row")
            expect(nodes.filter(has_text="worker_2")).to_contain_text("not reachable")

        expect(nodes.filter(has_text="worker_2")).to_contain_text("✓ reachable")


def test_a_job_goes_on_before_whoever_looks_when_its_orchestrator_was_stopped_in_order(
    visitor: Visitor, harmed: KillableGrid, pages: RunningPortal, wine: Dataset
) -> None:
    study = Study(harmed, wine, "restarted", {**ENDLESS})
    with watched(visitor, pages, study):
        visitor.page.evaluate("() => { window.isTheSame = true; }")
        silence = visitor.page.locator("#no-news")

        # Of a curve that is asked for meanwhile: the next round asks again.
        with visitor.bearing("/losses?after="):
            with harmed.away("ttp"):
                assert harmed.end("ttp", signal.SIGTERM) == 0
                expect(silence).to_contain_text("has not answered since")
                assert rounds_listed(visitor.page)

            expect(silence).to_have_count(0)
            visitor.sees(
                "The program that runs it is being stopped. The job goes on when it is back.", "Taken up again."
            )
            rounds_go_on(visitor.page)
        assert visitor.page.evaluate("() => window.isTheSame === true")


def test_why_a_job_failed_is_two_clicks_from_home(
    visitor: Visitor, harmed: KillableGrid, pages: RunningPortal, wine: Dataset
) -> None:
    holding = wine.holdings[1]
    study = Study(harmed, wine, "refused")
    nowhere = {holding.participant_id: {"train": [["no", "such", "folder"]], "evaluate": []}}
    study.declare(nowhere)
    study.align()
    [job] = study.jobs("preprocess")
    visitor.origins |= pages.origins
    visitor.open(f"{pages.nav}/")

    visitor.page.locator("#count-failed").click()
    visitor.sees("tags.train[0]")
    visitor.page.locator(f"#job-{job['id']} a").click()

    expect(visitor.page.locator("#job-sentence")).to_contain_text("tags.train[0]")
    expect(visitor.page.locator("#remedy")).to_contain_text("Its owner puts right the folder, file or column")
    visitor.sees("worker_2", "failed", "Nodes at present", "The tags of worker_2")
    assert visitor.page.url.endswith(job["id"])
