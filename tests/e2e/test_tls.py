"""A whole cycle by TLS alone: nobody on the way reads anything, and whoever is not of the consortium is not let in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from grids.real_grid import RealGrid, Study, started
from support.wire_recorder import HOST, WireRecorder, recording
from synergos import Driver
from synergos.pki.consortium import LocalConsortium
from synergos_simulator.datasets import Dataset
from synergos_simulator.state import Program


@dataclass
class Captured(RealGrid):
    """A grid with somebody on the way between all that speak to each other."""

    recorder: WireRecorder
    port: int

    @property
    def driver(self) -> Driver:
        return Driver(HOST, self.port, is_secured=True, tls_ca=self.grid.ttp.tls[0], raise_errors=True)

    def nodes(self) -> list[list[Program]]:
        return [
            [
                replace(
                    program,
                    port=self.recorder.in_front_of(program.name, program.port),
                    data_port=self.recorder.in_front_of(program.name, program.data_port),
                )
            ]
            for program in self.grid.workers
        ]


@pytest.fixture
def captured(tmp_path: Path, data: Path) -> Iterator[Captured]:
    """Nothing is sealed: what is hidden is hidden by TLS."""
    consortium = LocalConsortium(tmp_path / "pki")
    with (
        started(tmp_path / "grid", data, sealed="off", consortium=consortium) as running,
        recording() as recorder,
    ):
        yield Captured(running.grid, recorder, recorder.in_front_of("ttp", running.grid.ttp.port))


def test_a_cycle_by_tls_shows_nobody_on_the_way_anything(captured: Captured, wine: Dataset) -> None:
    study = Study(captured, wine, "by_tls", run={"rounds": 2})
    study.declare()
    for answer in (study.align(), study.train(), study.validate(), study.predict("worker_1")):
        assert answer["success"] == 1, answer

    wire = captured.recorder.bytes
    weights = torch.load(study.model_folder() / "global_model.pt", weights_only=True)
    tensors = [tensor.numpy().tobytes()[:16] for tensor in weights.values() if tensor.numel() > 3]
    columns = next((wine.root / wine.name).rglob("*.csv"))
    assert b"flavanoids" in columns.read_bytes()
    readable = (b"HTTP/1.1", b"/worker/", b"/sessions/", b"/ttp/", b"by_tls", b"flavanoids", b"worker_1", b"train_loss")
    assert len(wire) > 10_000
    assert len(tensors) > 1
    assert [found for found in (*readable, *tensors) if found in wire] == []
    # What each connection begins with, in either direction: a record of TLS.
    assert {beginning[:2] for beginning in captured.recorder.beginnings} == {b"\x16\x03"}
