"""What a launch is made of: experiments and their runs, the nodes they need, and the jobs that it becomes."""

from __future__ import annotations

from collections.abc import Sequence

from synergos.domain.trace_context import TRACEPARENT, TraceContext
from synergos_portal.orchestrator import declared, grids, jobs
from synergos_portal.orchestrator.client import Client, Listing, Query
from synergos_portal.orchestrator.declared import Declared, Spot
from synergos_portal.orchestrator.grids import Node
from synergos_portal.orchestrator.jobs import Job


def listed(client: Client, outer: Spot, query: Query) -> Listing[Declared]:
    """A page of what lies in a project or an experiment, with how much hangs under each and nothing else."""
    return declared.listed(client, outer, {**query, "fields": "relations"})


def nodes(client: Client, project: Spot) -> dict[int, list[Node]]:
    """The nodes of a project by their sub-grids; it takes two seconds where one does not answer."""
    found: dict[int, list[Node]] = {}
    for node in grids.nodes(client, project.key, None):
        found.setdefault(node.grid, []).append(node)
    return dict(sorted(found.items()))


def ask(client: Client, parts: Sequence[str], trace: TraceContext) -> None:
    """Ask for one stage in a trace, by which its jobs are found again.

    Raises:
        Refused: it cannot be done as things stand; nothing of it is stored.
    """
    client.answer("POST", *parts, body={}, headers={"Prefer": "respond-async", TRACEPARENT: trace.header})


def jobs_of(client: Client, project: Spot, trace_id: str, most: int) -> Listing[Job]:
    """The first jobs that were asked for in a trace, so many at most; its ``params`` count all of them by state."""
    asked: Query = {**project.key, "trace_id": trace_id, "limit": most, "fields": jobs.ROW}
    return client.records(Job, "jobs", query=asked)
