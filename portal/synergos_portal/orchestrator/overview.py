"""The newest jobs in a state, and how many there are in which: what the header and the home page show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from synergos.domain.job import FINAL_STATES
from synergos_portal.orchestrator.client import Client, Listing, Query
from synergos_portal.orchestrator.jobs import ROW, WAITING, Job

MOVING = ("running", "archiving")


@dataclass(frozen=True)
class Counts:
    """How many jobs there are."""

    failed: int = 0
    waiting: int = 0
    running: int = 0


def jobs(client: Client, state: str, limit: int = 20) -> Listing[Job]:
    """The newest jobs in a state."""
    query: Query = {"state": state, "limit": limit, "order": "newest", "fields": ROW}
    return client.records(Job, "jobs", query=query)


def unfinished(found: Listing[Job]) -> int:
    """How many of the jobs of a list have not ended, those on its other pages too."""
    told = found.params.get("counts")
    if found.next is None or not isinstance(told, Mapping):
        return sum(job.is_unfinished for job in found.items)
    return sum(count for state, count in told.items() if state not in FINAL_STATES and isinstance(count, int))


def counts(client: Client) -> Counts | None:
    """How many jobs there are in which state; None where the orchestrator does not say."""
    told = client.answer("GET", "jobs", query={"limit": 1, "order": "newest", "fields": "state"}).get("params")
    found = told.get("counts") if isinstance(told, dict) else None
    if not isinstance(found, dict):
        return None
    number = {state: count for state, count in found.items() if isinstance(count, int)}
    return Counts(
        number.get("failed", 0),
        sum(number.get(state, 0) for state in WAITING),
        sum(number.get(state, 0) for state in MOVING),
    )
