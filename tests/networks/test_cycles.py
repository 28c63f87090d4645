"""Whole cycles between hosts, asked for by REST, over lines as they are: they come to what they would have come to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from networks.far_grid import JOINS, LISTENS, FarGrid, far_grid
from networks.link import Faults, why_not
from networks.site import HOSPITAL, ORCHESTRATOR
from networks.test_lines import BAD, SENT_AGAIN, THIN


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarGrid]:
    if reason := why_not():
        pytest.skip(reason)
    with far_grid(tmp_path_factory.mktemp("far")) as running:
        yield running


@pytest.fixture(autouse=True)
def good_line(grid: FarGrid) -> Iterator[None]:
    """The line is good until a test says otherwise, and again after it."""
    grid.link.become(Faults())
    yield
    grid.link.become(Faults())


def test_a_cycle_over_a_bad_line_that_is_cut_comes_to_the_same(grid: FarGrid) -> None:
    calm = grid.cycle(LISTENS, JOINS, width=60)
    assert [calm.run(stage)["state"] for stage in ("preprocess", "train")] == ["completed"] * 2
    cycle = grid.cycle(LISTENS, JOINS, width=60)
    grid.link.become(replace(BAD, delay=0.05))

    assert cycle.run("preprocess")["state"] == "completed"
    was_cut = grid.link.cut_after(HOSPITAL, 25_000, 2.5)
    trained = cycle.run("train")

    assert was_cut.is_set()
    assert trained["state"] == "completed", trained
    assert cycle.model() == calm.model()
    assert [cycle.run(stage)["state"] for stage in ("validate", "predict")] == ["completed"] * 2


@dataclass(frozen=True)
class Transfer:
    """One round with a large model, at a worker that dials out.

    Attributes:
        passed: bytes towards each end, but for those that TCP has sent again.
    """

    model: bytes
    passed: tuple[int, int]


SIZE = 4 * 700 * 700
"""Bytes of the model, about."""


def transferred(grid: FarGrid, cut_at: int | None = None) -> Transfer:
    grid.link.become(replace(THIN, rate=1.6e7))
    cycle = grid.cycle(JOINS, width=700, rounds=1)
    assert cycle.run("preprocess")["state"] == "completed"
    before = [grid.link.passed(end).new for end in (ORCHESTRATOR, HOSPITAL)]
    was_cut = None if cut_at is None else grid.link.cut_after(cut_at, SIZE * 3 // 4, 5.0)
    assert cycle.run("train")["state"] == "completed"
    assert was_cut is None or was_cut.is_set()
    here, there = (
        grid.link.passed(end).new - count for end, count in zip((ORCHESTRATOR, HOSPITAL), before, strict=True)
    )
    return Transfer(cycle.model(), (here, there))


@pytest.fixture(scope="module")
def calm(grid: FarGrid) -> Transfer:
    return transferred(grid)


@pytest.mark.parametrize("end", [HOSPITAL, ORCHESTRATOR], ids=["to the worker", "from the worker"])
def test_a_line_that_a_worker_has_dialled_goes_on_where_it_was_cut(grid: FarGrid, calm: Transfer, end: int) -> None:
    cut = transferred(grid, cut_at=end)

    assert cut.model == calm.model
    assert cut.passed[end] - calm.passed[end] < SENT_AGAIN * SIZE, (calm.passed, cut.passed)


@pytest.mark.slow
def test_a_line_that_forgets_what_is_idle_loses_no_stage_of_a_worker_that_dials_out(grid: FarGrid) -> None:
    cycle = grid.cycle(JOINS, width=50)
    assert cycle.run("preprocess")["state"] == "completed"
    # Sooner than the usual ones do, which is after half a minute.
    grid.link.become(replace(THIN, forgets=18.0))

    time.sleep(20.0)

    assert cycle.run("train")["state"] == "completed"
