"""The catalogue, and lineage: which datasets there are, and what a model was made of."""

from __future__ import annotations

from typing import Unpack

from synergos.driver.lists import OfRegistration
from synergos.driver.task import Task
from synergos.driver.transport import Response, route


class CatalogueTask(Task):
    """Calls about what participants publish of their datasets."""

    def read_all(self, **choices: Unpack[OfRegistration]) -> Response:
        """What participants publish, by registration: folders with kind, columns, about how many rows, and what they are used for.

        Args:
            choices: which of them, see :data:`synergos.driver.lists.OfRegistration`.
        """
        return self._list(route("catalogue"), choices)

    def read(self, collab_id: str, project_id: str) -> Response:
        """What the participants of a project publish, side by side, with ``differences`` in sentences."""
        return self._get(route("catalogue", collab_id, project_id))

    def lineage(
        self, collab_id: str, project_id: str, expt_id: str, run_id: str, version: int | None = None
    ) -> Response:
        """Where a run's model comes from and what was made with it, as it was trained; ``changes`` says what has changed since.

        Args:
            version: the number of a training that is kept; the newest without it.
        """
        asked = None if version is None else {"version": str(version)}
        return self._get(route("lineage", collab_id, project_id, expt_id, run_id), asked)
