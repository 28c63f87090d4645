"""What has changed since somebody last asked: at once, or as soon as something does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from http import HTTPStatus
from typing import ClassVar

from flask import Response, request

from synergos.domain.addresses import customer_of
from synergos.domain.keys import ExperimentKey
from synergos.domain.records import Kind
from synergos.errors import InvalidRequest
from synergos.orchestration.changes import Changes, Waiting
from synergos.orchestration.jobs import Jobs
from synergos.program.patience import watching
from synergos.records.changes import JOB, Change, Since
from synergos.rest.api import Route
from synergos.rest.caller import caller, signed_in
from synergos.rest.envelope import success
from synergos.rest.resource import Resource, is_wanted
from synergos.rest.waiting_places import WaitingPlaces

LONGEST = 30
"""Seconds that a request may wait."""
PLACES = 16
"""Requests that wait at the same time: each holds a thread."""
PLACES_OF_ONE = 4
"""Of those, for one account, or for one address where there are no accounts: nobody takes them all."""
AGAIN_SECONDS = 1
"""After which to ask again who was answered at once, as others waited."""
COUNTS = "counts"
_PARAMETERS = {
    "after": "go on after an earlier answer, whose next it is; without it, from now on",
    "wait": f"seconds to wait for a change where there is none, 0 to {LONGEST}; 0 without it",
    COUNTS: "true: also how many jobs there are in each state, as counts",
}


class Watched:
    """What has changed, and the places of those who wait for it."""

    def __init__(self, changes: Changes, jobs: Jobs) -> None:
        self.changes = changes
        self.jobs = jobs
        self.places = WaitingPlaces(PLACES, PLACES_OF_ONE)


def routes(changes: Changes, jobs: Jobs) -> list[Route]:
    """The routes below ``/ttp``."""
    watched = Watched(changes, jobs)
    return [Route("Changes", ChangeCollection, watched, ("/changes",), "changes", parameters=dict(_PARAMETERS))]


class ChangeCollection(Resource):
    """Jobs, records and studies that are not what they were."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": tuple(_PARAMETERS)}

    def __init__(self, api: object, watched: Watched) -> None:
        super().__init__(api)
        self.changes = watched.changes
        self.jobs = watched.jobs
        self.places = watched.places

    def get(self) -> Response:
        """Name what has changed since, each once, the last change last; ``next`` is where to go on.

        At most 16 requests wait at a time, four of them of one account (of one address where there are no accounts); others are
        answered at once, with Retry-After.
        """
        seconds, wants_counts = _seconds(request.args.get("wait", "0")), is_wanted(COUNTS)
        after = _number(request.args["after"]) if "after" in request.args else None
        if not seconds:
            return self._answer(after, seconds, has_place=False, has_counts=wants_counts)
        with self.places.taken(_who()) as has_place:
            return self._answer(after, seconds, has_place=has_place, has_counts=wants_counts)

    def _answer(self, after: int | None, seconds: float, *, has_place: bool, has_counts: bool) -> Response:
        number = self.changes.now() if after is None else after
        with watching(request.environ) if has_place else nullcontext() as is_over:
            waiting = None if is_over is None else Waiting(seconds, is_over)
            found = self.changes.since(caller(), number, waiting)
        is_turned_away = bool(seconds) and waiting is None and not found.changes and found.is_complete
        counts = {COUNTS: self.jobs.counts(caller(), {})} if has_counts else {}
        return _told(found, counts, is_turned_away=is_turned_away)


def _who() -> str:
    """Whose a waiting place is."""
    found = signed_in()
    return f"account {found.name}" if found is not None else f"address {customer_of(request.remote_addr or '')}"


def _told(found: Since, counts: Mapping[str, object], *, is_turned_away: bool) -> Response:
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": str(AGAIN_SECONDS)} if is_turned_away else {})
    more = {"next": str(found.up_to), "is_complete": found.is_complete, **counts}
    shown = [_representation(change) for change in found.changes]
    return success("changes.get", shown, HTTPStatus.OK, headers=headers, more=more)


def _representation(change: Change) -> dict[str, object]:
    if change.kind == JOB:
        named: dict[str, object] = {"id": change.item, "keys": dict(change.key)}
    elif change.kind == Kind.STUDY and "study_id" in change.key:
        named = {"id": change.key["study_id"], "keys": ExperimentKey.of(change.key).to_dict()}
    else:
        named = {"key": dict(change.key)}
    return {"kind": change.kind, **named, "is_deleted": change.is_deleted}


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise InvalidRequest("expected the 'next' of an earlier answer", "after")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,6})?", text) or float(text) > LONGEST:
        raise InvalidRequest(f"expected seconds from 0 to {LONGEST}, got {text[:80]!r}", "wait")
    return float(text)
