"""Workers as the state of the grid shows them: each once, however many projects it is registered for, and first those that are not reachable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from synergos_portal.orchestrator.jobs import Node
from synergos_portal.web.listing import Column

SHOWN = 20
"""With the state of the grid; a list has all of them."""
COLUMNS = (
    Column[Node]("participant_id", lambda node: node.participant),
    Column[Node]("collab_id", lambda node: node.key.get("collab_id")),
    Column[Node]("project_id", lambda node: node.key.get("project_id")),
    Column[Node]("node", lambda node: node.node),
    Column[Node]("host", lambda node: node.host),
    Column[Node]("is_reachable", lambda node: node.is_reachable),
    Column[Node]("problem", lambda node: node.problem),
    Column[Node]("version", lambda node: node.version),
)
_ORDER = {False: 0, None: 1, True: 2}


@dataclass(frozen=True)
class Worker:
    """A worker, as it was found for one of the projects that it is registered for.

    Attributes:
        projects: how many there are.
    """

    node: Node
    projects: int


def each_once(nodes: Iterable[Node]) -> Sequence[Worker]:
    """The workers that registrations name; one that is found otherwise for another project is told again."""
    found: dict[tuple[object, ...], list[Node]] = {}
    for node in nodes:
        found.setdefault((node.participant, node.worker, node.is_reachable, node.problem), []).append(node)
    workers = [Worker(same[0], len(same)) for same in found.values()]
    return sorted(workers, key=lambda worker: _ORDER[worker.node.is_reachable])
