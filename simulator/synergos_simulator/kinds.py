"""The kinds of grid that can be started on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from synergos.pki.consortium import LocalConsortium
from synergos_simulator.cluster import ClusterPlan, node_name
from synergos_simulator.grid import LOG_TO_FILES, Disclosure, Grid, Plan
from synergos_simulator.state import Program

GRIDS = 2
"""How many TTPs a cluster has here."""


class GridKind(StrEnum):
    """Which kind of grid; Plus is Basic with a tracking server."""

    BASIC = "basic"
    PLUS = "plus"
    CLUSTER = "cluster"


def plan_of(
    kind: GridKind,
    folder: Path,
    data: Path,
    workers: Sequence[str],
    port: int = 0,
    cpus: int = 1,
    disclosure: Disclosure = Disclosure.OPEN,
    logging: Sequence[str] = LOG_TO_FILES,
    consortium: LocalConsortium | None = None,
    *,
    outbound: bool = False,
) -> Plan | ClusterPlan:
    """The plan of a grid, without its tracking server.

    Args:
        workers: the participants.
        port: the command port of what takes requests; 0 takes a free one.
        disclosure: how much may leave its workers.
        logging: the flags that say where its programs log.
        consortium: who gives its programs certificates; None for plain HTTP.
        outbound: whether its workers listen nowhere and dial their TTPs.
    """
    dialling = workers if outbound else ()
    if kind is GridKind.CLUSTER:
        plan = ClusterPlan(folder, data, workers, GRIDS, port, cpus=cpus, disclosure=disclosure, logging=logging)
        return replace(plan, consortium=consortium, outbound=dialling)
    return Plan(folder, data, workers, port, cpus, disclosure, logging, consortium=consortium, outbound=dialling)


def nodes_of(kind: GridKind, grid: Grid, workers: Sequence[str]) -> dict[str, list[Program]]:
    """Each participant's nodes, one for every sub-grid."""
    programs = {program.name: program for program in grid.workers}
    if kind is GridKind.CLUSTER:
        return {name: [programs[node_name(name, index)] for index in range(GRIDS)] for name in workers}
    return {name: [programs[name]] for name in workers}
