"""Nodes: which of the registered workers the orchestrator reaches."""

from __future__ import annotations

from synergos.driver.task import Task
from synergos.driver.transport import Response, route


class NodeTask(Task):
    """Calls about registered nodes."""

    def read_all(
        self, participant_id: str | None = None, collab_id: str | None = None, project_id: str | None = None
    ) -> Response:
        """Say which nodes the orchestrator reaches, all or those of a participant, a collaboration or a project.

        ``is_reachable`` is None of a node that has not answered yet; ask again a moment later.
        """
        wanted = {"participant_id": participant_id, "collab_id": collab_id, "project_id": project_id}
        return self._get(route("nodes"), {name: value for name, value in wanted.items() if value is not None})
