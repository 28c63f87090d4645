"""A job that somebody looks at: what is new of it is asked for, and put to what is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

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


def _query(most_rounds: int, known: Mapping[str, Any]) -> Query:
    """What is new since what is known, which is nothing at first."""
    events, rounds = (known.get(name) or [{}] for name in ("events", "rounds"))
    # How good the newest round is becomes known with the one after it.
    after = max(0, rounds[-1].get("round", 0) - 1)
    return {"events_after": events[-1].get("number", 0), "rounds_after": after, "newest_rounds": most_rounds}


def _grown(most_rounds: int, known: Mapping[str, Any], answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What is known with what is new; None where all of it is to be read anew."""
    job, events, rounds = answer.get("data"), _records(answer, "events", "number"), _records(answer, "rounds", "round")
    if not isinstance(job, dict):
        raise Nonsense("the orchestrator's answer about a job is not what was expected")
    looks = known.get("looks", 0) + 1
    # Of another attempt rounds take the place of known ones, and what happened otherwise is rare.
    if known and (looks > _LOOKS or any(event.get("event") != "round_done" for event in events)):
        return None
    all_events = {event["number"]: event for event in [*known.get("events", ()), *events]}
    all_rounds = {lost["round"]: lost for lost in [*known.get("rounds", ()), *rounds]}
    return {
        "data": job,
        "events": [all_events[number] for number in sorted(all_events)],
        "rounds": [all_rounds[number] for number in sorted(all_rounds)[-most_rounds:]],
        "looks": looks,
    }


def _records(answer: Mapping[str, Any], name: str, number: str) -> list[dict[str, Any]]:
    """What is listed, each with its number."""
    found = answer.get(name)
    if not isinstance(found, list) or not all(
        isinstance(each, dict) and isinstance(each.get(number), int) for each in found
    ):
        raise Nonsense("the orchestrator's answer about a job is not what was expected")
    return found
