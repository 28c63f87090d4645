"""What a run was trained with, be it that it says something else by now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import chain
from typing import Any

from synergos_portal.orchestrator import jobs
from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.cycle import results
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.jobs import Round
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.orchestrator.results import losses

_NOT_TOLD = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


@dataclass(frozen=True)
class Trained:
    """The newest training of a run.

    Attributes:
        is_current: whether its model is shown as the run's.
        said: the hyperparameters that the run said when it was trained.
        hyperparameters: all of them, those that were not said included, where they are told.
        figures: rounds, losses, and the statistics of a validation.
    """

    version: int
    is_current: bool
    trained_at: str | None
    job: str | None
    said: Mapping[str, Any]
    hyperparameters: Mapping[str, Any]
    figures: Mapping[str, Any] = field(default_factory=dict)


def newest(client: Client, run: Spot) -> Trained | None:
    """The newest training of a run; None where it was never trained."""
    found = results(
        client, "train", *run.project, "models", *run.ids[2:], "versions", query={"limit": 1, "order": "newest"}
    )
    return _trained(found[0]) if found else None


def validations(client: Client, run: Spot) -> list[dict[str, Any]]:
    """What was measured of a run's model, by participant."""
    return results(client, "evaluate", *run.project, "validations", *run.ids[2:], query={})


def rounds(client: Client, run: Spot, model: Trained, after: int = 0) -> Iterator[Round]:
    """What the rounds of a training have lost, those after one of them.

    Its job tells it, by participant too; of a job that tells nothing any more, the file that the training has left.
    """
    of_job = iter(()) if model.job is None else jobs.rounds(client, model.job, after)
    try:
        first = next(of_job, None)
    except Refused as error:
        if error.status not in _NOT_TOLD:
            raise
        first = None
    return _of_file(client, run, model, after) if first is None else chain([first], of_job)


def all_rounds(client: Client, run: Spot, model: Trained) -> list[Round]:
    """What all rounds of a training have lost: of very many a job keeps some, and the file has all."""
    found = {each.round: each for each in _of_file(client, run, model, after=0)}
    found |= {each.round: each for each in rounds(client, run, model)}
    return [found[number] for number in sorted(found)]


def _of_file(client: Client, run: Spot, model: Trained, after: int) -> Iterator[Round]:
    try:
        found = losses(client, run, None if model.is_current else model.version)
    except Refused as error:
        if error.status not in _NOT_TOLD:
            raise
        found = {}
    train, evaluate = found.get("train", {}), found.get("evaluate", {})
    # Rounds are counted from 0 there.
    for number in sorted(each + 1 for each in {*train, *evaluate}):
        if number > after:
            yield Round(number, 1, train=train.get(number - 1), evaluate=evaluate.get(number - 1))


def _trained(record: Mapping[str, Any]) -> Trained:
    key = record.get("key") or {}
    return Trained(
        version=int(key.get("version") or record.get("version") or 0),
        is_current=bool(record.get("is_current")),
        trained_at=record.get("trained_at"),
        job=record.get("job"),
        said=(record.get("definition") or {}).get("run") or {},
        hyperparameters=record.get("hyperparameters") or {},
        figures=record.get("figures") or {},
    )
