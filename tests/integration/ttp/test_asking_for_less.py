"""Whoever aligns a project can ask open workers to tell less, in everything that rests on the alignment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from factories.worker_data import wine
from grids.grid_in_process import GridInProcess
from grids.wine_grid import PARTS, declare, use, wine_grid
from synergos_worker.disclosure import rounding


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GridInProcess]:
    with wine_grid(tmp_path_factory.mktemp("grid"), tmp_path_factory.mktemp("data")) as grid:
        yield grid


def test_ranges_and_figures_are_those_that_so_many_rows_share(grid: GridInProcess) -> None:
    declare(grid, "less", "once", minimum_rows=12)
    use(grid, "less", "once")

    [model] = grid.driver.models.read("less", "wines", "linear", "once")["data"]
    shown = model["feature_space"]["numeric"]["alcohol"]
    lowest = [sorted(wine()[PARTS[who]]["alcohol"])[12] for who in ("worker_1", "worker_2")]
    assert shown["minimum"] == min(map(rounding.down, lowest))
    assert model["feature_space"]["minimum_rows"] == 12
    for validation in grid.driver.validations.read("less", "wines", "linear", "once")["data"]:
        reasons = [reason for reason in validation["evaluate"]["reasons"]["TPs"] if reason]
        assert set(reasons) == {"fewer than 12 true or predicted rows"}


def test_a_participant_with_fewer_rows_than_are_asked_for_is_refused(grid: GridInProcess) -> None:
    declare(grid, "fewer", "once")

    answer = grid.driver.alignments.create("fewer", "wines", minimum_rows=40)

    assert "tags.evaluate: has fewer than 40 distinct rows" in answer["message"]
    assert grid.driver.alignments.create("fewer", "wines", minimum_rows=0)["field"] == "minimum_rows"
