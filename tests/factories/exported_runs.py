"""Folders of trained runs, written as a TTP writes them, without a training."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from factories.feature_spaces import features, labels
from factories.network_models import linear, recipe
from synergos.domain.feature_space import Action, CategoricalColumn, FeatureSpace, NumericColumn, Unseen
from synergos.domain.keys import RunKey
from synergos.domain.loss_history import LossHistory
from synergos.domain.trained_model import Figures, TrainedParticipant, Training, definition_of
from synergos.learning.exports import write_run
from synergos.learning.families.layers.layer_checks import Layer
from synergos.learning.families.layers.network import build_network

RUN = RunKey("c", "p", "e", "r")


def hospital_space(
    action: Action = Action.CLASSIFY, classes: Sequence[str] = ("alive", "dead"), unseen: Unseen = Unseen.MISSING
) -> FeatureSpace:
    """A column of numbers, one that is constant, and a category."""
    return FeatureSpace(
        datatype="tabular",
        action=action,
        X=features("lactate", "site", "ward=icu", "ward=normal"),
        y=labels() if action is Action.REGRESS else labels(*classes),
        input_shape=(4,),
        numeric={"lactate": NumericColumn(0.1, 9.3, 2.7), "site": NumericColumn(3.0, 3.0, 3.0)},
        categorical={"ward": CategoricalColumn(("icu", "normal"), "normal")},
        unseen=unseen,
    )


def write_model(
    folder: Path,
    space: FeatureSpace | None = None,
    layers: Sequence[Layer] | None = None,
    seed: int = 1,
    **run: Any,
) -> Path:
    """A run with a global model and one participant's own."""
    space = space or hospital_space()
    last = "" if space.action is Action.REGRESS else "sigmoid"
    layers = layers or [linear(4, 5, "relu"), linear(5, space.outputs, last)]
    asked = {"rounds": 2, "lr": 0.5, **run}
    write_run(
        folder,
        recipe=recipe(layers, space, **asked),
        global_weights=build_network(layers, seed).state_dict(),
        local_weights={"hospital_1": build_network(layers, seed + 1).state_dict()},
        history=LossHistory(),
        run=RUN,
        training=Training(
            job="j1",
            trained_at=datetime(2026, 11, 25, 12, tzinfo=UTC),
            definition=definition_of({"model": list(layers)}, asked),
            participants=(TrainedParticipant(id="hospital_1", rows={"train": 30}),),
            figures=Figures(rounds=2, best_round=1),
        ),
    )
    return folder
