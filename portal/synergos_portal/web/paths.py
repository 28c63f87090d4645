"""Where the page of a record is, below view's address."""

from __future__ import annotations

from urllib.parse import quote

from synergos_portal.services import Service
from synergos_portal.web.ids import WORDS
from synergos_portal.web.links import origin

_LEVELS = ("collaborations", "projects", "experiments", "runs")
_ALONE = {"participant": "participants", "job": "jobs", "study": "studies"}


def path_of(kind: str, *ids: str) -> str:
    """The address of the page of something.

    Args:
        ids: from the collaboration down, or the one of a participant, job or study.
    """
    if kind in _ALONE:
        return f"{origin(Service.VIEW)}/{_ALONE[kind]}/{quote(ids[-1], safe='')}"
    *outer, own = [f"/{level}/{quote(each, safe='')}" for level, each in zip(_LEVELS, ids, strict=False)]
    if ids[-1] in WORDS:
        own = f"/{_LEVELS[len(ids) - 1]}/=/{ids[-1]}"
    return origin(Service.VIEW) + "".join([*outer, own])
