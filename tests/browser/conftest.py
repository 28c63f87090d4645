"""A Chromium that looks at the portal's pages as a person would, and is told off when they reach elsewhere or complain."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from grids.real_grid import RealGrid, Study, started
from servers.chromium import chromium as started_chromium
from servers.chromium import is_installed, keep_pictures, visiting
from servers.portal import RunningPortal, running
from support.visitor import Visitor
from synergos_simulator.datasets import Dataset, write_example

_REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember how a test went, for whoever cleans up after it."""
    report = yield
    if report.when == "call":
        item.stash[_REPORT] = report
    return report


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, started once; each visitor has cookies and a cache of its own."""
    if not is_installed():
        pytest.skip(
            "PAGES ARE NOT LOOKED AT: there is no Chromium (on Debian: apt-get install chromium-headless-shell)"
        )
    with started_chromium() as browser:
        yield browser


@pytest.fixture
def visitor(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """Somebody with a browser of their own, by mouse and keyboard."""
    with visiting(chromium) as found:
        yield found
        report = request.node.stash.get(_REPORT, None)
        if report is not None and report.failed:
            keep_pictures(found, request.node.name)
        else:
            found.has_no_complaints()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data root of every worker."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def wine(data: Path) -> Dataset:
    """178 wines of three classes, two participants."""
    return write_example(data, "wine")


@pytest.fixture(scope="session")
def grid(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[RealGrid]:
    """A TTP and two workers, which no test harms."""
    with started(tmp_path_factory.mktemp("grid"), data) as running_grid:
        yield running_grid


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory, grid: RealGrid) -> Iterator[RunningPortal]:
    """The portal in front of that grid."""
    with running(tmp_path_factory.mktemp("portal"), grid.grid.ttp.address) as found:
        yield found


@pytest.fixture(scope="session")
def finished(grid: RealGrid, wine: Dataset) -> Study:
    """A cycle that has gone through on the grid, by other means than the portal."""
    study = Study(grid, wine, "finished", {"rounds": 3})
    study.declare()
    for answer in (study.align(), study.train(), study.validate(), study.predict("worker_1")):
        assert answer["success"], answer
    return study
