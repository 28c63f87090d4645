"""Grids on this machine whose workers dial out: each knows the rendezvous of its own TTP, and none of its own ports."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from synergos_simulator.kinds import GridKind, plan_of
from synergos_simulator.state import Program


def flag(program: Program, name: str) -> str | None:
    """What a program is told by a flag."""
    told = list(program.command)
    return told[told.index(name) + 1] if name in told else None


@pytest.mark.parametrize(
    ("kind", "grids"), [(GridKind.BASIC, {"": "ttp"}), (GridKind.CLUSTER, {"_0": "ttp_0", "_1": "ttp_1"})]
)
def test_each_worker_dials_the_ttp_of_its_sub_grid(kind: GridKind, grids: dict[str, str], tmp_path: Path) -> None:
    ports = count(20_000)
    plan = plan_of(kind, tmp_path, tmp_path, ["worker_1", "worker_2"], outbound=True)

    programs = {program.name: program for program in plan.programs(lambda: next(ports))}

    for suffix, ttp in grids.items():
        rendezvous = flag(programs[ttp], "--rendezvous_port")
        assert rendezvous is not None
        for worker in ("worker_1", "worker_2"):
            program = programs[f"{worker}{suffix}"]
            assert flag(program, "--join") == f"127.0.0.1:{rendezvous}"
            assert (flag(program, "--port"), flag(program, "--host"), program.port, program.address) == (
                None,
                None,
                0,
                "",
            )
            assert program.outputs == flag(program, "--outputs")


@pytest.mark.parametrize("kind", [GridKind.BASIC, GridKind.CLUSTER])
def test_others_listen_and_have_no_rendezvous(kind: GridKind, tmp_path: Path) -> None:
    ports = count(20_000)

    programs = plan_of(kind, tmp_path, tmp_path, ["worker_1"]).programs(lambda: next(ports))

    assert {flag(program, each) for program in programs for each in ("--join", "--rendezvous_port")} == {None}
