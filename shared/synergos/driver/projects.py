"""Projects: what a collaboration wants to predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from synergos.driver.lists import OfProject
from synergos.driver.task import COLLABORATIONS, Task, refuse_others
from synergos.driver.terms import Terms
from synergos.driver.transport import Response, route


class ProjectTask(Task):
    """Calls about projects."""

    def create(
        self,
        collab_id: str,
        project_id: str,
        action: str,
        incentives: Mapping[str, object],
        universe_alignment: Sequence[str] | None = None,
        start_at: str | None = None,
        **kwargs: Any,
    ) -> Response:
        """Declare a project. Declaring it again replaces it.

        Args:
            action: ``regress`` or ``classify``.
            incentives: what participants get out of it, by tier; ``{}`` when there is nothing to say.
            universe_alignment: names of the features of the whole universe, stored as they are.
            start_at: when the project starts, stored as it is.
            kwargs: those of :class:`~synergos.driver.terms.Terms`; others are refused.
        """
        terms = Terms.taken_from(kwargs)
        refuse_others(self.create, kwargs)
        payload: dict[str, object] = {
            "collab_id": collab_id,
            "project_id": project_id,
            "action": action,
            "incentives": incentives,
        }
        if universe_alignment is not None:
            payload["universe_alignment"] = list(universe_alignment)
        if start_at is not None:
            payload["start_at"] = start_at
        return self._post(route(*COLLABORATIONS, collab_id, "projects"), payload, terms)

    def read_all(self, collab_id: str, **choices: Unpack[OfProject]) -> Response:
        """All projects of a collaboration, or those that ``choices`` choose (:data:`synergos.driver.lists.Page`)."""
        return self._list(route(*COLLABORATIONS, collab_id, "projects"), choices)

    def read(self, collab_id: str, project_id: str) -> Response:
        """One project, with everything declared and stored under it."""
        return self._get(self._route(collab_id, project_id))

    def update(self, collab_id: str, project_id: str, **updates: Any) -> Response:
        """Change fields of a project.

        Args:
            updates: what they say now; and on which terms, see :class:`~synergos.driver.terms.Terms`.
        """
        terms = Terms.taken_from(updates)
        return self._put(self._route(collab_id, project_id), updates, terms)

    def delete(
        self, collab_id: str, project_id: str, keep_files: bool = False, if_unchanged: str | None = None
    ) -> Response:
        """Delete a project and everything under it; the answer is the record as it was.

        What is at work on it is cancelled first, and waited for. Files go as well, here and at the participants' workers:
        ``files`` of the answer says where none is left (``removed``), where they go as soon as somebody is back
        (``waiting``, see :attr:`~synergos.driver.client.Driver.removals`), and what stays for which reason.

        Args:
            keep_files: leave files where they are.
            if_unchanged: only if it says what it said when it was read, see :class:`~synergos.driver.terms.Terms`.
        """
        return self._delete(self._route(collab_id, project_id), keep_files, if_unchanged)

    @staticmethod
    def _route(collab_id: str, project_id: str) -> str:
        return route(*COLLABORATIONS, collab_id, "projects", project_id)
