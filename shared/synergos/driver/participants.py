"""Participants: the organisations that hold data. They belong to no collaboration in particular."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from synergos.driver.lists import OfParticipant
from synergos.driver.task import Task, refuse_others
from synergos.driver.terms import Terms
from synergos.driver.transport import Response, route

_PARTICIPANTS = ("connect", "participants")


class ParticipantTask(Task):
    """Calls about participants."""

    def create(
        self,
        participant_id: str,
        category: Sequence[str] | None = None,
        summary: str | None = None,
        phone: str | None = None,
        email: str | None = None,
        socials: Mapping[str, object] | None = None,
        **kwargs: Any,
    ) -> Response:
        """Declare a participant; every field but the id is for people to read, and there are no others.

        Declaring it again replaces the profile and keeps the registrations.
        """
        terms = Terms.taken_from(kwargs)
        refuse_others(self.create, kwargs)
        payload = {
            "id": participant_id,
            "category": None if category is None else list(category),
            "summary": summary,
            "phone": phone,
            "email": email,
            "socials": socials,
        }
        return self._post(route(*_PARTICIPANTS), payload, terms)

    def read_all(self, **choices: Unpack[OfParticipant]) -> Response:
        """All participants, or those that ``choices`` choose (:data:`synergos.driver.lists.Page`)."""
        return self._list(route(*_PARTICIPANTS), choices)

    def read(self, participant_id: str) -> Response:
        """One participant, with its registrations and tags."""
        return self._get(route(*_PARTICIPANTS, participant_id))

    def read_agreement(self, participant_id: str, collab_id: str, project_id: str) -> Response:
        """What a participant has in the agreement of a project: which of its columns became inputs, what is filled, and notes."""
        path = route(*_PARTICIPANTS, participant_id, "collaborations", collab_id, "projects", project_id, "agreement")
        return self._get(path)

    def update(self, participant_id: str, **updates: Any) -> Response:
        """Change fields of a participant's profile.

        Args:
            updates: what they say now; and on which terms, see :class:`~synergos.driver.terms.Terms`.
        """
        terms = Terms.taken_from(updates)
        return self._put(route(*_PARTICIPANTS, participant_id), updates, terms)

    def delete(self, participant_id: str, keep_files: bool = False, if_unchanged: str | None = None) -> Response:
        """Delete a participant with its registrations and results; the answer is the record as it was.

        What is at work on it is cancelled first, and waited for. Files go as well, here and at the participants' workers:
        ``files`` of the answer says where none is left (``removed``), where they go as soon as somebody is back
        (``waiting``, see :attr:`~synergos.driver.client.Driver.removals`), and what stays for which reason.

        Args:
            keep_files: leave files where they are.
            if_unchanged: only if it says what it said when it was read, see :class:`~synergos.driver.terms.Terms`.
        """
        return self._delete(route(*_PARTICIPANTS, participant_id), keep_files, if_unchanged)
