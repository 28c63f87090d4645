"""A model without a grid says what a worker would say, of whatever rows are given."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from factories.exported_runs import hospital_space, write_model
from factories.network_models import layer, linear
from synergos import load_model
from synergos.domain.feature_space import Action, FeatureSpace, Unseen
from synergos.errors import InvalidRequest, NotSupported, RecordNotFound, UnusableData, WireFormatError
from synergos.model.trained_model import TrainedModel

CSV = """lactate,site,ward,target
4.4,3,icu,dead
,3,normal,alive
0.1,7,,dead
9.3,,hall,alive
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_model(tmp_path / "run")


@pytest.fixture
def model(folder: Path) -> TrainedModel:
    return load_model(folder)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(CSV)
    return path


def by_hand(model: TrainedModel, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    """The probability of the second class, in plain torch."""
    space = model.space
    found = space.numeric["lactate"]
    lactate = (frame["lactate"].fillna(found.mean) - found.minimum) / (found.maximum - found.minimum)
    ward = frame["ward"].where(frame["ward"].isin(["icu", "normal"]), "normal")
    columns = [lactate, lactate * 0, ward == "icu", ward == "normal"]
    inputs = torch.tensor(np.stack([column.to_numpy(dtype=float) for column in columns], axis=1), dtype=torch.float32)
    first, second = torch.nn.Linear(4, 5), torch.nn.Linear(5, 1)
    for number, found_layer in enumerate((first, second)):
        found_layer.weight.data = model.weights[f"nnl_{number}_linear.weight"]
        found_layer.bias.data = model.weights[f"nnl_{number}_linear.bias"]
    with torch.no_grad():
        return torch.sigmoid(second(torch.relu(first(inputs)))).numpy()[:, 0]


def test_rows_are_predicted_as_plain_torch_does(model: TrainedModel, rows: Path) -> None:
    frame = pd.read_csv(rows)

    found = model.predict(rows)

    expected = by_hand(model, frame)
    np.testing.assert_allclose(found["score_dead"], expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found["score_alive"], 1 - expected, rtol=0, atol=1e-6)
    assert found["prediction"].tolist() == np.where(expected > 0.5, "dead", "alive").tolist()
    assert found[["file", "row"]].to_numpy().tolist() == [["rows.csv", number] for number in (1, 2, 3, 4)]
    assert found["note"].tolist() == ["", "", "", "ward: a level that nobody trained, counts as missing"]
    assert list(found) == ["file", "row", "prediction", "score_alive", "score_dead", "note"]


def test_a_frame_says_the_same_to_the_last_bit_and_keeps_its_index(model: TrainedModel, rows: Path) -> None:
    frame = pd.read_csv(rows).set_index(pd.Index(["a", "b", "c", "d"], name="patient"))

    found = model.predict(frame)

    written = model.predict(rows)
    assert found.index.tolist() == ["a", "b", "c", "d"]
    for name in ("prediction", "score_alive", "score_dead", "note"):
        assert found[name].tolist() == written[name].tolist()
    assert np.array_equal(model.predict_proba(frame)[:, 1], written["score_dead"].to_numpy())


@pytest.mark.parametrize(
    "as_written",
    [
        lambda frame: frame.astype({"ward": "category"}),
        lambda frame: frame.astype({"ward": object, "lactate": object}),
        lambda frame: frame.convert_dtypes(),
        lambda frame: frame.assign(ward=[" icu", "normal ", None, "“hall”"]),
        lambda frame: frame[["ward", "lactate", "site"]],
    ],
    ids=["categories", "objects", "nullable", "blanks and quotation marks", "other order"],
)
def test_how_a_frame_holds_its_values_does_not_matter(
    model: TrainedModel, rows: Path, as_written: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    frame = pd.read_csv(rows)

    assert np.array_equal(model.predict_proba(as_written(frame)), model.predict_proba(frame))


@pytest.mark.parametrize("ending", ["parquet", "feather", "csv.gz"])
def test_a_file_in_another_format_says_the_same(model: TrainedModel, rows: Path, ending: str) -> None:
    frame, other = pd.read_csv(rows), rows.with_name(f"other.{ending}")
    if ending == "csv.gz":
        frame.to_csv(other, index=False)
    else:
        getattr(frame, f"to_{ending}")(other)

    assert np.array_equal(model.predict_proba(other), model.predict_proba(rows))


def test_files_are_put_one_after_another_and_a_folder_is_read_by_the_schema_in_it(
    model: TrainedModel, tmp_path: Path
) -> None:
    lines = CSV.splitlines()
    folder = tmp_path / "data"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.csv").write_text("\n".join(lines[:3]) + "\n")
    (folder / "inner" / "b.csv").write_text("\n".join([lines[0], *lines[3:]]) + "\n")
    (folder / ".hidden.csv").write_text("nothing\n")
    (tmp_path / "all.csv").write_text(CSV)

    together = model.predict([folder / "a.csv", folder / "inner" / "b.csv"])
    assert together[["file", "row"]].to_numpy().tolist() == [["a.csv", 1], ["a.csv", 2], ["b.csv", 1], ["b.csv", 2]]
    assert together["score_dead"].tolist() == model.predict(tmp_path / "all.csv")["score_dead"].tolist()

    (folder / "schema.json").write_text(
        '{"lactate": "float64", "site": "int32", "ward": "category", "target": "category"}'
    )
    inside = model.predict(folder)
    assert inside["file"].tolist() == ["data/a.csv"] * 2 + ["data/inner/b.csv"] * 2
    assert inside["score_dead"].tolist() == together["score_dead"].tolist()


def test_a_column_that_is_not_there_is_filled_as_a_missing_cell_is_and_told(model: TrainedModel) -> None:
    lacking = pd.DataFrame({"lactate": [4.4, 1.0]})
    empty = lacking.assign(site=np.nan, ward=None)

    assert np.array_equal(model.predict_proba(lacking), model.predict_proba(empty))
    assert model.read(lacking).absent == ("site", "ward")
    assert model.columns == ("lactate", "site", "ward")


def test_other_columns_are_kept_or_left_out_when_somebody_says_so(model: TrainedModel, rows: Path) -> None:
    frame = pd.read_csv(rows).assign(patient=["007", "8", "9", ""], comment="x")

    found = model.predict(frame, keep=["patient"], ignore=["comment"])

    assert next(iter(found)) == "patient"
    assert found["patient"].tolist()[:3] == ["007", "8", "9"]
    assert found["score_dead"].tolist() == model.predict(rows)["score_dead"].tolist()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.rename(columns={"lactate": "lactat"}), "column number 1 .*; did you mean lactate"),
        (lambda frame: frame.assign(comment="secret cell"), "column number 5 is none of the model's"),
        (lambda frame: frame.rename(columns=dict(zip(frame, "abcd", strict=True))), "none of the model's columns"),
        (
            lambda frame: frame.assign(lactate=["4.4", "secret", "1", "2"]),
            "column 'lactate': 1 of 4 cells is unreadable",
        ),
        (lambda frame: frame.assign(lactate=[np.inf, 1, 1, 1]), "infinite or too large"),
        (lambda frame: frame[:0], "has no row"),
        (lambda frame: pd.concat([frame, frame[["ward"]]], axis=1), "column 'ward' is there twice"),
        (lambda frame: frame.assign(ward=[[1]] * 4), "column 'ward' holds list"),
    ],
)
def test_rows_that_cannot_be_meant_are_refused_without_a_cell(
    model: TrainedModel, rows: Path, change: Callable[[pd.DataFrame], pd.DataFrame], said: str
) -> None:
    with pytest.raises(UnusableData, match=said) as refusal:
        model.predict(change(pd.read_csv(rows)))

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(("keep", "ignore"), [(["ward"], []), ([], ["ward"]), (["nobody"], [])])
def test_an_input_is_neither_kept_nor_ignored_and_what_is_kept_is_there(
    model: TrainedModel, rows: Path, keep: Sequence[str], ignore: Sequence[str]
) -> None:
    with pytest.raises(InvalidRequest, match=r"is an input of the model|is to be kept, is not there"):
        model.predict(rows, keep=keep, ignore=ignore)


