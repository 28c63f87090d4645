"""A training is watched: rounds appear by themselves, who is lost is named, and why it failed is two clicks from home."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from grids.killable_grid import KillableGrid, killable
from grids.real_grid import ENDLESS, Study
from servers.portal import RunningPortal, running
from support.visitor import Visitor
from support.waiting import until
from synergos_simulator.datasets import Dataset

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_NAMED_WITHIN = 3_000.0
"""Milliseconds after which whoever is lost is named."""


@pytest.fixture(scope="module")
def harmed(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[KillableGrid]:
    """A grid whose workers are started again as soon as they are gone."""
    with killable(tmp_path_factory.mktemp("harmed"), data, "--rejoin_timeout", "20") as grid:
        yield grid


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, harmed: KillableGrid) -> Iterator[RunningPortal]:
    """The portal in front of that grid."""
    with running(tmp_path_factory.mktemp("pages"), harmed.grid.ttp.address) as portal:
        yield portal


def begun(study: Study) -> str:
    """The id of a training that has begun and will not end."""
    study.declare()
    assert study.align()["success"]
    assert study.grid.driver.models.create(*study.keys, respond_async=True)["success"]
    job = study.jobs("train")[-1]["id"]
    until(lambda: study.jobs("train")[-1]["progress"].get("round", 0) > 2, "rounds to run")
    return str(job)


def ended(study: Study) -> None:
    """Have it cancelled."""
    job = study.jobs("train")[-1]["id"]
    study.grid.driver.jobs.cancel(job)
    study.grid.driver.jobs.wait(job, raise_errors=False)


def round_shown(visitor: Visitor) -> int:
    """The newest round in the table."""
    return int(visitor.page.locator("#rounds-done").get_attribute("data-round") or 0)


def test_rounds_appear_by_themselves_and_a_reload_shows_all_so_far(
    visitor: Visitor, harmed: KillableGrid, pages: RunningPortal, wine: Dataset
) -> None:
    study = Study(harmed, wine, "watched", {**ENDLESS})
    job = begun(study)
    visitor.origins |= pages.origins
    visitor.open(f"{pages.view}/jobs/{job}")
    expect(visitor.page.locator("canvas")).to_be_visible()
    first = round_shown(visitor)

    until(lambda: round_shown(visitor) > first + 2, "rounds to appear")
    ended(study)
    expect(visitor.page.locator("#job-state")).to_contain_text("cancelled")
    visitor.open(f"{pages.view}/jobs/{job}")

    losses = study.grid.driver.jobs.metrics(job)["data"]
    shown = visitor.page.locator("tr[id^=round-]").evaluate_all("rows => rows.map(row => Number(row.id.slice(6)))")
    assert shown == [loss["round"] for loss in losses][-100:][::-1]
    visitor.sees("Somebody asked for it to be cancelled.", "It was stopped on request.")


def test_a_worker_that_is_lost_is_named_and_told_when_it_is_back(
    visitor: Visitor, harmed: KillableGrid, pages: RunningPortal, wine: Dataset
) -> None:
    study = Study(harmed, wine, "lost", {**ENDLESS})
    job = begun(study)
    visitor.origins |= pages.origins
    visitor.open(f"{pages.view}/jobs/{job}")
    until(lambda: round_shown(visitor) > 0, "rounds to be shown")

    harmed.arm("training", "worker_2")
    waiting = re.compile(r"Waiting for worker_2 until \d\d:\d\d:\d\d UTC, for round \d+")
    expect(visitor.page.locator("#job-sentence")).to_have_text(waiting, timeout=_NAMED_WITHIN)
    visitor.sees("waited for", "goes on by itself as soon as the worker is back", "worker_2 is back; the job goes on.")
    before = round_shown(visitor)
    until(lambda: round_shown(visitor) > before + 2, "rounds to go on")
    ended(study)


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
