"""Levels and labels that no training row had: their rows are told, and all others are what they are without them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factories.worker_data import write_dataset
from fakes.worker_client import RUN, WorkerClient, blob_of, message_in
from synergos.domain.feature_space import Unseen

SCHEMA = {"age": "float64", "sex": "category", "target": "category"}
TRAIN = "".join(f"{age},{'fm'[age % 2]},{'no' if age < 50 else 'yes'}\n" for age in range(30, 70))
SOME = "31,f,no\n65,m,yes\n66,m,no\n"
HEADER = "age,sex,target\n"


def predictions(
    client: WorkerClient, data: Path, body: str, unseen: str
) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """The lines of the predictions file, and what the worker answers."""
    write_dataset(data, ["train"], HEADER + TRAIN, SCHEMA)
    write_dataset(data, ["new"], HEADER + body, SCHEMA)
    agreed = client.agree({"train": [["train"]], "evaluate": [["new"]]})
    agreement = replace(agreed, space=replace(agreed.space, unseen=Unseen(unseen)))
    opened = client.initialise(agreement, hyperparameters=RUN | {"criterion": "BCELoss"})
    weights, metadata = message_in(client.data("PUT", "rounds/0", blob_of(agreement.weights())), agreement.weights())
    client.data("PUT", "model", blob_of(weights))
    result: dict[str, Any] = client.predict("evaluate")["data"]["results"]["evaluate"]
    text = (Path(result["res_path"]).parent / "predictions_evaluate.csv").read_text()
    client.terminate()
    return list(csv.DictReader(text.splitlines())), {
        **result,
        "evaluation": metadata["evaluation"],
        "opened": opened["data"],
    }


@pytest.mark.parametrize("unseen", ["missing", "refuse"])
def test_the_other_rows_are_predicted_and_measured_as_without_them(
    client: WorkerClient, data: Path, unseen: str
) -> None:
    plain, without = predictions(client, data, SOME, unseen)
    noted, with_one = predictions(client, data, SOME + "40,x,no\n41,f,perhaps\n", unseen)

    same = ("prediction", "score_no", "score_yes")
    assert [[row[name] for name in same] for row in noted[:3]] == [[row[name] for name in same] for row in plain]
    assert "note" not in plain[0]
    assert [row["note"] for row in noted[:3]] == ["", "", ""]
    assert "never_trained" not in without
    if unseen == "refuse":
        assert with_one["statistics"] == without["statistics"]
        assert with_one["evaluation"] == without["evaluation"]


def test_a_level_that_nobody_trained_counts_as_missing_and_its_row_is_told(client: WorkerClient, data: Path) -> None:
    [row, missing], answer = predictions(client, data, "40,x,no\n40,,no\n", "missing")

    assert row["prediction"] == missing["prediction"]
    assert row["score_yes"] == missing["score_yes"]
    assert row["note"] == "sex: a level that nobody trained, counts as missing"
    assert missing["note"] == ""
    assert answer["never_trained"] == {
        "sex": {"treated": "counts as missing", "rows": 1, "which": [{"file": "new/rows.csv", "row": 1}]}
    }


def test_where_it_is_refused_its_row_alone_is_not_predicted(client: WorkerClient, data: Path) -> None:
    [row, other], answer = predictions(client, data, "40,x,no\n40,m,no\n", "refuse")

    assert [row["prediction"], row["score_no"], row["score_yes"]] == ["", "", ""]
    assert row["note"] == "sex: a level that nobody trained, not predicted"
    assert other["prediction"]
    assert answer["never_trained"]["sex"]["treated"] == "not predicted"
    assert answer["evaluation"]["rows"] == answer["opened"]["measurable"]["evaluate"] == 1


def test_a_row_with_a_label_that_nobody_trained_is_predicted_and_not_measured(client: WorkerClient, data: Path) -> None:
    [row, _], answer = predictions(client, data, "40,f,perhaps\n41,f,no\n", "missing")

    assert row["prediction"]
    assert row["note"] == "target: a label that nobody trained, not measured"
    assert answer["evaluation"]["rows"] == answer["opened"]["measurable"]["evaluate"] == 1
    assert answer["opened"]["rows"]["evaluate"] == 2
    assert sum(answer["statistics"]["TPs"]) + sum(answer["statistics"]["FNs"]) == 1


def test_rows_none_of_which_can_be_measured_are_predicted_all_the_same(client: WorkerClient, data: Path) -> None:
    [row], answer = predictions(client, data, "40,f,perhaps\n", "missing")

    assert row["prediction"]
    assert answer["evaluation"] is None
    assert answer["opened"]["measurable"] == {"evaluate": 0}
    assert answer["statistics"]["accuracy"] == [None, None]
