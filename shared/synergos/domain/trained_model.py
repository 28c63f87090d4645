"""What is known of a trained model beside its weights: what it was asked for, who trained it, and how good it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Struct, UnsetType
from msgspec import Meta as Limits

from synergos.domain.agreement import Agreement
from synergos.domain.records import Record, payload_of
from synergos.domain.tags import Purpose

DEFAULT_FAMILY = "layers"
"""The family of an experiment that names none."""

OUTDATED = "is_outdated"
"""The field of a Model record that is true as long as its run, or its experiment, asks for something else by now."""

Count = Annotated[int, Limits(ge=0)]
VersionNumber = Annotated[int, Limits(ge=1)]


class TrainingDefinition(Struct, frozen=True, kw_only=True):
    """What a model was trained from, as it was declared then.

    Attributes:
        digest: SHA-256 of the rest, in hexadecimal digits: equal for equal definitions and no others.
        experiment: ``family`` and ``model``.
        run: every key of the run.
    """

    digest: str
    experiment: Mapping[str, object]
    run: Mapping[str, object]


class TrainedParticipant(Struct, frozen=True, kw_only=True):
    """Somebody whose rows a model was trained with.

    Attributes:
        rows: by purpose.
    """

    id: str
    rows: Mapping[str, Count] = {}


class TrainedDataset(Struct, frozen=True, kw_only=True):
    """A dataset that a model was trained with, or measured on while it was.

    Attributes:
        tag: its folder at its participant.
        fingerprint: of what was in it, by a key of the participant's own: another one means that something has changed since, and
            none tells what there is. None where the participant's worker does not give one.
    """

    tag: tuple[str, ...]
    fingerprint: str | None = None


Datasets = Mapping[str, Mapping[Purpose, tuple[TrainedDataset, ...]]]
"""By participant and purpose."""


class Limited(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How little of what a participant sent has counted, so that it did not decide the model alone.

    Attributes:
        rows: for training that it says it has, where it counted as fewer.
        counted: as so many.
        rounds: how many its update was shortened in.
        least: the smallest part of an update that counted.
        reason: for that part, in words.
    """

    rows: Count | UnsetType = UNSET
    counted: Count | UnsetType = UNSET
    rounds: Count = 0
    least: float = 1.0
    reason: str | UnsetType = UNSET


class Figures(Struct, frozen=True, kw_only=True):
    """How good a model is.

    Attributes:
        rounds: how many were run.
        best_round: the one that the model is of, counted from 0.
        train_loss: of that round, over all participants.
        evaluate_loss: of the model after that round, over all participants with evaluation rows.
        validation: by participant, once there was one: ``statistics``, and what else is told of them.
        pooled: of all participants that were measured together.
    """

    rounds: Count
    best_round: Count
    train_loss: float | None = None
    evaluate_loss: float | None = None
    validation: Mapping[str, Mapping[str, object]] = {}
    pooled: Mapping[str, object] | UnsetType = UNSET


class Training(Struct, frozen=True, kw_only=True):
    """Where a model comes from.

    What was trained before models had versions has none of this but the number 1.

    Attributes:
        version: counts the trainings of a run from 1.
        job: the id of the job that trained it.
        trained_at: aware.
        agreement: what came of the alignment that it rests on; nothing by which data could be known again.
        limited: by participant, of whom less has counted than it sent; unset where there is nobody.
    """

    version: VersionNumber = 1
    job: str | UnsetType = UNSET
    trained_at: datetime | UnsetType = UNSET
    definition: TrainingDefinition | UnsetType = UNSET
    participants: tuple[TrainedParticipant, ...] = ()
    figures: Figures | UnsetType = UNSET
    agreement: Agreement | UnsetType = UNSET
    limited: Mapping[str, Limited] | UnsetType = UNSET


def definition_of(experiment: Record, run: Record) -> TrainingDefinition:
    """What a run asks for now.

    Args:
        experiment: its record.
        run: its record; a key that is null counts as absent.
    """
    asked = {"family": experiment.get("family") or DEFAULT_FAMILY, "model": experiment["model"]}
    keys = {name: value for name, value in sorted(payload_of(run).items()) if value is not None}
    text = json.dumps([asked, keys], sort_keys=True, separators=(",", ":"))
    return TrainingDefinition(digest=hashlib.sha256(text.encode()).hexdigest(), experiment=asked, run=keys)


_TOLD = ("statistics", "classes", "overall", "reasons")


def figures_of(validations: Mapping[str, Record]) -> dict[str, object]:
    """What a model's figures have of validations: how good it is, and nothing of where that lies or of single rows.

    Args:
        validations: by participant, as their records have them.
    """
    measured = {who: found["evaluate"] for who, found in validations.items()}
    told = {who: {name: found[name] for name in _TOLD if name in found} for who, found in measured.items()}
    pooled = [found.get("pooled") for found in validations.values()]
    # One participant that was measured later is in no figure of all.
    if not pooled or not pooled[0] or any(found != pooled[0] for found in pooled):
        return {"validation": told}
    # Curves are as long as all else; who wants them reads the validation.
    return {"validation": told, "pooled": {name: value for name, value in pooled[0].items() if name != "curves"}}
