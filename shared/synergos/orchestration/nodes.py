"""The registered nodes, and which of them this orchestrator reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version

from synergos.domain import grid
from synergos.domain.job import Job
from synergos.domain.keys import RegistrationKey
from synergos.domain.reachability import Answered, Presence, Probe, Silent, problem_at
from synergos.domain.records import Ids, Kind, Record
from synergos.domain.release import agreed
from synergos.errors import NotSupported, WorkerForbids
from synergos.orchestration.access import Access
from synergos.orchestration.caller import Caller
from synergos.orchestration.watch import PATIENCE_SECONDS, Address, Seen, Watch
from synergos.records.paging import EVERYTHING, Page, Part, Selection
from synergos.records.store import RecordStore

VERSION = version("synergos")
_REGISTRATIONS = 20
"""Of a participant, among which the newest is looked for."""
_NODES = 2**20
"""More than one registration can have."""


@dataclass(frozen=True)
class Forbidden:
    """That the owner of a participant's data did not allow what a job wanted, the last that its project has seen the end of.

    Attributes:
        job: its id.
        reason: of what, for what, and what would allow it; see docs/permissions.md.
        at: when the job failed.
    """

    job: str
    reason: str
    at: datetime | None

    @classmethod
    def of(cls, job: Job | None, participant_id: str) -> Forbidden | None:
        """What a job that has ended tells of a participant; None for nothing of that."""
        error = None if job is None else job.error
        if job is None or error is None or (error.kind, error.participant) != (WorkerForbids.__name__, participant_id):
            return None
        return cls(job.id, error.message, job.finished_at)


@dataclass(frozen=True)
class NodeView:
    """A node of a registration, as it was last found.

    Attributes:
        index: which node of its participant it is.
        command: what answers at its command port; None while nobody knows yet.
        data: the same of its data port.
        forbidden: what its owner did not allow when it was asked for something last.
    """

    key: RegistrationKey
    index: int
    node: grid.Node
    command: Seen | None
    data: Seen | None
    forbidden: Forbidden | None = None

    @property
    def is_reachable(self) -> bool | None:
        """Whether both ports are the worker's; None while nobody knows yet."""
        return None if self.command is None or self.data is None else self._out_of_reach is None

    @property
    def problem(self) -> str | None:
        """What is wrong, in one sentence, of one that is reachable too; None where nothing is, or nobody knows yet."""
        return (
            self._out_of_reach
            or self._refusal
            or next(
                (
                    f"the worker {seen.answer.unwell}"
                    for seen in (self.command, self.data)
                    if seen is not None and isinstance(seen.answer, Answered) and seen.answer.unwell
                ),
                None if self.forbidden is None else self.forbidden.reason,
            )
        )

    @property
    def presence(self) -> Presence | None:
        """Since when it has joined, of one that dials out; None where it has not, nobody knows yet, or it listens."""
        return None if self.command is None else self.command.answer.presence

    @property
    def _refusal(self) -> str | None:
        return self.command.answer.refusal if self.command and isinstance(self.command.answer, Answered) else None

    @property
    def _out_of_reach(self) -> str | None:
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

    def __init__(
        self, store: RecordStore, probe: Probe | None, grid_index: int | None = None, access: Access | None = None
    ) -> None:
        self._store = store
        self._access = access or Access(store)
        self._watch = Watch(probe or _nobody_asks)
        self._grid = grid_index

    def find(
        self, caller: Caller, ids: Ids, page: Page = EVERYTHING, patience: float = PATIENCE_SECONDS
    ) -> Part[NodeView]:
        """The nodes of the registrations with these ids, in order of registration, numbered by that and by their index.

        Whoever was not asked in the last seconds is asked now.

        Args:
            patience: seconds to wait for those that are being asked.

        Raises:
            NotPermitted: the caller may read none of the registrations, whichever there are.
        """
        wanted = self._access.narrowed(caller, Kind.REGISTRATION, Selection(ids))
        records = self._store.select(Kind.REGISTRATION, wanted, _of_registrations(page))
        found = [
            (number, record, index, node)
            for record in records.items
            for index, node in _nodes_in(record, page)
            if self._grid in (None, index) and page.begins_before(number := record["doc_id"] * _NODES + index)
        ]
        shown = [(RegistrationKey.of(record["key"]), index, node) for _, record, index, node in found[: page.limit]]
        seen = self._watch.look({address for _, _, node in shown for address in _addresses(node)}, patience)
        ended = self._store.ended_last({key.project for key, _, _ in shown})
        is_cut = len(shown) < len(found)
        end = None if records.after is None else records.after * _NODES + _last(page)
        return Part(
            [
                replace(
                    _view(key, index, node, seen),
                    forbidden=Forbidden.of(ended.get(key.project), key.participant_id),
                )
                for key, index, node in shown
            ],
            found[len(shown) - 1][0] if is_cut else end,
        )

    def reachable(self, most: int, patience: float = PATIENCE_SECONDS) -> dict[str, bool]:
        """Whether participants are reachable at the nodes that they registered last, so many of them at most.

        Of whom nothing is known yet nothing is said.

        Args:
            patience: seconds to wait for those that are being asked.
        """
        newest = Page(limit=_REGISTRATIONS * most, newest_first=True)
        chosen: dict[str, list[tuple[RegistrationKey, int, grid.Node]]] = {}
        for record in self._store.select(Kind.REGISTRATION, Selection(), newest).items:
            own = [
                (RegistrationKey.of(record["key"]), index, node)
                for index, node in enumerate(grid.nodes_of(record))
                if self._grid in (None, index)
            ]
            if own and len(chosen) < most:
                chosen.setdefault(own[0][2].participant_id, own)
        seen = self._watch.look(
            {address for own in chosen.values() for _, _, node in own for address in _addresses(node)}, patience
        )
        found = {who: [_view(*each, seen).is_reachable for each in own] for who, own in chosen.items()}
        return {who: all(answers) for who, answers in found.items() if None not in answers}


def _nodes_in(record: Record, page: Page) -> list[tuple[int, grid.Node]]:
    """The nodes of a registration with their indices, in the order of a page."""
    return list(enumerate(grid.nodes_of(record)))[:: -1 if page.newest_first else 1]


def _last(page: Page) -> int:
    """The index that comes last of all that a registration may have, in the order of a page."""
    return 0 if page.newest_first else _NODES - 1


def _of_registrations(page: Page) -> Page:
    """The registrations whose nodes are on a page: of that which the page before ended with there may be more."""
    if page.after is None:
        return page
    number, index = divmod(page.after, _NODES)
    again = 0 if index == _last(page) else 1 if page.newest_first else -1
    return replace(page, after=number + again)


def _view(key: RegistrationKey, index: int, node: grid.Node, seen: Mapping[Address, Seen]) -> NodeView:
    command, data = (seen.get(address) for address in _addresses(node))
    return NodeView(key, index, node, command, data)


def _addresses(node: grid.Node) -> tuple[Address, Address]:
    return (node.host, node.command_port), (node.host, node.data_port)


def _nobody_asks(_host: str, _port: int) -> Answered | Silent:
    return Silent("this program asks nobody")
