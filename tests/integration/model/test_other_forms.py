"""A model in the forms of other programs says the same: ONNX of encoded rows, MLflow of raw ones."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from onnxruntime import InferenceSession
from PIL import Image

from factories.exported_runs import hospital_space, write_model
from factories.network_models import layer, linear
from fakes.naive_bayes import NaiveBayes
from synergos import load_model
from synergos.domain.feature_space import Action, FeatureSpace
from synergos.errors import NotSupported
from synergos.learning.families.layers.layer_checks import Layer
from synergos.model.mlflow_example import example_row
from synergos.model.trained_model import TrainedModel

ROWS = pd.DataFrame({"lactate": [4.4, np.nan, 0.1, 9.3], "site": 3, "ward": ["icu", "normal", None, "hall"]})
MANY = hospital_space(classes=("a", "'größer': b", "c"))
IMAGES = replace(
    hospital_space(),
    datatype="image",
    X=(),
    numeric={},
    categorical={},
    input_shape=(1, 8, 8),
    options={"size": [8, 8], "fit": "resize", "colour": "grayscale", "scaling": "unit"},
)
CASES: Mapping[str, tuple[FeatureSpace, Sequence[Layer]]] = {
    "regression": (hospital_space(Action.REGRESS), [linear(4, 5, "relu"), linear(5, 1)]),
    "two classes": (hospital_space(), [linear(4, 1, "sigmoid")]),
    "logits": (hospital_space(), [linear(4, 5, "tanh"), linear(5, 1)]),
    "many classes": (MANY, [linear(4, 5, "relu"), linear(5, 3, "softmax")]),
    "batch normalisation and dropout": (
        hospital_space(),
        [linear(4, 8, "relu"), layer("BatchNorm1d", num_features=8), layer("Dropout", p=0.5), linear(8, 1)],
    ),
    "recurrent": (MANY, [layer("LSTM", input_size=4, hidden_size=6, batch_first=True), linear(6, 3)]),
    "gated": (MANY, [layer("GRU", input_size=4, hidden_size=6, batch_first=True, num_layers=2), linear(6, 3)]),
    "embedding": (
        hospital_space(),
        [layer("Embedding", num_embeddings=4, embedding_dim=3), layer("Flatten"), linear(12, 1)],
    ),
    "layer norm": (hospital_space(), [linear(4, 8, "gelu"), layer("LayerNorm", normalized_shape=[8]), linear(8, 1)]),
    "images": (
        IMAGES,
        [
            layer("Conv2d", "relu", in_channels=1, out_channels=3, kernel_size=3),
            layer("BatchNorm2d", num_features=3),
            layer("MaxPool2d", kernel_size=2),
            layer("Flatten"),
            linear(27, 1, "sigmoid"),
        ],
    ),
}


def model_of(folder: Path, case: str) -> TrainedModel:
    space, layers = CASES[case]
    return load_model(write_model(folder, space, layers))


def inputs_of(model: TrainedModel, count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    values = np.random.default_rng(0).random((count, *model.space.input_shape))
    return values.astype(np.float32)


@pytest.mark.parametrize("case", CASES)
def test_an_onnx_file_gives_the_same_scores_for_any_number_of_rows(tmp_path: Path, case: str) -> None:
    model = model_of(tmp_path / "run", case)

    path = model.to_onnx(tmp_path / "model.onnx")

    session = InferenceSession(path)
    assert ([each.name for each in session.get_inputs()], [each.name for each in session.get_outputs()]) == (
        ["inputs"],
        ["scores"],
    )
    for count in (1, 2, 7):
        inputs = inputs_of(model, count)
        [scores] = session.run(["scores"], {"inputs": inputs})
        assert np.abs(scores - model.infer(inputs)[0]).max() <= 1e-6


def test_an_onnx_file_says_how_rows_become_its_inputs(tmp_path: Path) -> None:
    model = model_of(tmp_path / "run", "two classes")

    found = {each.key: each.value for each in onnx.load(model.to_onnx(tmp_path / "a" / "model.onnx")).metadata_props}

    assert json.loads(found["manifest.json"]) == dict(model.manifest)
    assert found["model"] == "global_model"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["model.onnx"]


def test_a_family_without_a_torch_module_has_no_onnx_form(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="no torch modules"):
        NaiveBayes().scoring(model_of(tmp_path / "run", "two classes").recipe, {})


@pytest.mark.parametrize("case", ["regression", "two classes", "many classes"])
def test_an_mlflow_folder_predicts_raw_rows_and_has_nobodys(tmp_path: Path, case: str) -> None:
    model = model_of(tmp_path / "run", case)

    folder = model.to_mlflow(tmp_path / "mlflow" / "model")

    with warnings.catch_warnings():
        # MLflow's own, of its own parts.
        warnings.simplefilter("ignore")
        import mlflow.pyfunc

        loaded = mlflow.pyfunc.load_model(str(folder))
        found = loaded.predict(ROWS.astype({"site": float}))
    pd.testing.assert_frame_equal(found, model.predict(ROWS))
    signature = loaded.metadata.signature
    assert [(each.name, each.type.name) for each in signature.inputs] == [
        ("lactate", "double"),
        ("site", "double"),
        ("ward", "string"),
    ]
    assert signature.outputs.input_names()[0] == "prediction"
    # Means and most frequent levels, as they were agreed.
    assert loaded.input_example.to_dict("records") == [{"lactate": 2.7, "site": 3.0, "ward": "normal"}]
    with pytest.raises(FileExistsError):
        model.to_mlflow(folder)


@pytest.mark.parametrize("case", ["regression", "many classes", "images"])
def test_an_mlflow_folder_is_as_mlflow_itself_would_write_it(tmp_path: Path, case: str) -> None:
    model = model_of(tmp_path / "run", case)
    (folder := model.to_mlflow(tmp_path / "model")).joinpath("pytorch", "model.pt2").rename(tmp_path / "model.pt2")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pyfunc
        from mlflow.models import Model, ModelSignature
        from mlflow.types import ColSpec, DataType, Schema

        inputs: list[Any] = [
            ColSpec(DataType.double if name in model.space.numeric else DataType.string, name, required=False)
            for name in model.columns
        ]
        predicted = DataType.float if model.space.action is Action.REGRESS else DataType.string
        scores = [ColSpec(DataType.float, f"score_{label}") for label in model.labels]
        outputs: list[Any] = [ColSpec(predicted, "prediction"), *scores]
        described = Model()
        described.add_flavor("pytorch", model_data="pytorch", pytorch_version=str(torch.__version__), code=None)
        mlflow.pyfunc.save_model(
            str(tmp_path / "theirs"),
            mlflow_model=described,
            loader_module="synergos.model.mlflow_model",
            data_path=str(folder / "data" / "model"),
            signature=ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs)),
            input_example=pd.DataFrame([example_row(model.space, model.columns)]),
            pip_requirements=[f"synergos[predict]=={version('synergos')}"],
            metadata={"synergos": {"run": model.manifest["run"], "version": model.manifest["version"]}},
        )
    ours, theirs = texts_in(folder), texts_in(tmp_path / "theirs")
    own = re.compile(
        r"^(model_uuid: [0-9a-f]{32}|utc_time_created: '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}')$", re.MULTILINE
    )
    for texts in (ours, theirs):
        assert len(own.findall(texts["MLmodel"])) == 2
        texts["MLmodel"] = own.sub("", texts["MLmodel"])
    assert ours == theirs


def texts_in(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes().decode(errors="backslashreplace") for path in files}


@pytest.mark.parametrize("case", CASES)
def test_an_mlflow_folder_has_the_network_for_any_number_of_encoded_rows(tmp_path: Path, case: str) -> None:
    model = model_of(tmp_path / "run", case)

    folder = model.to_mlflow(tmp_path / "mlflow")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pytorch

        network = mlflow.pytorch.load_model(str(folder))
    for count in (1, 2, 7):
        inputs = inputs_of(model, count)
        with torch.no_grad():
            scores = network(torch.from_numpy(inputs)).numpy()
        assert np.abs(scores - model.infer(inputs)[0]).max() <= 1e-6


def test_an_mlflow_folder_takes_pictures_by_their_paths_and_as_they_are(tmp_path: Path) -> None:
    model = model_of(tmp_path / "run", "images")
    picture = tmp_path / "grey.png"

    folder = model.to_mlflow(tmp_path / "mlflow")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pyfunc

        loaded = mlflow.pyfunc.load_model(str(folder))
        example = loaded.input_example
        picture.write_bytes(base64.b64decode(example["image"][0].partition(",")[2]))
        sent, named = loaded.predict(example), loaded.predict(pd.DataFrame({"image": [str(picture)]}))
    with Image.open(picture) as opened:
        assert (opened.size, opened.mode, opened.getextrema()) == ((8, 8), "L", (128, 128))
    pd.testing.assert_frame_equal(sent, named)
    pd.testing.assert_frame_equal(named, model.predict(pd.DataFrame({"image": [str(picture)]})))


def test_an_mlflow_folder_is_written_without_what_reads_rows_and_without_mlflow(tmp_path: Path) -> None:
    """A TTP has none of what reads rows, and to load MLflow takes longer than to write the folder."""
    run = write_model(tmp_path / "run", *CASES["images"])
    code = """
import sys
for name in ("mlflow", "pandas", "pyarrow", "PIL", "pydicom"):
    sys.modules[name] = None
from pathlib import Path
from synergos.model.stored_model import StoredModel
StoredModel(Path(sys.argv[1]), "global_model").to_mlflow(sys.argv[2])
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, run, tmp_path / "mlflow"], check=True)

    assert (tmp_path / "mlflow" / "MLmodel").is_file()
