from __future__ import annotations

from typing import Any

import pytest

from synergos.errors import InvalidRequest
from synergos.learning.families.layers.architecture_overrides import with_overrides
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.layer_checks import Layer

LAYERS = [
    Layer(is_input=True, l_type="Linear", structure={"in_features": 4, "out_features": 8}, activation="relu"),
    Layer(is_input=False, l_type="Linear", structure={"in_features": 8, "out_features": 1}, activation=None),
]


def test_layers_are_changed_as_a_run_says_and_the_experiment_is_left_alone() -> None:
    run = {"lr": 0.1, "model[0].structure.out_features": 3, "model[0].activation": "tanh"}

    changed = with_overrides(LAYERS, run)

    assert (changed[0]["structure"], changed[0]["activation"]) == ({"in_features": 4, "out_features": 3}, "tanh")
    assert changed[1] == LAYERS[1]
    assert LAYERS[0]["structure"]["out_features"] == 8


def test_a_run_without_such_keys_changes_nothing() -> None:
    assert with_overrides(LAYERS, {"lr": 0.1}) == LAYERS


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("model[2].structure.out_features", 3, "2 layers"),
        ("model[0].structure.width", 3, "width"),
        ("model[0].structure.out_features", 0, "out_features"),
        ("model[0].activation", "rleu", "relu"),
        ("model[0].l_type", "Conv2d", "expected model"),
        ("model[00].activation", "relu", "expected model"),
        ("model[-1].activation", "relu", "expected model"),
        ("model[0].structure.a.b", 1, "expected model"),
    ],
)
def test_what_no_network_has_is_refused_by_name(name: str, value: Any, named: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        with_overrides(LAYERS, {name: value})

    assert refused.value.field
    assert refused.value.field.startswith("model[")
    assert named in str(refused.value)


def test_a_run_keeps_them_and_a_misspelt_one_is_refused_when_it_is_declared() -> None:
    run = LayersHyperparameters.from_run({"rounds": 2, "model[0].structure.out_features": 3})

    assert LayersHyperparameters.from_dict(run.to_dict()).extras["model[0].structure.out_features"] == 3
    with pytest.raises(InvalidRequest, match=r"^model\[0\]\.size: "):
        LayersHyperparameters.from_run({"model[0].size": 3})
