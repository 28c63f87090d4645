"""A Prometheus that scrapes a whole cluster answers the questions of the runbook, one participant being slow and a log server away."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pandas as pd
import pytest
import requests
import yaml

from grids.cluster_grid import Cluster, hand_in, is_under_way
from grids.planned_grid import planned
from grids.real_grid import ENDLESS, WORKERS, Study
from servers import prometheus
from servers.nobody import nobody
from servers.prometheus import Labels, Prometheus, promtool
from support.metrics_files import FOLDER, dashboard_queries, metrics_in, rules, runbook_queries
from support.small_disk import can_mount, on_small_disk
from support.waiting import DEADLINE
from support.waiting import until as look_until
from synergos_simulator.cluster import ClusterPlan
from synergos_simulator.datasets import Dataset, Holding
from synergos_simulator.grid import HOST, Grid
from synergos_simulator.scrape_targets import FILE_NAME, write_targets
from synergos_simulator.state import Program

SLOW, QUICK = "worker_2", "worker_1"
LOGS = "worker_1_1"
"""The program whose log server is away."""
FULL = "worker_2_1"
"""The program whose disk is nearly full."""
ROWS = 40
"""How many times more of them the slow participant has."""


_OFTEN = """
import sys
from synergos.programs import loading
with loading():
    from synergos.orchestration.participant_watch import ParticipantWatch
    from synergos_ttp.__main__ import main
