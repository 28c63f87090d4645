"""A worker that listens nowhere takes part by the connections that it has dialled, through a proxy too."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from grids.cluster_grid import Cluster, cluster, jobs_of, wait_for_jobs
from grids.killable_grid import KillableGrid, killable
from grids.real_grid import Aside, RealGrid, Study, started
from servers.connect_proxy import ConnectProxy, connect_proxy
from support.waiting import DEADLINE, until
from synergos.driver.errors import DriverError
from synergos.pki.consortium import LocalConsortium
from synergos_simulator.datasets import Dataset
from synergos_simulator.grid import FreePorts


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectProxy]:
    with connect_proxy(tmp_path_factory.mktemp("proxy"), FreePorts()()) as running:
        yield running


@pytest.fixture(scope="module")
def consortium(tmp_path_factory: pytest.TempPathFactory) -> LocalConsortium:
    return LocalConsortium(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def outbound(
    tmp_path_factory: pytest.TempPathFactory, data: Path, proxy: ConnectProxy, consortium: LocalConsortium
) -> Iterator[RealGrid]:
    """A grid that speaks TLS, with one worker that can be connected to, and one that dials out through a proxy."""
    folder = tmp_path_factory.mktemp("grid")
    with started(folder, data, outbound=["worker_2"], proxy=proxy.url, consortium=consortium) as running:
        yield running


def test_a_cycle_with_one_worker_that_dials_out_through_a_proxy_and_one_that_listens_whose_certificates_change_meanwhile(
    outbound: RealGrid, wine: Dataset, proxy: ConnectProxy, consortium: LocalConsortium
) -> None:
    study = Study(outbound, wine, "outbound", run={"rounds": 3})
    study.declare()
    renewed = consortium.authority.renew("worker_1")
    (consortium.folder / "worker_1" / "worker_1.pem").write_text(renewed.certificate)
    until(lambda: "TLS files taken up anew" in outbound.log("worker_1"), "the worker to have seen that")

    answers = [study.align(), study.train(), study.validate(), study.predict("worker_2")]

    assert [answer["success"] for answer in answers] == [1, 1, 1, 1], answers
    assert {record["key"]["participant_id"] for record in answers[2]["data"]} == {"worker_1", "worker_2"}
    assert len(set(proxy.asked)) == 1
    processes = [outbound.process("worker_2"), *outbound.process("worker_2").children(recursive=True)]
    listening = [
        each for process in processes for each in process.net_connections() if each.status == psutil.CONN_LISTEN
    ]
    assert not listening

    consortium.authority.revoke(renewed.serial)

    def problems() -> list[str]:
        return [str(node["problem"]) for node in outbound.driver.nodes.read_all()["data"]]

    until(lambda: any("it was revoked" in problem for problem in problems()), "the TTP to believe the worker no more")


ROUNDS = 6


@pytest.fixture(scope="module")
def deadly(tmp_path_factory: pytest.TempPathFactory, data: Path, proxy: ConnectProxy) -> Iterator[KillableGrid]:
    """The same, with places at which its programs can be killed."""
    folder = tmp_path_factory.mktemp("deadly")
    flags = ("--rejoin_timeout", str(DEADLINE))
    with killable(folder, data, *flags, outbound=["worker_2"], proxy=proxy.url) as running:
        yield running


def trained(study: Study) -> bytes:
    """The model that a training comes to, whoever dies over it."""
    try:
        answer = study.train()
    except DriverError:
        study.grid.wait_until_healthy()  # type: ignore[attr-defined]
        until(lambda: study.jobs("train")[0]["state"] in ("completed", "failed", "cancelled"), "the training to end")
    else:
        assert answer["success"], answer
    [job] = study.jobs("train")
    assert (job["state"], job["error"]) == ("completed", None)
    return (study.model_folder() / "global_model.safetensors").read_bytes()


def aligned(grid: KillableGrid, wine: Dataset, name: str) -> Study:
    study = Study(grid, wine, name, run={"rounds": ROUNDS, "patience": ROUNDS})
    study.declare()
    assert study.align()["success"]
    assert study.jobs("preprocess")[0]["progress"]["participants"] == ["worker_1", "worker_2"]
    return study


@pytest.fixture(scope="module")
def undisturbed(deadly: KillableGrid, wine: Dataset) -> bytes:
    return trained(aligned(deadly, wine, "undisturbed"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "place"),
    [
        pytest.param("worker_2", "training", id="its worker"),
        pytest.param("ttp", "between PUT and answer", id="the TTP"),
    ],
)
def test_whoever_is_killed_the_model_is_the_undisturbed_one(
    deadly: KillableGrid, wine: Dataset, undisturbed: bytes, program: str, place: str
) -> None:
    study = aligned(deadly, wine, f"killed_{program}")
    deaths = len(deadly.deaths)
    deadly.arm(place, program, 2)
    try:
        model = trained(study)
    finally:
        unused = deadly.disarm()

    assert (unused, deadly.deaths[deaths:]) == ([], [program])
    assert model == undisturbed


@pytest.mark.slow
def test_a_line_that_is_cut_in_the_middle_of_a_round_makes_no_difference(
    deadly: KillableGrid, wine: Dataset, undisturbed: bytes, proxy: ConnectProxy
) -> None:
    study = aligned(deadly, wine, "cut")
    before = len(proxy.asked)
    deadly.arm("training", "worker_2", 2, signal.SIGSTOP)
    training = Aside(lambda: {"model": trained(study)})
    until(lambda: not deadly.is_armed("training", "worker_2"), "the worker to be in the middle of a round")
    # It is told that the place is passed before it is stopped.
    until(lambda: deadly.is_frozen("worker_2"), "the worker to have stopped")
    try:
        proxy.cut()
    finally:
        deadly.wake("worker_2")
    answer = training.answer()

    assert answer == {"model": undisturbed}
    assert len(proxy.asked) > before


def test_a_clusters_job_goes_where_its_worker_has_joined(tmp_path: Path, data: Path, wine: Dataset) -> None:
    with cluster(tmp_path, data, outbound=["worker_1"]) as running:
        study = Study(running, wine, "outbound_cluster", run={"rounds": 2})
        study.declare()
        running.kill("worker_1_0")
        until(lambda: "is gone" in running.log("ttp_0"), "its TTP to see that it is gone")
        until(lambda: connected(running) == {"node_0": False, "node_1": True}, "the director to know who is where")

        for answer in (study.align(), study.train()):
            assert answer["success"], answer
        wait_for_jobs(study)

        assert [(job["state"], job["grid"]) for job in jobs_of(study)] == [("completed", 1)] * 2


def connected(grid: Cluster) -> dict[str, bool]:
    """Which of the nodes that dial out have, by what the director says."""
    nodes = grid.driver.nodes.read_all("worker_1")["data"]
    return {node["node"]: node["joined"]["is_connected"] for node in nodes}
