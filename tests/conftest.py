"""How the tests are spread over processes, and the server that several components' tests share.

What fixtures need they import themselves: the process that hands out the tests runs none, and the others wait until it is there.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer

from support.spreading import Groups

if TYPE_CHECKING:
    from servers.postgresql import PostgreSQL
    from synergos.records import RecordStore

ROOT = Path(__file__).parent
SLOWEST_FIRST = ("containers", "networks", "e2e", "browser", "integration", "fuzzing", "unit")
"""What is long must not come last, when nothing is left for the other processes to do. What mostly waits is of the group of the
networks' tests, and comes early: another process has those of the containers meanwhile, which work without a rest."""
OF_PROGRAMS = ("networks", "e2e", "browser")
PATIENCE = 600
"""Seconds that a test of whole programs may take unless it says otherwise: on a busy machine they take long to be there."""

# How long an example takes says how busy the machine is; and what fails is to fail because of what was changed.
settings.register_profile(
    "synergos", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("quick", settings.get_profile("synergos"), max_examples=20)  # what tests/run.sh --fast names
settings.load_profile("synergos")

# What lives long is much here, and cycles are few: with Python's own numbers looking for them takes a tenth of all time.
gc.set_threshold(50_000, 20, 20)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a shell has what it starts in its background: no test that interrupts would, nor any program that tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)

if "PYTEST_XDIST_WORKER" in os.environ:
    # Threads of torch that wait for each other take the processor from the tests beside them.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first, and leave time to what starts programs."""
    items.sort(key=lambda item: SLOWEST_FIRST.index(_folder(item)))
    for item in items:
        if _folder(item) in OF_PROGRAMS and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(PATIENCE))


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(ROOT).parts[0]


@pytest.hookimpl(optionalhook=True)  # also there when pytest-xdist is switched off
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups:
    """Have tests that share something run in one process."""
    return Groups(config, log)


def pytest_collection_finish() -> None:
    """What is loaded now stays to the end: whoever looks for what can be collected need not look there.

    In each phase of each test pytest listens at the root, and at each logger that passes nothing on to it: torch has forty.
    """
    gc.freeze()
    for logger in logging.Logger.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.propagate = True


@pytest.fixture(scope="session", autouse=True)
def made_once() -> Iterator[None]:
    """What many tests would make again, and programs make once."""
    from support.made_once import share

    with pytest.MonkeyPatch.context() as patch:
        share(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def own_ports() -> None:
    """Programs of tests that run side by side look for their ports in different places."""
    from synergos_simulator import grid

    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    index = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first, end = grid._OWN_PORTS
    share = (end - first) // count
    grid._OWN_PORTS = (first + index * share, first + (index + 1) * share)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record store's database with nothing in it; taking the steps of its schema costs more than most tests."""
    from synergos.records import RecordStore

    path = tmp_path_factory.mktemp("records") / "migrated.db"
    RecordStore(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> str:
    """The URL of a record store with nothing in it."""
    path = tmp_path / "records.db"
    copyfile(migrated, path)
    path.chmod(0o600)
    return f"sqlite:///{path}"


@pytest.fixture
def store(database: str) -> Iterator[RecordStore]:
    """A record store on the ``database`` of these tests."""
    from synergos.records import RecordStore

    store = RecordStore(database)
    yield store
    store.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    from servers import postgresql as postgresql_server

    programs = postgresql_server.programs()
    if programs is None:
        pytest.skip("PostgreSQL IS NOT TESTED: it is not installed (on Debian: apt-get install postgresql)")
    with postgresql_server.running(programs) as server:
        yield server
