"""Jobs in short, and how many there are in which state: what the header and the home page show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synergos_portal.orchestrator.client import Client, Listing, Query

FIELDS = "stage,state,keys,progress,error,created_at,started_at,finished_at"
WAITING = ("waiting", "queued")
MOVING = ("running", "archiving")
UNFINISHED = (*WAITING, *MOVING)


@dataclass(frozen=True)
class JobInShort:
    """A job as a line."""

    id: str
    stage: str | None = None
    state: str | None = None
    keys: Mapping[str, str | None] = field(default_factory=dict)
    progress: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    created_at: str | None = None
    started_at: str | None = None
    finished_at: str | None = None

    @property
    def about(self) -> str:
        """What it works on: its ids, outermost first."""
        names = ("collab_id", "project_id", "expt_id", "run_id", "participant_id")
        return " / ".join(str(self.keys[name]) for name in names if self.keys.get(name))

    @property
    def fraction(self) -> float | None:
        """How far it is, 0 to 1."""
        return _number(self.progress, "fraction")

    @property
    def rounds(self) -> tuple[int, int] | None:
        """The round it is at, and how many there are."""
        at, of = _number(self.progress, "round"), _number(self.progress, "rounds")
        return None if at is None or of is None else (int(at), int(of))

    @property
    def waits_for(self) -> Sequence[str]:
        """The participants it waits for."""
        awaited = (self.progress or {}).get("waiting_for")
        each = awaited if isinstance(awaited, list) else []
        return [str(one["participant"]) for one in each if isinstance(one, dict) and one.get("participant")]

    @property
    def comes_after(self) -> str | None:
        """The job that has to end first."""
        awaited = (self.progress or {}).get("waiting_for")
        return awaited if isinstance(awaited, str) else None

    @property
    def why(self) -> str | None:
        """Why it has failed, in the orchestrator's words."""
        said = (self.error or {}).get("message")
        return str(said) if said else None


@dataclass(frozen=True)
class Counts:
    """How many jobs there are."""

    failed: int = 0
    waiting: int = 0
    running: int = 0


def jobs(client: Client, state: str, limit: int = 20) -> Listing[JobInShort]:
    """The newest jobs in a state."""
    query: Query = {"state": state, "limit": limit, "order": "newest", "fields": FIELDS}
    return client.records(JobInShort, "jobs", query=query)


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


def _number(told: Mapping[str, Any] | None, name: str) -> float | None:
    value = (told or {}).get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
