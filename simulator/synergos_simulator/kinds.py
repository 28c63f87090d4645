"""The kinds of grid that can be started on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from synergos_simulator.cluster import ClusterPlan, node_name
from synergos_simulator.grid import Disclosure, Grid, Plan, Planned
from synergos_simulator.state import Program

GRIDS = 2
"""How many TTPs a cluster has here."""


class GridKind(StrEnum):
    """Which kind of grid."""

    BASIC = "basic"
    CLUSTER = "cluster"


def plan_of(
    kind: GridKind,
    folder: Path,
    data: Path,
    workers: Sequence[str],
    port: int = 0,
    cpus: int = 1,
    disclosure: Disclosure = Disclosure.OPEN,
) -> Planned:
    """The plan of a grid.

    Args:
        workers: the participants.
        port: the command port of what takes requests; 0 takes a free one.
        disclosure: how much may leave its workers.
    """
    if kind is GridKind.CLUSTER:
        return ClusterPlan(folder, data, workers, GRIDS, port, cpus=cpus, disclosure=disclosure)
    return Plan(folder, data, workers, port, cpus, disclosure=disclosure)


def nodes_of(kind: GridKind, grid: Grid, workers: Sequence[str]) -> dict[str, list[Program]]:
    """Each participant's nodes, one for every sub-grid."""
    programs = {program.name: program for program in grid.workers}
    if kind is GridKind.CLUSTER:
        return {name: [programs[node_name(name, index)] for index in range(GRIDS)] for name in workers}
    return {name: [programs[name]] for name in workers}
