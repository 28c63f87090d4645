from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from factories.image_data import picture, write_images
from factories.worker_data import SHARED, wine, write_dataset, write_frame
from fakes.worker_client import WorkerClient

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}


def test_a_preparation_says_which_columns_there_are(client: WorkerClient) -> None:
    polled = client.prepared({**TAGS, "predict": [["wine", "new"]]})

    assert polled["kind"] == "Poll"
    assert polled["key"] == {"collab_id": "c", "project_id": "p1"}
    assert polled["doc_id"] == "1"
    assert polled["state"] == "completed"
    assert polled["headers"]["train"]["X"] == [[column, None] for column in sorted(wine().columns.drop("target"))]
    assert polled["headers"]["train"]["y"] == [["target", label] for label in ("barbera", "barolo", "grignolino")]
    assert polled["headers"]["predict"]["y"] == []
    assert polled["schemas"]["train"]["alcohol"] == "float64"
    assert polled["metadata"]["evaluate"]["src_count"] == 40
    assert list(polled["statistics"]) == ["train"]
    assert polled["statistics"]["train"]["numeric"]["alcohol"]["count"] == 100


def test_asking_again_starts_nothing_new(client: WorkerClient) -> None:
    first = client.prepared(TAGS)

    again = client.poll(TAGS, status=201)

    assert again == {"preparation": first["preparation"], "state": "completed", "jobs": 0}


def test_changed_files_are_prepared_again(client: WorkerClient, data: Path) -> None:
    client.prepared(TAGS)
    write_frame(data, ["wine", "train"], wine()[:90])

    assert client.prepared(TAGS)["metadata"]["train"]["src_count"] == 90


def test_a_failing_preparation_says_why_and_the_next_one_still_runs(client: WorkerClient, data: Path) -> None:
    write_frame(data, ["bad"], wine()[:5].assign(target=["", *["barolo"] * 4]))

    failed = client.prepared({"train": [["bad"]]})
    good = client.prepared(TAGS)

    assert failed["state"] == "failed"
    assert failed["error"]["field"] == "bad/rows.csv"
    assert "column 'target': expected a label in every row, missing in 1" in failed["error"]["message"]
    assert "headers" not in failed
    assert good["state"] == "completed"


def test_a_failed_preparation_is_tried_again(client: WorkerClient, data: Path) -> None:
    tags = {"train": [["later"]]}
    failed = client.prepared(tags)
    write_frame(data, ["later"], wine())

    mended = client.prepared(tags)

    assert failed["error"] == {
        "message": "tags.train[0]: there is no folder 'later' in the data folder of this worker",
        "field": "tags.train[0]",
    }
    assert mended["state"] == "completed"
    assert mended["preparation"] == failed["preparation"]


def test_the_newest_preparation_is_shown_when_none_is_named(client: WorkerClient) -> None:
    client.prepared(TAGS)
    newest = client.prepared({"train": TAGS["evaluate"]})

    assert client.command("GET", "/worker/poll/c/p1", 200)["data"]["preparation"] == newest["preparation"]


@pytest.mark.parametrize("path", ["/worker/poll/c/p1", "/worker/poll/c/other?preparation=ab", "/worker/poll/d/p1"])
def test_an_unknown_preparation_is_not_found(client: WorkerClient, path: str) -> None:
    assert client.command("GET", path, 404)["success"] == 0


def test_a_preparation_of_another_project_is_not_shown(client: WorkerClient) -> None:
    mine = client.prepared(TAGS)

    client.command("GET", f"/worker/poll/c/p2?preparation={mine['preparation']}", 404)


def test_text_is_not_supported_yet_and_it_says_so(client: WorkerClient, data: Path) -> None:
    write_dataset(data, ["letters"], "text,target\n", None, metadata='{"datatype": "text"}')

    polled = client.prepared({"train": [["letters"]]})

    assert polled["error"]["message"] == "letters/metadata.json: datatype: 'text' is not one of image, tabular"


def test_a_project_has_one_type_of_data(client: WorkerClient, data: Path) -> None:
    write_images(data, ["dogs"], {"a.png": picture((6, 4), 1)}, ["1"])

    polled = client.prepared({"train": [["wine", "train"], ["dogs"]]})

    assert "expected datasets of one type, found tabular (wine/train), image (dogs)" in polled["error"]["message"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared example datasets are not there")
def test_missing_cells_and_curly_quotes_prepare_fine(client: WorkerClient, data: Path) -> None:
    shutil.copytree(SHARED / "edge_cases" / "missing_coercible_values", data / "odd")
    (data / "odd" / "metadata.json").write_text('{"datatype": "tabular"}')

    agreement = client.agree({"train": [["odd"]]})

    assert client.initialise(agreement, metas=["train"])["data"]["rows"] == {"train": 826 + 716}
