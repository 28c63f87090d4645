"""Which participants are reachable, as metrics."""

from __future__ import annotations

import pytest

from synergos.domain.keys import RegistrationKey
from synergos.domain.reachability import COMMAND, DATA, Answered, Silent
from synergos.domain.records import Kind
from synergos.orchestration.nodes import VERSION, Nodes
from synergos.orchestration.participant_watch import ParticipantWatch
from synergos.records import RecordStore

PORTS = {5000: COMMAND, 8020: DATA}


def probe(host: str, port: int) -> Answered | Silent:
    if host == "away" and port == 8020:
        return Silent("Connection refused")
    return Answered("worker", host, PORTS[port], VERSION)


def register(store: RecordStore, project: str, who: str, *hosts: str) -> None:
    nodes = {f"node_{index}": {"host": host, "f_port": 5000, "port": 8020} for index, host in enumerate(hosts)}
    store.put(Kind.REGISTRATION, RegistrationKey("c", project, who), {"n_count": len(hosts), **nodes})


def found_by(store: RecordStore, most: int = 10, grid: int | None = None) -> dict[str, float]:
    watch = ParticipantWatch(Nodes(store, probe, grid), most)
    watch.look()
    [family] = watch.metrics()
    return {sample.labels["participant"]: sample.value for sample in family.samples}


def test_a_participant_is_reachable_at_all_of_its_nodes_or_not(store: RecordStore) -> None:
    register(store, "p1", "hospital_1", "here", "here")
    register(store, "p1", "hospital_2", "here", "away")

    assert found_by(store) == {"hospital_1": 1, "hospital_2": 0}
    assert found_by(store, grid=0) == {"hospital_1": 1, "hospital_2": 1}
    assert found_by(store, grid=1) == {"hospital_1": 1, "hospital_2": 0}


def test_where_it_was_before_nobody_looks(store: RecordStore) -> None:
    register(store, "p1", "hospital_1", "away")
    register(store, "p2", "hospital_1", "here")

    assert found_by(store) == {"hospital_1": 1}


def test_nothing_old_is_told_when_the_records_cannot_be_read(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(store, "p1", "hospital_1", "here")
    watch = ParticipantWatch(Nodes(store, probe), 10)
    watch.look()

    def fail(*_: object) -> None:
        raise OSError("away")

    monkeypatch.setattr(store, "select", fail)
    with pytest.raises(OSError, match="away"):
        watch.look()

    [family] = watch.metrics()
    assert family.samples == []


def test_so_many_are_asked_and_no_more(store: RecordStore) -> None:
    for number in range(5):
        register(store, "p1", f"hospital_{number}", "here")

    assert found_by(store, most=2) == {"hospital_4": 1, "hospital_3": 1}
