"""What all programs send in a full cycle, as another project's GELF inputs take it: each record whole, and what dashboards need."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from grids.real_grid import Study
from grids.reporting_grid import ReportingGrid, reporting, role_of
from servers.gelf_receiver import ROLES, GelfReceiver, Record, receiving
from support.content_packs import ContentPack, Dashboard, Stream
from support.dashboard_fields import measured, named
from support.waiting import until
from synergos.gelf import Transport
from synergos_simulator.datasets import Dataset

PACK = Path(__file__).resolve().parents[2] / "docker" / "logger" / "content_packs" / "synergos.json"
PREFIXES = {"metrics": "SYS_", "director": "DIR_", "ttp": "TTP_", "worker": "WKR_"}
CALL_SITE = ("_file", "_line", "_function", "_pid", "_thread_name", "_process_name")
CASES = [(None, Transport.TCP), (1, Transport.UDP), (1, Transport.TLS)]
"""How many sub-grids, None for a Basic grid, and by what: each kind of grid and each transport, as neither depends on the other."""


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{'basic' if case[0] is None else 'cluster'}-{case[1]}")
def ended(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, data: Path, wine: Dataset
) -> Iterator[ReportingGrid]:
    """A grid that has gone through a cycle, all of whose lines have come in."""
    grids, transport = request.param
    folder = tmp_path_factory.mktemp("reporting")
    with (
        receiving(folder / "receiver", transport) as receiver,
        reporting(folder, data, receiver, "--debug", grids=grids) as grid,
    ):
        grid.run(Study(grid, wine, "reported", {"rounds": 3}))
        for program in grid.programs:
            until(partial(has_metrics, receiver, program.name), f"metrics of {program.name}")
        for program in grid.programs:
            assert grid.end(program.name) == 0
        until(lambda: not missing(grid), "all lines to come in")
        yield grid


def has_metrics(receiver: GelfReceiver, program: str) -> bool:
    return f"SYS_{program}" in receiver.text("metrics")


def missing(grid: ReportingGrid) -> Counter[tuple[str, str]]:
    """How often something was logged on standard error that did not come in."""
    found = Counter[tuple[str, str]]()
    for program in grid.programs:
        logger = f"{PREFIXES[role_of(program)]}{program.name}"
        written = Counter((logger, line.event) for line in grid.lines(program.name))
        sent = grid.receiver.records(role_of(program))
        found |= written - Counter((record["_logger"], record["_event"]) for record in sent)
    return found


def records(receiver: GelfReceiver) -> list[Record]:
    return [record for role in ROLES for record in receiver.records(role)]


def test_every_record_is_gelf_1_1(ended: ReportingGrid) -> None:
    assert ended.receiver.complaints == ""
    for record in records(ended.receiver):
        assert record["version"] == "1.1"
        assert record["host"]
        assert record["short_message"] == f"[{record['_logger']}] {record['_event']}"
        assert isinstance(record["timestamp"], float)
        assert record["level"] in range(8)
        more = {name: value for name, value in record.items() if name.startswith("_")}
        assert len(more) == len(record) - 5
        assert all(re.fullmatch(r"_[\w.\-]+", name) for name in more)
        assert "_id" not in more
        assert {type(value) for value in more.values()} <= {str, int, float}


def test_each_program_sends_to_its_own_input_by_its_own_name(ended: ReportingGrid) -> None:
    wanted = {
        role: {f"{PREFIXES[role]}{program.name}" for program in ended.programs if role_of(program) == role}
        for role in ROLES
    }
    wanted["metrics"] = {f"SYS_{program.name}" for program in ended.programs}

    assert {role: {record["_logger"] for record in ended.receiver.records(role)} for role in ROLES} == wanted


def test_a_field_is_always_text_or_always_a_number(ended: ReportingGrid) -> None:
    kinds: dict[str, set[bool]] = {}
    for record in records(ended.receiver):
        for name, value in record.items():
            kinds.setdefault(name, set()).add(isinstance(value, str))

    assert [name for name, found in kinds.items() if len(found) > 1] == []


def test_every_program_says_at_its_start_what_it_was_told(ended: ReportingGrid) -> None:
    for program in ended.programs:
        own = [record for record in ended.receiver.records(role_of(program)) if record["_component"] == program.name]
        told = {record["_event"] for record in own if record["_event"].endswith(" parameters")}
        queue = {"queue parameters"} if ended.is_queued and role_of(program) != "worker" else set()
        assert told == {"input parameters", "logging parameters", "system parameters", *queue}
        assert all(record["_component"] for record in own)


def test_where_a_line_comes_from_is_filled_in(ended: ReportingGrid) -> None:
    for record in records(ended.receiver):
        assert [name for name in CALL_SITE if not record.get(name)] == [], record


def test_system_metrics_come_every_five_seconds_unless_somebody_wants_them_otherwise(ended: ReportingGrid) -> None:
    assert {record["_resolution"] for record in ended.receiver.records("metrics")} == {5}


def shown(dashboard: Dashboard, streams: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """What the dashboard shows, each with how the loggers of its stream begin."""
    for query in dashboard.search.queries:
        for each in (*query.search_types, *dashboard.state[query.id].widgets):
            for stream in each.streams:
                yield streams[stream], each


def test_what_streams_and_dashboard_name_is_there_of_the_type_it_needs(ended: ReportingGrid) -> None:
    pack = msgspec.json.decode(PACK.read_bytes(), type=ContentPack)
    entities = {entity.id: entity.read() for entity in pack.entities}
    rules = {
        key: rule.value.value
        for key, each in entities.items()
        if isinstance(each, Stream)
        for rule in each.stream_rules
    }
    [dashboard] = (each for each in entities.values() if isinstance(each, Dashboard))
    sent = records(ended.receiver)

    of_streams = {rule: [record for record in sent if re.search(rule, record["_logger"])] for rule in rules.values()}
    assert sum(map(len, of_streams.values())) == len(sent)
    for rule, each in shown(dashboard, rules):
        if rule == "^DIR_" and not ended.is_queued:
            continue
        there = {name.removeprefix("_") for record in of_streams[rule] for name in record}
        assert named(each) - there == set(), rule
        for field in measured(each):
            assert {type(record[f"_{field}"]) for record in of_streams[rule]} <= {int, float}, field
