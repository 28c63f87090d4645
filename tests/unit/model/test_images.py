"""An image model without a grid: files, folders and frames of paths, by the options that were agreed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from factories.exported_runs import write_model
from factories.feature_spaces import labels
from factories.image_data import picture, write_images
from factories.network_models import layer, linear
from synergos import load_model
from synergos.domain.feature_space import Action, FeatureSpace
from synergos.errors import UnusableData
from synergos.model.trained_model import TrainedModel

SPACE = FeatureSpace(
    datatype="image",
    action=Action.CLASSIFY,
    X=(),
    y=labels("cat", "dog"),
    input_shape=(3, 8, 8),
    options={"size": [8, 8], "fit": "pad", "colour": "rgb", "scaling": "unit"},
)
LAYERS = [layer("Conv2d", "relu", in_channels=3, out_channels=2, kernel_size=3), layer("Flatten"), linear(72, 1)]


@pytest.fixture
def model(tmp_path: Path) -> TrainedModel:
    return load_model(write_model(tmp_path / "run", SPACE, LAYERS))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    pictures = {f"{name}.png": picture((8, 8, 3), seed) for seed, name in enumerate("cab")}
    return write_images(tmp_path, ["images"], pictures, ["cat", "dog", "cat"])


def test_images_are_predicted_however_they_are_named(model: TrainedModel, images: Path) -> None:
    by_folder = model.predict(images)

    assert list(by_folder) == ["file", "row", "prediction", "score_cat", "score_dog"]
    assert by_folder["file"].tolist() == ["images/c.png", "images/a.png", "images/b.png"], "in the order of the mapping"
    paths = [images / f"{name}.png" for name in "cab"]
    assert model.predict(paths)["score_dog"].tolist() == by_folder["score_dog"].tolist()
    assert model.predict(images / "mapping.csv")["score_dog"].tolist() == by_folder["score_dog"].tolist()
    frame = pd.DataFrame({"image": map(str, paths), "patient": ["x", "y", None]}, index=[7, 8, 9])
    by_frame = model.predict(frame, keep=["patient"])
    assert by_frame["score_dog"].tolist() == by_folder["score_dog"].tolist()
    assert (by_frame.index.tolist(), by_frame["patient"].tolist()[:2]) == ([7, 8, 9], ["x", "y"])


def test_without_a_mapping_all_images_of_a_folder_are_meant(model: TrainedModel, images: Path) -> None:
    (images / "mapping.csv").unlink()

    assert model.predict(images)["file"].tolist() == ["images/a.png", "images/b.png", "images/c.png"]


def test_sizes_colours_and_scaling_are_the_models(model: TrainedModel, images: Path) -> None:
    picture((16, 8)).save(images / "tall.png")
    metadata = {"datatype": "image", "operations": {"size": [8, 8], "fit": "pad"}}
    (images / "metadata.json").write_text(json.dumps(metadata))

    read = model.read(images / "tall.png")

    assert read.inputs.shape == (1, 3, 8, 8)
    assert read.inputs.max() <= 1.0
    assert np.array_equal(read.inputs[0, 0], read.inputs[0, 1]), "grey is as red as it is green"
    assert not read.inputs[0, 0, :, 0].any(), "padded, not stretched"


@pytest.mark.parametrize(
    "operations", [None, {}, {"size": None}, {"colour": "rgb"}], ids=["no metadata", "none", "no size", "colour alone"]
)
def test_an_image_of_another_size_is_refused_unless_its_owner_has_it_made_to_fit(
    model: TrainedModel, images: Path, operations: dict[str, object] | None
) -> None:
    (images / "metadata.json").unlink(missing_ok=True)
    if operations is not None:
        (images / "metadata.json").write_text(json.dumps({"datatype": "image", "operations": operations}))
    picture((16, 8, 3)).save(images / "a.png")

    for rows in (images, images / "a.png", pd.DataFrame({"image": [str(images / "a.png")]})):
        with pytest.raises(
            UnusableData, match=r"a\.png: is 16x8, and the model takes 8x8; expected images of that size"
        ):
            model.predict(rows)
    assert len(model.predict([images / "b.png", images / "c.png"])) == 2


@pytest.mark.parametrize(
    ("operations", "said"),
    [
        (
            {"size": [4, 4]},
            r"images/metadata\.json: operations\.size is \[4, 4\], and the model was trained with \[8, 8\]",
        ),
        ({"size": [8, 8], "fit": "resize"}, r"operations\.fit is .resize., and the model was trained with .pad."),
    ],
)
def test_what_a_folder_asks_for_has_to_be_what_the_model_was_trained_with(
    model: TrainedModel, images: Path, operations: dict[str, object], said: str
) -> None:
    (images / "metadata.json").write_text(json.dumps({"datatype": "image", "operations": operations}))

    with pytest.raises(UnusableData, match=said):
        model.predict(images)


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("image\n../secret.png\n", "row 1: expected the path of a file in its folder"),
        ("image\na.png\nnobody.png\n", "row 2: expected the path"),
        ("picture\na.png\n", "expected the header image,target"),
        ("image,target\na.png,x\na.png,x,\n", "line 3 has more cells than its header line"),
        ("image\n", "has no row"),
    ],
)
def test_a_mapping_that_leads_elsewhere_is_refused(model: TrainedModel, images: Path, mapping: str, said: str) -> None:
    picture((8, 8, 3)).save(images.parent / "secret.png")
    (images / "mapping.csv").write_text(mapping)

    with pytest.raises(UnusableData, match=said) as refusal:
        model.predict(images)

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame({"picture": ["a.png"]}), "expected the columns image"),
        (pd.DataFrame({"image": ["a.png"], "more": [1]}), "column number 2 is not known"),
        (pd.DataFrame({"image": ["nobody.png"]}), "there is no such file"),
    ],
)
def test_a_frame_that_names_no_images_is_refused(model: TrainedModel, frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(UnusableData, match=said):
        model.predict(frame)


def test_a_file_that_is_no_image_is_named(model: TrainedModel, images: Path) -> None:
    (images / "a.png").write_bytes(b"nothing")

    with pytest.raises(UnusableData, match=r"images/a\.png: is no image"):
        model.predict(images)
