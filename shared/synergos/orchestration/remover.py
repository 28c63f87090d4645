"""The remover: a thread that sees to it that the files of what was deleted go too, also where somebody is away for now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from synergos.domain.grid import Node
from synergos.domain.keys import RunKey
from synergos.domain.removal import Removal
from synergos.errors import NotSupported, RecordNotFound, SynergosError, WorkerUnreachable
from synergos.learning.exports import left_beside
from synergos.program.log_context import ContextPool
from synergos.program.loop import Loop
from synergos.program.removal import remove_files
from synergos.records.removals import Removals
from synergos.records.store import RecordStore

log = structlog.get_logger(__name__)

RETRY_SECONDS = 30.0
"""How long after a removal that was in vain it is tried again."""

_AT_ONCE = 8

AtWorker = Callable[[Removal, Node, float], None]
"""Has a worker remove files, given the seconds since they belong to nothing; raises a SynergosError where that was in vain."""


class Remover:
    """Carries out the removals of one record store, as far as they are this program's to carry out.

    Idempotent: several programs may see to the same removal, and one that is interrupted is begun anew.

    Args:
        outputs: this program's outputs folder.
        grids: those whose removals are this program's, None among them for the orchestrator's own; all without it.
        at_worker: how a worker is asked; None for a program that asks none.
        seconds: between two looks.
        retry_seconds: see :data:`RETRY_SECONDS`.
    """

    def __init__(
        self,
        store: RecordStore,
        outputs: Path,
        grids: Collection[int | None] | None,
        at_worker: AtWorker | None = None,
        seconds: float = 1.0,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._store = store
        self._removals = Removals(store)
        self._outputs = outputs
        self._grids = grids
        self._at_worker = at_worker or _nobody_asks
        self._seconds = seconds
        self._retry = timedelta(seconds=retry_seconds)
        self._loop = Loop("remover", self._turn, pause=seconds)

    def start(self) -> None:
        """Begin, with what an earlier process left undone."""
        self._loop.start()

    def wake(self) -> None:
        """Look now: something was deleted."""
        self._loop.wake()

    def close(self) -> None:
        """End; what is undone is done by the next process."""
        self._loop.close()

    def carry_out(self) -> None:
        """Try once whatever is due."""
        now = self._store.database.now()
        due = [each for each in self._removals.of_grids(self._grids) if self._is_due(each, now)]
        if not due:
            return
        by_node: dict[Node | None, list[Removal]] = {}
        for removal in due:
            by_node.setdefault(removal.node, []).append(removal)
        # A worker that is away makes nobody else wait.
        with ContextPool(max_workers=min(len(by_node), _AT_ONCE), thread_name_prefix="removal") as pool:
            for done in [pool.submit(self._see_to, removals) for removals in by_node.values()]:
                done.result()

    def _is_due(self, removal: Removal, now: datetime) -> bool:
        return removal.tried_at is None or now - removal.tried_at >= self._retry

    def _see_to(self, removals: Sequence[Removal]) -> None:
        """Carry out removals at one place, one after the other."""
        for number, removal in enumerate(removals):
            if self._loop.is_stopping:
                return
            try:
                self._remove(removal)
            except WorkerUnreachable as error:
                # Who is away is away for all of them.
                for undone in removals[number:]:
                    self._note(undone, str(error))
                return
            except (SynergosError, OSError) as error:
                system = error.strerror if isinstance(error, OSError) else None
                self._note(removal, system or str(error))
            else:
                self._end(removal)

    def _remove(self, removal: Removal) -> None:
        age = max(0.0, (self._store.database.now() - removal.created_at).total_seconds())
        if removal.node is not None:
            self._at_worker(removal, removal.node, age)
            return
        names = removal.folder.ids
        folders = [names]
        if isinstance(removal.folder, RunKey):
            folders += [(*names[:-1], path.name) for path in left_beside(removal.folder.folder(self._outputs))]
        for folder in folders:
            remove_files(self._outputs, folder, age)

    def _note(self, removal: Removal, reason: str) -> None:
        # Who is away for a week is one line, not twenty thousand.
        if reason != removal.reason:
            log.info("files not removed yet", reason=reason, place=removal.place, **removal.folder.to_dict())
        self._removals.note(removal, reason)

    def _end(self, removal: Removal) -> None:
        log.info("files removed", place=removal.place, **removal.folder.to_dict())
        # Somebody else may have been quicker.
        with suppress(RecordNotFound):
            self._removals.end(removal.id)

    def _turn(self) -> float:
        try:
            self.carry_out()
        except SQLAlchemyError as error:
            log.warning("removals wait", reason=type(error).__name__)
        return self._seconds


def _nobody_asks(removal: Removal, node: Node, age: float) -> None:
    raise NotSupported("the workers of this grid are asked by the TTPs of its sub-grids")
