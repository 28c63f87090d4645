"""The Cluster grid of its compose file with the secure overlay: a whole cycle, and who is not let in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests

from containers.engine import Container, docker
from containers.grids import CLUSTER, CLUSTER_LOGGERS, CLUSTER_PROGRAMS, ComposeGrid, running
from containers.jobs import heard, programs_started
from containers.mlflow import finished
from containers.portal import FIRST_PAGES, portal
from support.waiting import until
from synergos import Driver
from synergos.cli.output import standard_error
from synergos.driver import DriverError
from synergos.driver.progress import display_on
from synergos_simulator.cluster_simulation import ClusterSimulation
from synergos_simulator.datasets import Dataset, Split, write_example
from synergos_simulator.simulation import COLLABORATION
from synergos_simulator.state import Program

pytestmark = [pytest.mark.slow, pytest.mark.containers, pytest.mark.timeout(1800)]

DIRECTOR = "172.20.0.2"
NODES = {"worker_1": ["worker_1", "worker_1_node_2"], "worker_2": ["worker_2", "worker_2_node_2"]}
"""The folders of each participant's workers, below the outputs."""
WORKERS = [f"sync_worker_{participant}_n{node}" for participant in (1, 2) for node in (1, 2)]
LISTENING = (
    "import pathlib; lines = [line.split() for name in ('tcp', 'tcp6')"
    " for line in pathlib.Path('/proc/net', name).read_text().splitlines()[1:]];"
    # Docker's own resolver listens at 127.0.0.11.
    " print(sum(line[3] == '0A' and not line[1].startswith('0B00007F') for line in lines))"
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root = tmp_path_factory.mktemp("data")
    root.chmod(0o755)
    return write_example(root, "wine", 2, Split.EVEN)


@pytest.fixture(scope="module")
def grid(images: None, tmp_path_factory: pytest.TempPathFactory, dataset: Dataset) -> Iterator[ComposeGrid]:
    overlays = ["docker-compose-secure.yml"]
    with running(CLUSTER, tmp_path_factory.mktemp("secure"), dataset.root, overlays, "tls") as started:
        yield started


@pytest.fixture(scope="module")
def authority(grid: ComposeGrid) -> Path:
    return grid.folder / "metadata" / "secure" / "director" / "ca.pem"


@pytest.fixture(scope="module")
def drivers(grid: ComposeGrid, authority: Path) -> Iterator[Mapping[str, Driver]]:
    """One for each account."""
    accounts = grid.folder / "metadata" / "secure" / "accounts"
    tokens = {path.name: path.read_text().strip() for path in accounts.iterdir()}
    made = {
        name: Driver(DIRECTOR, 5000, True, raise_errors=True, tls_ca=authority, token=token)
        for name, token in tokens.items()
    }
    yield made
    for driver in made.values():
        driver.close()


def test_a_cycle_is_gone_through_and_tracked(
    grid: ComposeGrid, drivers: Mapping[str, Driver], dataset: Dataset, authority: Path
) -> None:
    outputs = grid.folder / "outputs"
    nodes = {
        name: [Program(one, [], "", outputs=str(outputs / f"{one}_outputs")) for one in found]
        for name, found in NODES.items()
    }
    mlops = Program("mlops", [], "", "172.20.0.15", 5500, tls=[str(authority)])
    members = {name: driver for name, driver in drivers.items() if name != "lead"}
    with display_on(standard_error()) as display:
        results = ClusterSimulation(drivers["lead"], dataset, nodes, {"rounds": 2}, display, mlops, members).run()

    assert [result.problem for result in results] == [None] * 4
    with requests.Session() as session:
        # Else what the environment says of authorities would go before.
        session.trust_env = False
        session.verify = str(authority)
        ids = (COLLABORATION, "federated", "experiment", "run")
        until(lambda: bool(finished("https://172.20.0.15:5500", ids, session)), "the run on MLflow's server", every=0.5)


def test_the_portals_pages_are_for_whoever_has_signed_in_and_its_station_for_who_orchestrates(
    grid: ComposeGrid, authority: Path
) -> None:
    grid.start_log_server("--no-deps")
    accounts = grid.folder / "metadata" / "secure" / "accounts"
    with portal(grid, authority) as pages:
        assert pages.get("view", "/collaborations").url.startswith(f"{pages.address('nav')}/sign-in?")
        assert "shown to whoever has signed in" in pages.get("track", "/tools/mlops/").text

        for name in ("worker_1", "lead"):
            signed_in = pages.send("nav", "/sign-in", {"token": (accounts / name).read_text().strip()})
            assert signed_in.url == f"{pages.address('nav')}/home"
            pages.refuse_strays()
            for service, path in FIRST_PAGES.items():
                assert f'<span class="small">{name}</span>' in pages.get(service, path).text, service
            if name == "lead":
                pages.refuse_missing_tools("mlops", "queue", "logs")
            else:
                assert "shown to orchestrators only" in pages.get("track", "/tools/mlops/").text
            assert {cookie.secure for cookie in pages.browser.cookies} == {True}
            assert pages.send("view", "/choices/sign-out", {}, form="/collaborations").url.endswith("/sign-in")


def test_all_programs_log_by_tls_alone(grid: ComposeGrid) -> None:
    grid.start_log_server("--no-deps")

    records = heard(grid, CLUSTER_LOGGERS)

    assert {one.transport for one in records} == {"tls"}
    assert programs_started(records) == CLUSTER_PROGRAMS


def test_nobody_is_let_in_without_an_account_or_without_tls(grid: ComposeGrid, authority: Path) -> None:
    with (
        pytest.raises(DriverError) as nobody,
        Driver(DIRECTOR, 5000, True, raise_errors=True, tls_ca=authority) as driver,
    ):
        driver.collaborations.read_all()
    with pytest.raises(DriverError) as plain, Driver(DIRECTOR, 5000, raise_errors=True) as driver:
        driver.jobs.read_all()

    assert nobody.value.status == 401
    assert "speaks TLS" in plain.value.message


def test_no_worker_listens_anywhere(grid: ComposeGrid) -> None:
    assert {name: docker("exec", name, "python", "-Ic", LISTENING).strip() for name in WORKERS} == dict.fromkeys(
        WORKERS, "0"
    )


def test_each_program_has_its_own_key_and_no_others(grid: ComposeGrid) -> None:
    keys = {path.parent.name: path for path in (grid.folder / "metadata" / "secure").glob("*/key.pem")}

    assert len(keys) == 12
    assert {path.stat().st_mode & 0o777 for path in keys.values()} == {0o600}
    assert len({path.read_bytes() for path in keys.values()}) == 12
    # And who vouches for others, with the list of those that are revoked, by the name that is looked for.
    revoked, *others = docker("exec", "sync_worker_1_n1", "ls", "/run/synergos_tls").split()
    assert revoked.endswith(".r0")
    assert others == ["ca.pem", "certificate.pem", "key.pem"]


def test_it_is_set_up_once(grid: ComposeGrid, authority: Path) -> None:
    before = {path: path.read_bytes() for path in authority.parents[1].rglob("*") if path.is_file()}

    grid.compose("up", "--detach", "--force-recreate", "--no-deps", "synergos_setup")
    until(lambda: Container("sync_setup").exit_code is not None, "the set-up to end", every=0.5)

    assert Container("sync_setup").exit_code == 0
    assert {path: path.read_bytes() for path in authority.parents[1].rglob("*") if path.is_file()} == before