@pytest.mark.parametrize("path", ["nowhere.csv", "."])
def test_a_path_without_rows_is_named(model: TrainedModel, tmp_path: Path, path: str) -> None:
    with pytest.raises(UnusableData, match=r"there is no (such file or folder|file of rows)"):
        model.predict(tmp_path / path)


def test_rows_with_what_nobody_trained_are_refused_one_by_one_where_that_was_agreed(tmp_path: Path, rows: Path) -> None:
    model = load_model(write_model(tmp_path / "run", hospital_space(unseen=Unseen.REFUSE)))

    found = model.predict(rows)

    assert found["prediction"].isna().tolist() == [False, False, False, True]
    assert found["score_dead"].isna().tolist() == [False, False, False, True]
    assert found["note"][3] == "ward: a level that nobody trained, not predicted"


@pytest.mark.parametrize(
    ("space", "columns"),
    [
        (hospital_space(Action.REGRESS), ["prediction"]),
        (hospital_space(classes=("a", "b", "c")), ["prediction", "score_a", "score_b", "score_c"]),
        (hospital_space(classes=("only",)), ["prediction", "score_only"]),
    ],
)
def test_values_many_classes_and_one_come_back_as_such(
    tmp_path: Path, rows: Path, space: FeatureSpace, columns: list[str]
) -> None:
    model = load_model(write_model(tmp_path / "run", space))

    found = model.predict(pd.read_csv(rows).drop(columns="target")[:3])

    assert list(found) == columns
    scores = model.predict_proba(pd.read_csv(rows)[:3])
    assert scores.shape == (3, max(1, len(space.labels)))
    if len(space.labels) > 1:
        np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-6)


