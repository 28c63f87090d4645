"""The trainings of a run, one record each, and whether its model is still of what the run asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UnsetType

from synergos.domain.keys import RunKey
from synergos.domain.outputs import Trained
from synergos.domain.records import Kind, Record, payload_of
from synergos.domain.trained_model import OUTDATED, TrainingDefinition, definition_of, figures_of
from synergos.errors import DamagedRecord
from synergos.records.store import RecordStore

_LARGE = frozenset({"feature_space", "architecture", "hyperparameters", OUTDATED})
_AGREEMENT = "agreement"


def number_of(model: Mapping[str, object]) -> int:
    """Which training a model is of; what was trained before models had versions is the first.

    Raises:
        DamagedRecord: it says none.
    """
    version: Any = model.get("version", 1)
    try:
        return int(version)
    except (TypeError, ValueError) as error:
        raise DamagedRecord("number of a training") from error


def keep(store: RecordStore, run: RunKey, outputs: Trained, trained: Mapping[str, object]) -> None:
    """Add a training to those of its run, and forget those whose files are not kept any more.

    Args:
        trained: the outputs, as JSON has them.
    """
    for before in store.find(Kind.MODEL, run):
        # What was trained before models had versions gets its place among them now.
        store.put(Kind.MODEL_VERSION, run.trained_as(number_of(before)), _in_short(payload_of(before)))
    store.put(Kind.MODEL_VERSION, run.trained_as(outputs.version), _in_short(trained))
    for version in store.find(Kind.MODEL_VERSION, run):
        if int(version["key"]["version"]) not in {*outputs.kept_versions, outputs.version}:
            store.delete(Kind.MODEL_VERSION, version["key"])


def _in_short(trained: Mapping[str, object]) -> dict[str, object]:
    """A training without what takes much room, and stands in its manifest too."""
    short = {name: value for name, value in trained.items() if name not in _LARGE}
    if isinstance(agreement := short.pop(_AGREEMENT, None), Mapping) and "version" in agreement:
        # Which one it rests on; what stands in it is kept with that.
        short[_AGREEMENT] = {"version": agreement["version"]}
    return short


def is_outdated(
    store: RecordStore, run: RunKey, definition: TrainingDefinition | UnsetType, feature_space: Mapping[str, object]
) -> bool:
    """Whether a run, its experiment or its project asks for something else by now than a model was trained from.

    Args:
        feature_space: the model's, as records have it.
    """
    if _does_something_else(store, run, feature_space):
        return True
    if isinstance(definition, UnsetType):
        return False
    now = definition_of(store.get(Kind.EXPERIMENT, run), store.get(Kind.RUN, run))
    return definition.digest != now.digest


def _does_something_else(store: RecordStore, run: RunKey, feature_space: Mapping[str, object]) -> bool:
    """Whether a model classifies, and its project regresses by now, or the other way round."""
    wanted, action = store.get(Kind.PROJECT, run).get("action"), feature_space.get("action")
    return wanted is not None and action is not None and wanted != action


def note_change(store: RecordStore, run: RunKey, before: TrainingDefinition) -> None:
    """See whether a run's model is of what it asks for, after run, experiment or project was declared anew or changed.

    A model that is not is hidden, with all that was measured on it, until it is again, or is trained anew.

    Args:
        before: what the run asked for until now.
    """
    for model in store.find(Kind.MODEL, run):
        now = definition_of(store.get(Kind.EXPERIMENT, run), store.get(Kind.RUN, run))
        # Of what was trained before models said so, all that is known is that it was shown until now.
        trained_from = model.get("definition") or msgspec.to_builtins(before)
        outdated = trained_from["digest"] != now.digest or _does_something_else(
            store, run, model.get("feature_space", {})
        )
        if outdated is not bool(model.get(OUTDATED)):
            store.merge(Kind.MODEL, run, {"definition": trained_from, OUTDATED: outdated})


def note_validation(store: RecordStore, model: Record) -> None:
    """Add to a model's figures what was measured on it."""
    run = RunKey.of(model["key"])
    found = figures_of({record["key"]["participant_id"]: record for record in store.find(Kind.VALIDATION, run)})
    before = {name: value for name, value in model.get("figures", {}).items() if name != "pooled"}
    figures = {"figures": before | found}
    store.merge(Kind.MODEL, run, figures)
    for version in store.find(Kind.MODEL_VERSION, run.trained_as(number_of(model))):
        store.merge(Kind.MODEL_VERSION, version["key"], figures)
