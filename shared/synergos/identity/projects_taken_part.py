"""The projects that a worker has consented to take part in, as its owner sees them, and those that its owner has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from synergos.errors import RecordNotFound
from synergos.identity.small_file import now, stored_in, write

CONSENTS = "consents.json"
"""Written by the worker alone."""
RELEASED = "released.json"
"""Written by commands alone, and read by the worker."""


@dataclass(frozen=True)
class TakenPart:
    """One that was consented to.

    Attributes:
        who: the orchestrator's fingerprint.
        director: that of whom it belongs to; empty where it has not shown that.
        at: when the registration was consented to that holds.
    """

    collaboration: str
    project: str
    who: str
    director: str
    at: str


def projects_in(folder: Path) -> list[TakenPart]:
    """Those in a worker's folder, as they stand there, without those that were ended.

    Raises:
        Conflict: a file is damaged.
    """
    given, released = stored_in(folder / CONSENTS), stored_in(folder / RELEASED)
    found = []
    for key, said in given.items():
        who, collaboration, project = key.split("\n")
        if not is_over(said, released.get(f"{collaboration}\n{project}")):
            found.append(TakenPart(collaboration, project, who, said.get("director", ""), said["at"]))
    return found


def release(folder: Path, collaboration: str, project: str) -> list[TakenPart]:
    """End what was consented to in a project, whoever's it is; another orchestrator may have its ids from then on. What was ended.

    Raises:
        RecordNotFound: there is no such project.
    """
    ended = [each for each in projects_in(folder) if (each.collaboration, each.project) == (collaboration, project)]
    if not ended:
        raise RecordNotFound(f"this worker takes part in no project {collaboration}/{project}")
    write(folder / RELEASED, {**stored_in(folder / RELEASED), f"{collaboration}\n{project}": now("microseconds")})
    return ended


def is_over(said: Mapping[str, object], ended: str | None) -> bool:
    """Whether what was given was ended since."""
    return ended is not None and _time(str(said["at"])) <= _time(ended)


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
