"""Has workers remove their results of what was deleted."""

from __future__ import annotations

from http import HTTPStatus

from synergos.domain.asker import Asker
from synergos.domain.grid import Node
from synergos.domain.removal import Removal
from synergos.errors import NotSupported, WorkerRefused
from synergos_ttp.workers.commands import WorkerCommands
from synergos_ttp.workers.limits import Limits


class WorkerRemovals:
    """See :data:`synergos.orchestration.remover.AtWorker`.

    Args:
        component: the id of this program, for workers' logs.
    """

    def __init__(self, limits: Limits, component: str | None = None) -> None:
        self._limits = limits
        self._asker = Asker(component)

    def __call__(self, removal: Removal, node: Node, age: float) -> None:
        """Have the worker at ``node`` remove what is older than ``age`` seconds.

        Raises:
            SynergosError: it is away, refuses, or is of a release that cannot.
        """
        worker = WorkerCommands(node, self._limits, lambda: None, self._asker)
        try:
            worker.remove(removal.folder, removal.purpose, age)
        except WorkerRefused as error:
            if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
                raise NotSupported(f"{node.participant_id}: the release of its worker removes no files yet") from error
            raise