def test_a_participants_own_model_can_be_had_too(folder: Path, rows: Path) -> None:
    own = load_model(folder, "local_model_hospital_1")

    assert own.predict(rows)["score_dead"].tolist() != load_model(folder).predict(rows)["score_dead"].tolist()


def test_either_file_of_a_model_will_do(folder: Path, rows: Path, model: TrainedModel) -> None:
    expected = model.predict(rows)
    (folder / "global_model.pt").unlink()

    pd.testing.assert_frame_equal(load_model(folder).predict(rows), expected)


def test_a_model_that_there_is_not_is_refused_with_those_there_are(folder: Path) -> None:
    with pytest.raises(
        RecordNotFound, match=r"run has no model 'local_model_me'; it has global_model, local_model_hospital_1"
    ):
        load_model(folder, "local_model_me")


def test_dropout_and_running_statistics_are_as_in_a_prediction(tmp_path: Path, rows: Path) -> None:
    layers = [linear(4, 8, "relu"), layer("BatchNorm1d", num_features=8), layer("Dropout", p=0.5), linear(8, 1)]
    model = load_model(write_model(tmp_path / "run", layers=layers))

    alone = model.predict_proba(pd.read_csv(rows)[:1])

    assert np.array_equal(alone, model.predict_proba(pd.read_csv(rows)[:1]))
    np.testing.assert_allclose(alone, model.predict_proba(rows)[:1], atol=1e-6)


@pytest.mark.parametrize(
    ("break_it", "error"),
    [
        (lambda folder: (folder / "manifest.json").unlink(), RecordNotFound),
        (lambda folder: [path.unlink() for path in folder.glob("global_model.*")], RecordNotFound),
        (lambda folder: (folder / "global_model.pt").write_bytes(b"nothing"), WireFormatError),
        (lambda folder: (folder / "manifest.json").write_text("[]"), WireFormatError),
    ],
)
def test_a_folder_that_holds_no_model_is_refused(
    folder: Path, break_it: Callable[[Path], object], error: type[Exception]
) -> None:
    break_it(folder)

    with pytest.raises(error):
        load_model(folder)