ParticipantWatch.__init__.__defaults__ = (2.0,)
main(sys.argv[1:])
"""
"""A TTP that asks its participants as often as Prometheus asks it: in earnest it does every half a minute."""


class WatchedCluster(Cluster):
    """A cluster of which one program has a log server that nobody finds, and one, where that can be, a disk that is nearly full."""

    def __init__(self, grid: Grid, log_port: int) -> None:
        super().__init__(grid, WORKERS)
        self._log_port = log_port

    def program(self, name: str) -> Program:
        program, home = super().program(name), self.grid.folder / name
        if name.startswith("ttp"):
            python, _, _, *flags = program.command
            return replace(program, command=[python, "-c", _OFTEN, *flags])
        if name == LOGS:
            flags = ["--logging_variant", "graylog", HOST, str(self._log_port)]
            return replace(program, command=[*program.command, *flags])
        if name == FULL and can_mount(home):
            return replace(program, command=on_small_disk(home, program.command, size=64, taken=62))
        return program


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[Cluster]:
    plan = ClusterPlan(tmp_path_factory.mktemp("watched"), data, WORKERS, 2)
    with nobody() as port:
        running = WatchedCluster(planned(plan), port)
        try:
            running.start()
            yield running
        finally:
            running.stop()


@pytest.fixture(scope="module")
def watching(grid: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus told what ``docker/metrics`` tells one of a grid of plain processes, but to look every other second."""
    if not prometheus.is_installed():
        pytest.skip("METRICS ARE NOT TESTED: Prometheus is not installed (on Debian: apt-get install prometheus)")
    folder = tmp_path_factory.mktemp("prometheus")
    copytree(FOLDER, folder, dirs_exist_ok=True)
    write_targets(folder, grid.grid.planned_programs)
    told = yaml.safe_load((FOLDER / "processes.yml").read_text())
    told["global"] = {"scrape_interval": "2s", "evaluation_interval": "1s"}
    told["scrape_configs"][0]["file_sd_configs"] = [{"files": [FILE_NAME]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(told))
    with prometheus.running(folder, folder / "prometheus.yml") as server:
        yield server


@pytest.fixture(scope="module")
def uneven(wine: Dataset) -> Dataset:
    """Wines of which one participant has many times as many rows as the other, so that it trains for as many times longer."""
    source = wine.root.joinpath(*_holding(wine, SLOW).train)
    folder = source.with_name("many")
    copytree(source, folder)
    [table] = folder.glob("*.csv")
    rows = pd.read_csv(table)
    pd.concat([rows] * ROWS).to_csv(table, index=False)
    changed = replace(_holding(wine, SLOW), train=(*_holding(wine, SLOW).train[:-1], "many"))
    return replace(wine, holdings=[_holding(wine, QUICK), changed])


@pytest.fixture(scope="module")
def slow(grid: Cluster, uneven: Dataset) -> Study:
    """A training that goes on until all is over, and waits for one of its participants in each round."""
    study = Study(grid, uneven, "slow", {**ENDLESS, "epochs": 2})
    hand_in(study)
    until(lambda: any(is_under_way(job) for job in study.jobs("train")), "the training to be under way")
    return study


def _holding(dataset: Dataset, who: str) -> Holding:
    return next(holding for holding in dataset.holdings if holding.participant_id == who)


def until(condition: Callable[[], bool], what: str) -> None:
    """As often as there is something new: each look is work."""
    look_until(condition, what, DEADLINE, every=0.5)


def answers(server: Prometheus, question: str, number: int = 0) -> list[tuple[Labels, float]]:
    """What the runbook's query for a question has now."""
    return server.ask(runbook_queries()[question][number])


def by(found: Sequence[tuple[Labels, float]], *labels: str) -> Mapping[tuple[str, ...], float]:
    return {tuple(each.get(label, "") for label in labels): value for each, value in found}


def test_everything_is_scraped_and_every_rule_goes_well(grid: Cluster, watching: Prometheus) -> None:
    programs = {program.name for program in grid.grid.planned_programs if not program.is_broker}
    until(
        lambda: {each["labels"]["instance"] for each in watching.targets() if each["health"] == "up"} == programs, "all"
    )

    until(lambda: all(rule["health"] == "ok" for rule in watching.rules()), "all rules to have been looked at")


def test_the_slow_site_is_named_and_that_it_computes(watching: Prometheus, slow: Study) -> None:
    # Long enough for the rounds after the first, which loads what is never loaded again.
    rounds = "sum by (participant) (synergos_participant_rounds_total)"
    until(lambda: by(watching.ask(rounds), "participant").get((SLOW,), 0) > 12, "rounds")
    # Each as soon as it is so: on a busy machine a program may be a moment late for Prometheus, or a round take long.
    until(lambda: is_slow(answers(watching, "Which site is slow?")), "the slow one to be named")
    until(lambda: computes(by(answers(watching, "Which site is slow?", 1), "participant", "phase")), "what it does")
    until(lambda: is_training(by(answers(watching, "Why is a round slow?"), "phase")), "what a round is spent on")
    ways = {(who, way) for who in WORKERS for way in ("up", "down")}

    def rates() -> Mapping[tuple[str, ...], float]:
        return by(answers(watching, "Which site is slow?", 2), "participant", "direction")

    until(lambda: {way for way, rate in rates().items() if rate > 0} == ways, "what is sent both ways")


def is_slow(found: Sequence[tuple[Labels, float]]) -> bool:
    """Whether the first of two is the slow one, by far."""
    if len(found) != 2:
        return False
    (first, slowness), (_, other) = found
    return first["participant"] == SLOW and slowness > 2 > 1 > other


def computes(seconds: Mapping[tuple[str, ...], float]) -> bool:
    """Whether the slow one trains for much longer than the other, and than its line takes."""
    if not {(SLOW, "training"), (SLOW, "transfer"), (QUICK, "training")} <= seconds.keys():
        return False
    own = seconds[SLOW, "training"]
    return own > 5 * seconds[QUICK, "training"] and own > seconds[SLOW, "transfer"]


def is_training(phases: Mapping[tuple[str, ...], float]) -> bool:
    """Whether all phases of a round are there, and most of it is training."""
    wanted = {("training",), ("transfer",), ("waiting",), ("averaging",), ("commit",)}
    return phases.keys() == wanted and max(phases, key=lambda phase: phases[phase]) == ("training",)


def test_jobs_wait_because_all_ttps_are_busy_and_then_because_there_is_none(
    grid: Cluster, watching: Prometheus, slow: Study, wine: Dataset
) -> None:
    second, third = (Study(grid, wine, name, ENDLESS) for name in ("second", "third"))
    hand_in(second)
    until(lambda: any(is_under_way(job) for job in second.jobs("train")), "the other TTP to be busy too")
    third.declare()
    third.align()

    def reasons() -> set[str]:
        return {each["reason"] for each, _ in answers(watching, "Why does this job wait?")}

    until(lambda: {"all TTPs are busy", "another job or attempt comes first"} == reasons(), "both reasons")
    until(lambda: by(answers(watching, "Why does this job wait?", 1), "state").get(("queued",), 0) > 2, "its age")
    # On a busy machine a program may be a moment late for Prometheus, which then knows nothing of it.
    until(lambda: by(answers(watching, "Why does this job wait?", 2), "queue").keys() == {("preprocess",)}, "the queue")
    until(lambda: by(watching.ask("synergos_queue_messages"), "queue").get(("preprocess",)) == 1, "its depth")
    until(lambda: by(watching.ask("synergos_queue_consumers"), "queue").get(("preprocess",)) == 0, "nobody to be free")
    until(lambda: sum(value for _, value in watching.ask("synergos_jobs_at_work")) == 2, "both to be at work")

    for name in ("ttp_0", "ttp_1"):
        grid.kill(name)
    try:
        until(
            lambda: "no TTP takes up jobs" in (found := reasons()) and "all TTPs are busy" not in found,
            "the reason to be another",
        )
        until(
            lambda: by(answers(watching, "Is a program in trouble?"), "instance").keys() == {("ttp_0",), ("ttp_1",)},
            "both to be down",
        )
    finally:
        for study in (second, third):
            for job in study.grid.driver.jobs.read_all(project_id=study.keys[1])["data"]:
                grid.driver.jobs.cancel(job["id"])
        grid.start("ttp_0", "ttp_1")


def test_a_site_that_is_killed_is_lost(grid: Cluster, watching: Prometheus, slow: Study) -> None:
    # Whichever TTP has it now.
    until(lambda: is_under_way(slow.jobs("train")[0]), "the training to go on")
    number = slow.jobs("train")[0]["grid"]
    until(lambda: answers(watching, "Is a site lost?") == [], "everybody to be reached")

    grid.kill(f"{QUICK}_{number}", signal.SIGKILL)

    try:
        # Both are so while it is waited for.
        until(
            lambda: (
                by(answers(watching, "Is a site lost?", 1), "participant").keys() == {(QUICK,)}
                and "a participant is away"
                in {each["reason"] for each, _ in answers(watching, "Why does this job wait?")}
            ),
            "it to be waited for, and the reason to be told",
        )
        until(
            lambda: by(answers(watching, "Is a site lost?", 0), "participant").keys() == {(QUICK,)},
            "nobody to reach it",
        )
    finally:
        grid.start(f"{QUICK}_{number}")
    until(lambda: answers(watching, "Is a site lost?", 1) == [], "nobody to be waited for any more")
    until(lambda: answers(watching, "Is a site lost?", 0) == [], "it to be reached again")


def test_a_log_server_that_is_away_is_behind(grid: Cluster, watching: Prometheus) -> None:
    until(lambda: by(answers(watching, "Is the log server behind?"), "instance").keys() == {(LOGS,)}, "who is behind")

    def taken() -> Mapping[tuple[str, ...], float]:
        return by(answers(watching, "Is the log server behind?", 1), "instance", "kind")

    # Its worker may have been started again a moment ago: nothing waits of what has not been said.
    until(
        lambda: 0 < (found := taken()).get((LOGS, "messages"), 0) < 1 and {instance for instance, _ in found} == {LOGS},
        "its buffer",
    )
    assert answers(watching, "Is the log server behind?", 2) == []


def test_the_disk_that_is_nearly_full_is_named(grid: Cluster, watching: Prometheus) -> None:
    wanted = {("director", "outputs"), ("director", "data"), ("ttp_0", "mlflow"), ("worker_1_0", "outputs")}
    found: Mapping[tuple[str, ...], float] = {}

    def are_there() -> bool:
        nonlocal found
        found = by(answers(watching, "Does a disk fill?"), "instance", "folder")
        return wanted | {(FULL, "outputs")} <= found.keys()

    until(are_there, "all disks")
    assert list(found.values()) == sorted(found.values())
    if can_mount(grid.grid.folder / FULL):
        assert next(iter(found)) == (FULL, "outputs")
        assert 0 < found[FULL, "outputs"] < 0.05


def test_what_programs_say_is_as_prometheus_wants_it_and_all_that_is_asked_for_is_there(
    grid: Cluster, watching: Prometheus
) -> None:
    told = {}
    for program in grid.grid.planned_programs:
        if not program.is_broker:
            told[program.name] = requests.get(f"{program.address}/metrics", timeout=DEADLINE).text
            assert promtool("check", "metrics", given=told[program.name]) == ""

    queries = [*dashboard_queries(), *(query for each in runbook_queries().values() for query in each)]
    asked = {name for query in [*queries, *(rule["expr"] for rule in rules())] for name in metrics_in(query)}
    # Recorded series are held against the rules that record them, elsewhere: some are of what does not happen here.
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert asked - recorded <= watching.names()
    for text in told.values():
        assert HOST not in text
        assert str(grid.grid.folder) not in text
    assert max(map(len, (text.splitlines() for text in told.values()))) < 1000, json.dumps(
        {n: t.count("\n") for n, t in told.items()}
    )
