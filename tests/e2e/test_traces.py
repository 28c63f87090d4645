"""A real collector shows one tree for one run, across director, TTP and workers; it goes on when its TTP is killed."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from grids.cluster_grid import Cluster, cluster, hand_in, jobs_of, trainings_under_way, wait_for_jobs
from grids.real_grid import ENDLESS, WORKERS, Study
from servers.collector import Collected, Collector, collector
from support.waiting import DEADLINE, until
from synergos_simulator.datasets import Dataset

ASKED_IN, ASKED_BY = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SERVICES = {"synergos-director", "synergos-ttp", "synergos-worker"}


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    with collector(tmp_path_factory.mktemp("collector")) as running:
        yield running


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory, data: Path, receiver: Collector) -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNERGOS_TRACING", receiver.url)
        # What a collector has not taken by then is dropped; beside other tests it may take long.
        patch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "120")
        with cluster(tmp_path_factory.mktemp("cluster"), data, grids=1) as running:
            yield running


def collected(
    receiver: Collector, trace: str, *names: str, are_all: Callable[[list[Collected]], bool] = bool
) -> list[Collected]:
    """The spans of a trace, once there are some with these names, and all that are to come."""
    found: list[Collected] = []
    size = -1

    def are_there() -> bool:
        nonlocal found, size
        # What is written last may not be there to its end.
        before, size = size, receiver.written.stat().st_size
        found = [span for span in receiver.spans() if span.trace == trace]
        return size == before and set(names) <= {span.name for span in found} and are_all(found)

    def seen() -> str:
        return f"{', '.join(names)} of the trace to be collected; it has {sorted({span.name for span in found})}"

    until(are_there, seen, every=0.1)
    return found


def whole(spans: list[Collected]) -> bool:
    """Whether a span is there for each that is part of it, and for each that was sent somewhere one of who took it: each program sends its own."""
    ids, parents = {span.id for span in spans}, {span.parent for span in spans}
    return parents <= ids | {None, ASKED_BY} and {span.id for span in spans if span.name == "transfer"} <= parents


def ways_to(spans: list[Collected], name: str) -> set[tuple[str, ...]]:
    """The names of the spans from the first of the trace to those with a name."""
    by_id = {span.id: span for span in spans}

    def way(span: Collected) -> tuple[str, ...]:
        before = by_id.get(span.parent or "")
        return (*(() if before is None else way(before)), span.name)

    return {way(span) for span in spans if span.name == name}


def training_of(study: Study) -> dict[str, Any]:
    [job] = study.jobs("train")
    return job


def lines_of(grid: Cluster, program: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in grid.log(program).splitlines() if line.startswith("{")]


def test_one_run_is_one_tree_across_all_programs(grid: Cluster, receiver: Collector, wine: Dataset) -> None:
    study = Study(grid, wine, "traced", {"rounds": 3})
    hand_in(study)
    wait_for_jobs(study)
    job = training_of(study)

    spans = collected(receiver, job["trace_id"], "run", "computing", "archive", "publish", are_all=whole)

    assert job["trace_id"] == job["id"]
    assert {span.service for span in spans} == SERVICES
    [root] = [span for span in spans if span.parent is None]
    assert (root.name, root.service, root.attributes["synergos.outcome"]) == ("run", "synergos-ttp", "completed")
    ids = {span.id for span in spans}
    assert len(ids) == len(spans)
    assert {span.parent for span in spans} - {None} <= ids
    assert ways_to(spans, "transfer") == {
        ("run", "round", "participant", "transfer"),
        ("run", "participant", "transfer"),
    }
    assert ways_to(spans, "computing") == {
        ("run", "round", "participant", "transfer", "computing"),
        ("run", "participant", "transfer", "computing"),
    }
    assert ways_to(spans, "publish") | ways_to(spans, "archive") == {("run", "publish"), ("run", "archive")}
    rounds = [span for span in spans if span.name == "round"]
    assert [span.attributes["synergos.round"] for span in rounds] == ["0", "1", "2"]
    of_rounds = [span for span in spans if span.name == "transfer" and "synergos.round" in span.attributes]
    assert {(span.attributes["synergos.participant"], span.attributes["synergos.round"]) for span in of_rounds} == {
        (worker, str(number)) for worker in WORKERS for number in range(3)
    }
    assert all(int(span.attributes["synergos.bytes.sent"]) > 0 for span in of_rounds)
    assert all(int(span.attributes["synergos.bytes.received"]) > 0 for span in of_rounds)
    assert not any(span.has_failed for span in spans)


def test_spans_tell_no_address_and_nothing_of_the_data(grid: Cluster, receiver: Collector, wine: Dataset) -> None:
    study = Study(grid, wine, "discreet", {"rounds": 1})
    hand_in(study)
    wait_for_jobs(study)
    for job in jobs_of(study):
        collected(receiver, job["trace_id"], "archive")

    said = [value for span in receiver.spans() for value in (span.name, *span.attributes.values())]

    assert len(said) > 100
    secrets = {str(grid.grid.folder), *(program.host for program in grid.grid.planned_programs)}
    columns = {name for file in wine.root.rglob("*.csv") for name in file.read_text().splitlines()[0].split(",")}
    assert {"alcohol", "target"} <= columns
    secrets |= columns
    assert not [value for value in said for secret in secrets if secret in value]


def test_a_job_is_part_of_the_trace_that_it_is_asked_in_and_logs_say_so(
    grid: Cluster, receiver: Collector, wine: Dataset
) -> None:
    study = Study(grid, wine, "asked", {"rounds": 1})
    study.declare()
    answer = requests.post(
        f"{grid.grid.ttp.address}/ttp/train/collaborations/{study.keys[0]}/projects/{study.keys[1]}/alignments",
        json={},
        headers={"traceparent": f"00-{ASKED_IN}-{ASKED_BY}-01"},
        timeout=DEADLINE,
    )
    assert answer.ok, answer.text
    wait_for_jobs(study)
    [job] = jobs_of(study)

    spans = collected(receiver, ASKED_IN, "alignment", "archive", "publish", are_all=whole)

    assert (job["trace_id"], {span.service for span in spans}) == (ASKED_IN, SERVICES)
    [first] = [span for span in spans if span.parent == ASKED_BY]
    assert (first.service, first.name.split()[0]) == ("synergos-director", "POST")
    assert ways_to(spans, "alignment") == {(first.name, "alignment")}
    assert {span.parent for span in spans} <= {ASKED_BY, *(span.id for span in spans)}
    for program in set(grid.names) - {"rabbitmq"}:
        assert any(line.get("trace_id") == ASKED_IN for line in lines_of(grid, program)), program


def test_a_run_whose_ttp_is_killed_goes_on_in_the_same_trace(grid: Cluster, receiver: Collector, wine: Dataset) -> None:
    study = Study(grid, wine, "killed", ENDLESS)
    hand_in(study)
    [before] = trainings_under_way(study)
    collected(receiver, before["trace_id"], "round")
    grid.kill(before["ttp"], signal.SIGKILL)
    reached = training_of(study)["progress"]["round"]
    grid.start(before["ttp"])
    until(lambda: training_of(study)["progress"].get("round", 0) > reached + 2, "rounds to be done again")
    grid.driver.jobs.cancel(before["id"])
    wait_for_jobs(study)

    spans = collected(receiver, before["trace_id"], "run")

    assert training_of(study)["trace_id"] == before["trace_id"]
    [root] = [span for span in spans if span.parent is None]
    rounds = [int(span.attributes["synergos.round"]) for span in spans if span.name == "round"]
    assert {span.parent for span in spans if span.name == "round"} == {root.id}
    # What a killed program had not sent yet is lost with it.
    assert len(set(rounds)) == len(rounds)
    assert max(rounds) > reached
    assert min(rounds) == 0