def test_what_was_exported_in_the_first_format_can_be_used(folder: Path, rows: Path, model: TrainedModel) -> None:
    expected = model.predict(rows)
    content = dict(model.manifest)
    for name in ("run", "version", "job", "trained_at", "definition", "figures", "models", "packages"):
        content.pop(name)
    content |= {"format": 1, "participants": ["hospital_1"], "versions": {"torch": "2.13.0"}}
    space = content["feature_space"] = dict(content["feature_space"])
    space.pop("unseen")
    space |= {"X": ["lactate", "site", "ward_icu", "ward_normal"], "y": ["target_alive", "target_dead"]}
    (folder / "manifest.json").write_text(json.dumps(content))

    pd.testing.assert_frame_equal(load_model(folder).predict(rows), expected)


def test_rows_of_another_kind_of_data_are_a_workers_to_read(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="'signal' can only be read by a worker"):
        load_model(write_model(tmp_path / "run", replace(hospital_space(), datatype="signal")))


@pytest.fixture
def described(rows: Path) -> Path:
    """Rows as a participant has them: names and words of its own, which a schema says."""
    columns = {
        "patient": "id",
        "comment": "ignore",
        "Laktat": {"type": "float64", "rename": "lactate", "missing": [-9]},
        "site": "float64",
        "ward": {"type": "category", "map": {"ITS": "icu", "Normalstation": "normal"}},
        "died": "category",
    }
    schema = {"version": 1, "label": "died", "columns": columns}
    rows.with_name("schema.json").write_text(json.dumps(schema))
    own = rows.with_name("own.csv")
    own.write_text(
        "patient,comment,Laktat,site,ward,died\n007,x,4.4,3,ITS,yes\n8,x,-9,3,Normalstation,no\n9,x,0.1,7,,yes\n"
    )
    return own


def test_a_schema_beside_a_file_counts_as_at_a_worker(model: TrainedModel, described: Path, rows: Path) -> None:
    found = model.predict(described)

    assert list(found)[:4] == ["file", "row", "patient", "prediction"]
    assert found["patient"].tolist() == ["007", "8", "9"]
    expected = model.predict(pd.read_csv(rows)[:3])
    assert found["score_dead"].tolist() == expected["score_dead"].tolist()


def test_columns_that_a_schema_does_not_know_can_be_kept_and_left_out_too(model: TrainedModel, described: Path) -> None:
    frame = pd.read_csv(described, dtype=str).assign(bed=["a", "b", "c"], nurse="n")
    frame.to_csv(described, index=False)

    with pytest.raises(UnusableData, match=r"column number 7, 8 of its first line is not in its schema\.json"):
        model.predict(described)
    found = model.predict(described, keep=["bed"], ignore=["nurse"])
    assert (found["bed"].tolist(), found["patient"].tolist()) == (["a", "b", "c"], ["007", "8", "9"])
    with pytest.raises(InvalidRequest, match="keep: 'ward' is an input of the model"):
        model.predict(described, keep=["ward"])


def test_a_column_that_is_declared_as_something_else_is_refused(model: TrainedModel, described: Path) -> None:
    schema = json.loads(described.with_name("schema.json").read_text())
    schema["columns"]["Laktat"] = {"type": "date", "rename": "lactate"}
    described.with_name("schema.json").write_text(json.dumps(schema))
    described.write_text(
        described.read_text().replace("4.4", "2020-01-01").replace("0.1", "2020-01-02").replace("-9", "")
    )

    with pytest.raises(UnusableData, match=r"own\.csv: is not what the model was trained on: type of column 'lactate'"):
        model.predict(described)
