"""Requests of stages, which answer when their work is done: whoever does not wait for that is told what goes on, and how to look at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from synergos.domain.job import FINAL_STATES
from synergos.driver.errors import DriverError, Interrupted, ServerTimeout
from synergos.driver.going_on import GoingOn
from synergos.driver.request import Request
from synergos.driver.transport import Transport, route

_LOOK_SECONDS = 5.0
_MOST_LOOKED_AT = "100"


@contextmanager
def jobs_named(transport: Transport, stage: str, ids: Mapping[str, str | None]) -> Iterator[None]:
    """While a stage is waited for: have a time-out and Ctrl-C say which jobs go on.

    Args:
        stage: of the jobs that the request becomes.
        ids: of what it is about, by name; None for all there are.

    Raises:
        ServerTimeout: no answer in time.
        Interrupted: Ctrl-C.
    """
    try:
        yield
    except ServerTimeout as error:
        found = _unfinished(transport, stage, ids)
        raise ServerTimeout(f"{error.message}; {_going_on(found)}", found or ()) from error
    except KeyboardInterrupt as error:
        found = _unfinished(transport, stage, ids)
        raise Interrupted(_going_on(found), found or ()) from error


def _going_on(found: Sequence[str] | None) -> str:
    if found is None:
        return "what was asked for goes on if it had arrived: driver.jobs.read_all(order='newest', limit=5) has the newest jobs"
    if not found:
        return "no job of it is unfinished: driver.jobs.read_all(order='newest', limit=5) has the newest ones"
    return f"{'its job goes' if len(found) == 1 else 'its jobs go'} on: {GoingOn(tuple(found)).how_to_go_on()}"


def _unfinished(transport: Transport, stage: str, ids: Mapping[str, str | None]) -> list[str] | None:
    """The jobs of a stage that have not ended, oldest first; None when nobody tells."""
    query: dict[str, str] = {"stage": stage, "order": "newest", "limit": _MOST_LOOKED_AT, "fields": "state"}
    query |= {name: value for name, value in ids.items() if value is not None}
    try:
        status, body = transport.exchange(Request("GET", route("jobs"), query=query, within=_LOOK_SECONDS))
        if status != 200:
            return None
        jobs: Sequence[Mapping[str, Any]] = body["data"]
    except (DriverError, KeyError, KeyboardInterrupt):
        return None
    return [job["id"] for job in reversed(jobs) if job["state"] not in FINAL_STATES]
