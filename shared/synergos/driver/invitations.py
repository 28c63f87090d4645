"""Invitations: which participants may register for a project of somebody else's."""

from __future__ import annotations

from typing import Any, Unpack

from synergos.driver.errors import UsageError
from synergos.driver.lists import Page
from synergos.driver.members import all_of, one_of
from synergos.driver.task import Task, refuse_others
from synergos.driver.terms import Terms
from synergos.driver.transport import Response


class InvitationTask(Task):
    """Calls about invitations; they count where the orchestrator has accounts."""

    def create(self, collab_id: str, project_id: str, participant_id: str, **kwargs: Any) -> Response:
        """Invite a participant to register for a project; with the participant's own account, ask for that.

        Whose the collaboration is invites. ``state`` of the answer says which it was: ``invited`` or ``asked``. The participant has to
        have declared its profile.

        Args:
            kwargs: those of :class:`~synergos.driver.terms.Terms`; others are refused.
        """
        terms = Terms.taken_from(kwargs)
        refuse_others(self.create, kwargs)
        return self._post(one_of(collab_id, project_id, participant_id, "invitation"), {}, terms)

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
        path = all_of(collab_id, project_id, participant_id, "invitations")
        if path is None:
            raise UsageError("give a participant, a collaboration, or a collaboration and its project")
        return self._list(path, choices)

    def read(self, collab_id: str, project_id: str, participant_id: str) -> Response:
        """One invitation."""
        return self._get(one_of(collab_id, project_id, participant_id, "invitation"))

    def delete(self, collab_id: str, project_id: str, participant_id: str, if_unchanged: str | None = None) -> Response:
        """Take back an invitation that no registration has made use of, or decline what was asked for.

        Args:
            if_unchanged: only if it says what it said when it was read, see :class:`~synergos.driver.terms.Terms`.
        """
        return self._delete(one_of(collab_id, project_id, participant_id, "invitation"), if_unchanged=if_unchanged)
