"""The registered nodes, and which of them this orchestrator reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

from synergos.domain import grid
from synergos.domain.keys import RegistrationKey
from synergos.domain.reachability import Answered, Probe, Silent, problem_at
from synergos.domain.records import Ids, Kind
from synergos.domain.release import agreed
from synergos.errors import NotSupported
from synergos.orchestration.caller import Caller
from synergos.orchestration.watch import Address, Seen, Watch
from synergos.records.store import RecordStore

VERSION = version("synergos")


@dataclass(frozen=True)
class NodeView:
    """A node of a registration, as it was last found.

    Attributes:
        index: which node of its participant it is.
        command: what answers at its command port; None while nobody knows yet.
        data: the same of its data port.
    """

    key: RegistrationKey
    index: int
    node: grid.Node
    command: Seen | None
    data: Seen | None

    @property
    def is_reachable(self) -> bool | None:
        """Whether both ports are the worker's; None while nobody knows yet."""
        return None if self.command is None or self.data is None else self.problem is None

    @property
    def problem(self) -> str | None:
        """What is wrong, in one sentence; None where nothing is, or nobody knows yet."""
        if self.command is None or self.data is None:
            return None
        found = problem_at(
            self.node.host, self.node.command_port, self.node.data_port, self.command.answer, self.data.answer
        )
        return found or _strange_release(self.command.answer)


def _strange_release(found: Answered | Silent) -> str | None:
    """Why a worker and this orchestrator do not go together; None where they do."""
    try:
        agreed(VERSION, "this orchestrator", found.version if isinstance(found, Answered) else None, "the worker")
    except NotSupported as error:
        return str(error)
    return None


class Nodes:
    """Looks at what is registered and asks nobody else.

    Args:
        probe: asks one address; None where nobody can be asked.
        grid_index: of the sub-grid that is looked at; None for all of them.
    """

    def __init__(self, store: RecordStore, probe: Probe | None, grid_index: int | None = None) -> None:
        self._store = store
        self._watch = Watch(probe or _nobody_asks)
        self._grid = grid_index

    def find(self, caller: Caller, ids: Ids) -> list[NodeView]:
        """The nodes of the registrations with these ids, in order of registration.

        Whoever was not asked in the last seconds is asked now; that takes two seconds at most.
        """
        found = [
            (RegistrationKey.of(record["key"]), index, node)
            for record in self._store.find(Kind.REGISTRATION, ids)
            for index, node in enumerate(grid.nodes_of(record))
            if self._grid in (None, index)
        ]
        seen = self._watch.look({address for _, _, node in found for address in _addresses(node)})
        return [_view(key, index, node, seen) for key, index, node in found]


def _view(key: RegistrationKey, index: int, node: grid.Node, seen: Mapping[Address, Seen]) -> NodeView:
    command, data = (seen.get(address) for address in _addresses(node))
    return NodeView(key, index, node, command, data)


def _addresses(node: grid.Node) -> tuple[Address, Address]:
    return (node.host, node.command_port), (node.host, node.data_port)


def _nobody_asks(_host: str, _port: int) -> Answered | Silent:
    return Silent("this program asks nobody")
