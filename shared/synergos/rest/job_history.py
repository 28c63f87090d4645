"""What has happened to a job, and what its rounds have lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from flask import Response, request

from synergos.domain.job_event import JobEvent, RoundLoss
from synergos.domain.job_sentences import sentence
from synergos.errors import InvalidRequest
from synergos.orchestration.jobs import Jobs
from synergos.records.paging import Part
from synergos.records.plain import plain
from synergos.rest.api import Route
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.lists import MAXIMUM_LIMIT, READ_AT_ONCE
from synergos.rest.resource import Resource

Item = TypeVar("Item")

_ATTEMPT = "of one attempt only, counted from 1; without it"
_LIMIT = f"the most items to answer with, 1 to {MAXIMUM_LIMIT}; without it all. The answer's next is the after of the next page"
_OF_EVENTS = {
    "after": "the number of the last event that is known already; 0, the default, for none",
    "limit": _LIMIT,
    "attempt": f"{_ATTEMPT} all of them",
}
_OF_METRICS = {
    "after": "the last round that is known already; 0, the default, for none",
    "limit": _LIMIT,
    "attempt": f"{_ATTEMPT} the rounds that the training consists of, whichever attempt has run them",
}
LARGEST = 2**31 - 1
"""Of all numbers of events, rounds and attempts."""


def routes(jobs: Jobs) -> list[Route]:
    """The routes below ``/ttp``."""
    events = ("/jobs/<job_id>/events",)
    metrics = ("/jobs/<job_id>/metrics",)
    return [
        Route("JobEvents", JobEvents, jobs, events, "jobs", parameters=_OF_EVENTS),
        Route("JobMetrics", JobMetrics, jobs, metrics, "jobs", parameters=_OF_METRICS),
    ]


@dataclass(frozen=True)
class _Wanted:
    """What of a job's history the request at hand wants.

    Attributes:
        limit: None for all there is.
        attempt: None for no certain one.
    """

    after: int
    limit: int | None
    attempt: int | None

    @classmethod
    def of_request(cls) -> _Wanted:
        """What its query parameters say.

        Raises:
            InvalidRequest: one of them is no such number; names it.
        """
        return cls(
            number_of_request("after", 0, LARGEST) or 0,
            number_of_request("limit", 1, MAXIMUM_LIMIT),
            number_of_request("attempt", 1, LARGEST),
        )

    def answer(self, method: str, read: Callable[[int, int], Part[Item]], shown: Callable[[Item], Any]) -> Response:
        """The answer.

        Args:
            read: what comes after a number, so much at most.
        """
        if self.limit is None:
            # The first piece is read now: whoever may not is refused before anything is sent.
            return success(method, map(shown, _all(read, self.after)))
        part = read(self.after, self.limit)
        return success(method, map(shown, part.items), more={"next": part.after})


def _all(read: Callable[[int, int], Part[Item]], after: int) -> Iterator[Item]:
    following: int | None = after
    while following is not None:
        part = read(following, READ_AT_ONCE)
        yield from part.items
        following = part.after


class _Resource(Resource):
    def __init__(self, api: object, jobs: Jobs) -> None:
        super().__init__(api)
        self.jobs = jobs


class JobEvents(_Resource):
    """What has happened to a job."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": tuple(_OF_EVENTS)}

    def get(self, job_id: str) -> Response:
        """List it in order, each as data and as a sentence."""
        wanted, who = _Wanted.of_request(), caller()

        def read(after: int, limit: int) -> Part[JobEvent]:
            return self.jobs.events(who, job_id, after, limit, wanted.attempt)

        return wanted.answer("events.get", read, event_representation)


class JobMetrics(_Resource):
    """What the rounds of a training have lost."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": tuple(_OF_METRICS)}

    def get(self, job_id: str) -> Response:
        """List them, while it runs and after it has ended. How good a round is becomes known with the round after it."""
        wanted, who = _Wanted.of_request(), caller()

        def read(after: int, limit: int) -> Part[RoundLoss]:
            return self.jobs.rounds(who, job_id, after, limit, wanted.attempt)

        return wanted.answer("metrics.get", read, round_representation)


def event_representation(event: JobEvent) -> dict[str, object]:
    """Something that has happened to a job, as it is answered."""
    return {
        "kind": "JobEvent",
        "number": event.number,
        "attempt": event.attempt,
        "at": event.at.isoformat(timespec="milliseconds"),
        "event": event.kind.value,
        "participant": event.participant,
        "about": plain(event.about),
        "sentence": sentence(event),
    }


def round_representation(lost: RoundLoss) -> dict[str, object]:
    """What a round has lost, as it is answered."""
    return {
        "kind": "RoundMetrics",
        "round": lost.number,
        "attempt": lost.attempt,
        "at": None if lost.at is None else lost.at.isoformat(timespec="milliseconds"),
        "train": lost.train,
        "evaluate": lost.evaluate,
        "participants": plain(lost.participants),
    }


def number_of_request(name: str, least: int, most: int) -> int | None:
    """A query parameter of the request at hand as a number; None where it has none.

    Raises:
        InvalidRequest: it is no such number; names it.
    """
    text = request.args.get(name)
    if text is None:
        return None
    # Not int(): it takes blanks, signs, underscores, and other scripts' digits too.
    if not re.fullmatch(r"[0-9]{1,10}", text) or not least <= int(text) <= most:
        raise InvalidRequest(f"expected a whole number from {least} to {most}, got {text[:80]!r}", name)
    return int(text)
