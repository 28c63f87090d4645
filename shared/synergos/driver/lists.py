"""What a list is asked with: how much of it, in which order, which items, and which of their fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict


class Page(TypedDict, total=False):
    """What every list can be asked with; None says nothing.

    Attributes:
        limit: at most so many items, 1 to 1000.
        cursor: go on after an earlier answer, whose ``next`` it is.
        order: by when they were made; the oldest first unless the newest are.
        before: as ``cursor``, with the newest first.
        relations: how much of what hangs under each: ``full``, ``counts`` or ``none``.
        fields: names of those of each item that are wanted, beside what identifies it.
    """

    limit: int | None
    cursor: str | None
    order: Literal["oldest", "newest"] | None
    before: str | None
    relations: str | None
    fields: str | Sequence[str] | None


class OfCollaboration(Page, total=False):
    """… and of one collaboration."""

    collab_id: str | None


class OfProject(Page, total=False):
    """… and of one project."""

    project_id: str | None


class OfRegistration(OfCollaboration, OfProject, total=False):
    """… and of one participant in it."""

    participant_id: str | None


class OfExperiment(Page, total=False):
    """… and of one experiment."""

    expt_id: str | None


class OfParticipant(Page, total=False):
    """… and of one participant."""

    participant_id: str | None


class OfRun(Page, total=False):
    """… and of one run."""

    run_id: str | None


class OfTrial(OfParticipant, OfRun, total=False):
    """… and of one trial, or one participant."""


class OfAnything(OfCollaboration, OfProject, OfExperiment, OfTrial, total=False):
    """… and of anything."""


class OfJob(OfAnything, total=False):
    """… and, of jobs, in one state, of one stage, or asked for in one trace."""

    state: str | None
    stage: str | None
    trace_id: str | None


class OfHistory(TypedDict, total=False):
    """Which part of a job's history is wanted; None says nothing.

    Attributes:
        after: what comes after this event, or this round.
        limit: at most so many, 1 to 1000; the answer's ``next`` is the ``after`` of those that follow.
        attempt: of one attempt only, counted from 1.
    """

    after: int | None
    limit: int | None
    attempt: int | None


def query(choices: Mapping[str, Any]) -> dict[str, str]:
    """The query parameters that say so; None says nothing."""
    return {name: _text(value) for name, value in choices.items() if value is not None}


def _text(value: str | int | Sequence[str]) -> str:
    return str(value) if isinstance(value, str | int) else ",".join(value)
