"""A job that somebody looks at: what is new of it is asked for, and put to what is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from synergos.foreign_json import items, mapping, whole
from synergos_portal.orchestrator.client import Client, Query, as_kind
from synergos_portal.orchestrator.jobs import Event, Job, Round
from synergos_portal.orchestrator.problems import Nonsense

_LOOKS = 60
"""After so many, all of it is read anew: what is known may not be told any more."""


@dataclass(frozen=True)
class FollowedJob:
    """A job with what has happened to it, and with what its newest rounds have lost; both in order."""

    job: Job
    events: Sequence[Event]
    rounds: Sequence[Round]


def followed(client: Client, job_id: str, most_rounds: int) -> FollowedJob:
    """A job as it is now.

    Args:
        most_rounds: so many of its rounds at most, the newest.
    """
    known = client.grown(str(most_rounds), ("jobs", job_id), partial(_query, most_rounds), partial(_grown, most_rounds))
    return FollowedJob(
        as_kind(Job, known["data"]), as_kind(list[Event], known["events"]), as_kind(list[Round], known["rounds"])
    )


def _query(most_rounds: int, known: Mapping[str, object]) -> Query:
    """What is new since what is known, which is nothing at first."""
    event, newest = (mapping((items(known.get(name)) or [None])[-1]) for name in ("events", "rounds"))
    # How good the newest round is becomes known with the one after it.
    after = max(0, (whole(newest.get("round")) or 0) - 1)
    return {"events_after": whole(event.get("number")) or 0, "rounds_after": after, "newest_rounds": most_rounds}


def _grown(most_rounds: int, known: Mapping[str, object], answer: Mapping[str, object]) -> dict[str, object] | None:
    """What is known with what is new; None where all of it is to be read anew."""
    job, events, rounds = (
        answer.get("data"),
        _numbered(answer, "events", "number"),
        _numbered(answer, "rounds", "round"),
    )
    if not isinstance(job, dict):
        raise Nonsense("the orchestrator's answer about a job is not what was expected")
    looks = (whole(known.get("looks")) or 0) + 1
    # Of another attempt rounds take the place of known ones, and what happened otherwise is rare.
    if known and (looks > _LOOKS or any(event.get("event") != "round_done" for event in events.values())):
        return None
    if known:
        events = _numbered(known, "events", "number") | events
        rounds = _numbered(known, "rounds", "round") | rounds
    return {
        "data": job,
        "events": [events[number] for number in sorted(events)],
        "rounds": [rounds[number] for number in sorted(rounds)[-most_rounds:]],
        "looks": looks,
    }


def _numbered(told: Mapping[str, object], name: str, number: str) -> dict[int, Mapping[str, object]]:
    """What is listed, by its number."""
    listed = told.get(name)
    found: dict[int, Mapping[str, object]] = {}
    # There may be thousands, at each look.
    for each in listed if isinstance(listed, list) else [None]:
        if not isinstance(each, dict) or not isinstance(place := each.get(number), int):
            raise Nonsense("the orchestrator's answer about a job is not what was expected")
        found[place] = each
    return found
