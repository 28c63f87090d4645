"""Where what one participant has in one project is: its invitation, its registration, its tags."""

from __future__ import annotations

from synergos.driver.task import COLLABORATIONS
from synergos.driver.transport import route


def one_of(collab_id: str, project_id: str, participant_id: str, *what: str) -> str:
    """The path of one, or of part of it."""
    return route(*COLLABORATIONS, collab_id, "projects", project_id, "participants", participant_id, *what)


def all_of(collab_id: str | None, project_id: str | None, participant_id: str | None, what: str) -> str | None:
    """The path of those of a participant, of a collaboration, or of a project; None for another combination of ids."""
    match collab_id, project_id, participant_id:
        case None, None, str():
            return route("connect", "participants", participant_id, what)
        case str(), None, None:
            return route(*COLLABORATIONS, collab_id, what)
        case str(), str(), None:
            return route(*COLLABORATIONS, collab_id, "projects", project_id, what)
    return None
