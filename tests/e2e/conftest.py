"""A grid and a cluster of the real programs, started once for all tests that leave them as they found them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grids.cluster_grid import Cluster, cluster
from grids.real_grid import RealGrid, started
from synergos_simulator.datasets import Dataset, Split, write_example


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data root of every worker."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def wine(data: Path) -> Dataset:
    """178 wines of three classes, two participants, the labels skewed."""
    return write_example(data, "wine", split=Split.SKEWED)


@pytest.fixture(scope="session")
def breast_cancer(data: Path) -> Dataset:
    """569 biopsies of two classes, two participants."""
    return write_example(data, "breast_cancer")


@pytest.fixture(scope="session")
def diabetes(data: Path) -> Dataset:
    """442 patients and a number, two participants."""
    return write_example(data, "diabetes")


@pytest.fixture
def grid(shared_grid: RealGrid) -> Iterator[RealGrid]:
    """The shared grid; what a test leaves running does not keep the next one waiting."""
    yield shared_grid
    shared_grid.end_jobs()


@pytest.fixture(scope="session")
def shared_grid(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[RealGrid]:
    """A TTP and two workers, shared by the tests that do not harm it."""
    with started(tmp_path_factory.mktemp("grid"), data) as running:
        yield running


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[Cluster]:
    """A director and two sub-grids of two workers; whoever ends one of its programs starts it again."""
    with cluster(tmp_path_factory.mktemp("cluster"), data) as running:
        yield running


@pytest.fixture
def own_grid(tmp_path: Path, data: Path) -> Iterator[RealGrid]:
    """A grid of this test's own, to be harmed."""
    with started(tmp_path, data) as running:
        yield running
