from __future__ import annotations

from typing import Any

import pytest

from factories.feature_spaces import columns, features, labels, prepared
from factories.network_models import layer, linear
from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.preparation import Prepared, TableMetadata
from synergos.domain.tags import Purpose
from synergos.errors import Conflict, InvalidRequest
from synergos.learning.families.layers.fit_to_feature_space import fit_layers
from synergos.learning.feature_space_agreement import drift, feature_space

OPTIONS = {"size": [28, 28], "fit": "resize", "colour": "grayscale", "scaling": "unit"}


def said(classes: str = "ab", shape: Any = (1, 28, 28), **options: object) -> dict[str, Any]:
    metadata = {"_type": "image", "src_count": 5, "shape": list(shape), "options": OPTIONS | options}
    return {
        "headers": {"train": columns([], labels(*classes))},
        "schemas": {"train": {"target": "category"}},
        "metadata": {"train": metadata},
        "statistics": {"train": {}},
    }


def images(*arguments: Any, **options: Any) -> Prepared:
    return prepared(said(*arguments, **options))


def test_the_space_of_images_has_their_shape_all_labels_and_the_options() -> None:
    space, alignment = feature_space({"p1": images("ab"), "p2": images("bc")}, Action.CLASSIFY)

    assert (space.datatype, space.X, space.input_shape) == ("image", (), (1, 28, 28))
    assert space.labels == ("a", "b", "c")
    assert space.options == OPTIONS
    assert alignment.missing_columns == {"p1": {"train": {"X": [], "y": [2]}}, "p2": {"train": {"X": [], "y": [0]}}}
    assert FeatureSpace.from_dict(space.to_dict()) == space


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        ({"colour": "rgb", "shape": (3, 28, 28)}, r"operations\.colour: is rgb for p2 \(train\) and grayscale for p1"),
        ({"size": [32, 32], "shape": (1, 32, 32)}, r"operations\.size: is \[32, 32\] for p2 \(train\) and \[28, 28\]"),
        ({"scaling": "none"}, r"operations\.scaling: is none for p2"),
        ({"shape": (1, 28, 27)}, r"operations\.shape"),
    ],
)
def test_participants_whose_options_differ_are_named(other: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidRequest, match=complaint):
        feature_space({"p1": images(), "p2": images(**other)}, Action.CLASSIFY)


def test_sets_of_one_participant_whose_options_differ_are_named() -> None:
    mine = said()
    mine["headers"]["evaluate"] = columns([], labels("a"))
    mine["metadata"]["evaluate"] = said(fit="pad")["metadata"]["train"]

    with pytest.raises(
        InvalidRequest, match=r"operations\.fit: is pad for p1 \(evaluate\) and resize for p1 \(train\)"
    ):
        feature_space({"p1": prepared(mine)}, Action.CLASSIFY)


@pytest.mark.parametrize("broken", [{"shape": (28, 28)}, {"shape": (1, 0, 28)}, {"shape": "abc"}])
def test_metadata_without_a_shape_are_none(broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"metadata\.train\.shape"):
        images(**broken)


def test_without_auto_align_labels_must_be_equal() -> None:
    with pytest.raises(Conflict, match="p1 train lacks 1 label"):
        feature_space({"p1": images("ab"), "p2": images("abc")}, Action.CLASSIFY, auto_align=False)


def test_drift_says_what_differs_and_what_was_agreed() -> None:
    space, _ = feature_space({"p1": images()}, Action.CLASSIFY)

    header = columns([], labels("a"))
    assert drift(header, images().metadata[Purpose.TRAIN], space) == []
    assert drift(header, images(fit="pad").metadata[Purpose.TRAIN], space) == ["fit pad (agreed: resize)"]
    assert drift(header, TableMetadata(datatype="tabular", rows=5), space) == ["datatype tabular (agreed: image)"]


def test_a_space_stored_before_there_were_options_can_be_read() -> None:
    stored = FeatureSpace("tabular", Action.REGRESS, features("x"), labels(), (1,)).to_dict()
    del stored["options"]

    assert FeatureSpace.from_dict(stored).options == {}


@pytest.mark.parametrize(
    ("layers", "fitted"),
    [
        (
            [layer("Conv2d", "relu", in_channels=3, out_channels=4, kernel_size=3), layer("Flatten"), linear(1, 9)],
            {0: ("in_channels", 1), 2: ("in_features", 4 * 26 * 26)},
        ),
        (
            [layer("Flatten", start_dim=1, end_dim=2), layer("LSTM", input_size=1, hidden_size=6), linear(1, 9)],
            {1: ("input_size", 28), 2: ("in_features", 6)},
        ),
        (
            [layer("Flatten"), layer("Embedding", num_embeddings=256, embedding_dim=2), layer("Flatten"), linear(1, 9)],
            {3: ("in_features", 28 * 28 * 2)},
        ),
        (
            [layer("BatchNorm2d", num_features=7), layer("Flatten"), linear(1, 9)],
            {0: ("num_features", 1), 2: ("in_features", 784)},
        ),
    ],
)
def test_networks_are_fitted_to_images(layers: list[Any], fitted: dict[int, tuple[str, int]]) -> None:
    space, _ = feature_space({"p1": images("abc")}, Action.CLASSIFY)

    result = fit_layers(layers, space)

    assert {index: (key, result[index]["structure"][key]) for index, (key, _) in fitted.items()} == fitted
    assert result[-1]["structure"]["out_features"] == 3
