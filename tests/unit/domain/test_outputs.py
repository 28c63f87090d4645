"""What stages leave crosses the queue as JSON, and is checked where it arrives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from factories.outputs import SPACE, aligned, measured, predicted, trained, validated
from synergos.domain.agreement import Agreement, Share
from synergos.domain.job import Stage
from synergos.domain.outputs import TRAINED, Checked, Outputs, read_outputs, write_outputs
from synergos.errors import InvalidRequest

STATISTICS = measured("/out/s.json", accuracy=[0.5, None], TPs=[1, 2], R2=None)
ALIGNED = aligned("w", fitted={"e": [{"l_type": "Linear"}]}, missing=[3])
EXAMPLES: dict[Stage, Outputs] = {
    Stage.CHECK: Checked(
        agreement=Agreement(participants={"w": Share(inputs=("age",))}),
        feature_space=SPACE,
        missing_columns=ALIGNED.missing_columns,
    ),
    Stage.PREPROCESS: ALIGNED,
    Stage.TRAIN: trained(),
    Stage.VALIDATE: validated(w=STATISTICS),
    Stage.PREDICT: predicted("w", STATISTICS),
}


@pytest.mark.parametrize("stage", Stage)
def test_outputs_come_out_of_the_queue_as_they_went_in(stage: Stage) -> None:
    crossing = json.dumps(write_outputs(EXAMPLES[stage]))

    assert json.dumps(write_outputs(read_outputs(stage, json.loads(crossing)))) == crossing


def test_outputs_have_the_form_that_records_and_messages_had() -> None:
    export = {"origin": "w", "path": "local.pt", "loss_history": "local.json"}
    model = {**write_outputs(trained()), "local_1": export}

    assert json.loads(json.dumps(write_outputs(TRAINED.read(model)))) == {
        "global": {
            "origin": "ttp",
            "path": "/outputs/c/p/e/r/global_model.pt",
            "loss_history": "/outputs/c/p/e/r/global_loss_history.json",
        },
        "local_1": export,
        "architecture": ["fitted"],
        "feature_space": json.loads(json.dumps(SPACE.to_dict())),
        "hyperparameters": {"rounds": 2},
        "version": 1,
        "participants": [],
        "kept_versions": [],
    }
    written = {"statistics": {"accuracy": [0.5, None], "TPs": [1, 2], "R2": None}, "res_path": "/out/s.json"}
    assert write_outputs(EXAMPLES[Stage.VALIDATE]) == {"w": {"evaluate": written}}
    assert json.loads(json.dumps(write_outputs(EXAMPLES[Stage.PREDICT]))) == {
        "w": {"predict": written, "tags": {"predict": [["n"]]}, "alignment": {"predict": {"X": [1], "y": []}}}
    }


@pytest.mark.parametrize(
    ("stage", "change", "message"),
    [
        (
            Stage.PREPROCESS,
            {"spacers": {"secret": {"train": {"X": [-1]}}}},
            "spacers.*.train.X[0]: expected at least 0",
        ),
        (Stage.PREPROCESS, {"rows": {"secret": "many"}}, "rows.*: expected a whole number"),
        (Stage.TRAIN, {"local_1": {"origin": "secret"}}, "*.path: is required"),
        (Stage.TRAIN, {"secret": {}}, "body: has a field that is not known"),
        (
            Stage.VALIDATE,
            {"secret": {"evaluate": {"statistics": {"R2": "secret"}}}},
            "*.evaluate.statistics.*: expected",
        ),
        (Stage.VALIDATE, {"secret": {}}, "*.evaluate: is required"),
        (Stage.PREDICT, {"w": {"predict": 3}}, "*.predict: expected an object"),
    ],
)
def test_other_outputs_are_refused_without_being_repeated(stage: Stage, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_outputs(stage, write_outputs(EXAMPLES[stage]) | change)

    assert str(refused.value).startswith(message)
    assert "secret" not in str(refused.value)
