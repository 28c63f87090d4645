"""Invitations: which participants may register for a project of somebody else's."""

from __future__ import annotations

from typing import Unpack

from synergos.driver.errors import UsageError
from synergos.driver.lists import Page
from synergos.driver.task import COLLABORATIONS, Task
from synergos.driver.transport import Response, route


class InvitationTask(Task):
    """Calls about invitations; they count where the orchestrator has accounts."""

    def create(self, collab_id: str, project_id: str, participant_id: str) -> Response:
        """Invite a participant to register for a project; with the participant's own account, ask for that.

        Whose the collaboration is invites. ``state`` of the answer says which it was: ``invited`` or ``asked``. The participant has to
        have declared its profile.
        """
        return self._post(self._route(collab_id, project_id, participant_id), {})

    def read_all(
        self,
        collab_id: str | None = None,
        project_id: str | None = None,
        participant_id: str | None = None,
        **choices: Unpack[Page],
    ) -> Response:
        """The invitations of a participant, of a collaboration, or of a project: those given, and those asked for.

        Args:
            choices: which of them, see :data:`synergos.driver.lists.Page`.

        Raises:
            UsageError: another combination of ids (a project needs its collaboration).
        """
        match collab_id, project_id, participant_id:
            case None, None, str():
                path = route("connect", "participants", participant_id, "invitations")
            case str(), None, None:
                path = route(*COLLABORATIONS, collab_id, "invitations")
            case str(), str(), None:
                path = route(*COLLABORATIONS, collab_id, "projects", project_id, "invitations")
            case _:
                raise UsageError("give a participant, a collaboration, or a collaboration and its project")
        return self._list(path, choices)

    def read(self, collab_id: str, project_id: str, participant_id: str) -> Response:
        """One invitation."""
        return self._get(self._route(collab_id, project_id, participant_id))

    def delete(self, collab_id: str, project_id: str, participant_id: str) -> Response:
        """Take back an invitation that no registration has made use of, or decline what was asked for."""
        return self._delete(self._route(collab_id, project_id, participant_id))

    @staticmethod
    def _route(collab_id: str, project_id: str, participant_id: str) -> str:
        ids = (collab_id, "projects", project_id, "participants", participant_id)
        return route(*COLLABORATIONS, *ids, "invitation")
