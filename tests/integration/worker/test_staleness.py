"""Data that changes after the alignment is refused before it is used, whatever it looks like from outside."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factories.worker_data import wine, write_frame
from fakes.worker_client import Agreement, WorkerClient

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}


@pytest.fixture
def digests(client: WorkerClient) -> dict[str, Any]:
    # Without a preparation: each test has its project's first one itself.
    return _fingerprints(client)


def _fingerprints(client: WorkerClient) -> dict[str, Any]:
    path = f"/worker/fingerprints/c/{client.project}"
    found: dict[str, Any] = client.command("POST", path, 200, {"tags": TAGS})["data"]["digests"]
    return found


def _altered(path: Path) -> None:
    """Another digit in one cell, the same size, and the time of modification put back."""
    status, text = path.stat(), path.read_text()
    lines = text.splitlines(keepends=True)
    lines[1] = ("8" if lines[1][0] != "8" else "9") + lines[1][1:]
    path.write_text("".join(lines))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size


@pytest.mark.parametrize("purpose", ["train", "evaluate"])
def test_one_cell_more_is_a_conflict_that_names_the_tag(
    client: WorkerClient, data: Path, digests: dict[str, Any], purpose: str
) -> None:
    agreement = client.agree(TAGS)
    client.initialise(agreement, digests=digests)
    client.terminate()
    _altered(data / "wine" / purpose / "rows.csv")

    opened = client.initialise(agreement, status=409, digests=digests)
    aligned = client.command("POST", "/worker/align/c/p1", 409, agreement.body() | {"digests": digests})

    for answer in (opened, aligned):
        assert answer["message"] == (
            f"{purpose}: the data in wine/{purpose} has changed since the alignment; align the project again"
        )


def test_a_session_that_does_not_need_what_changed_is_opened(
    client: WorkerClient, data: Path, digests: dict[str, Any]
) -> None:
    agreement = client.agree(TAGS)
    _altered(data / "wine" / "train" / "rows.csv")

    client.initialise(agreement, metas=["evaluate"], digests={"evaluate": digests["evaluate"]})


def test_data_that_became_unreadable_has_changed_before_anything_else(
    client: WorkerClient, data: Path, digests: dict[str, Any]
) -> None:
    agreement = client.agree(TAGS)
    (data / "wine" / "train" / "rows.csv").write_text("no table at all")

    assert "has changed" in client.initialise(agreement, status=409, digests=digests)["message"]


def test_a_changed_folder_is_prepared_anew_with_another_digest(
    client: WorkerClient, data: Path, digests: dict[str, Any]
) -> None:
    _altered(data / "wine" / "train" / "rows.csv")

    now = client.prepared(TAGS)["digests"]

    assert now["train"] != digests["train"]
    assert now["evaluate"] == digests["evaluate"]


def test_what_was_agreed_is_kept_as_a_file_for_the_owner_alone_once_it_is_told(
    client: WorkerClient, data: Path, digests: dict[str, Any]
) -> None:
    agreement, path = client.agree(TAGS), data.parent / "outputs" / "c" / "p1" / "agreement.json"
    body = agreement.body() | {"digests": digests}

    client.command("POST", "/worker/align/c/p1", 200, body)
    assert not path.exists()
    client.command("POST", "/worker/align/c/p1", 200, body | {"agreement": {"version": 1, "inputs": ["alcohol"]}})

    found = json.loads(path.read_text())
    assert found["agreement"] == {"version": 1, "inputs": ["alcohol"]}
    assert found["feature_space"] == json.loads(json.dumps(agreement.space.to_dict()))


def test_rows_of_another_purpose_are_other_rows(client: WorkerClient, data: Path, digests: dict[str, Any]) -> None:
    agreement = client.agree(TAGS)
    write_frame(data, ["wine", "more"], wine()[:20])
    more: Agreement = replace(agreement, tags={"train": [["wine", "train"], ["wine", "more"]]})

    answer = client.initialise(more, status=409, metas=["train"], digests={"train": digests["train"]})

    assert answer["message"] == "train: other datasets were there at alignment; align the project again"


def test_a_session_says_of_which_state_of_the_data_it_is(client: WorkerClient, data: Path) -> None:
    agreement = client.agree(TAGS)
    before = client.initialise(agreement)["data"]["digests"]
    client.terminate()
    _altered(data / "wine" / "train" / "rows.csv")

    after = client.initialise(agreement)["data"]["digests"]

    assert before.keys() == after.keys() == TAGS.keys()
    assert after["train"] != before["train"]
    assert after["evaluate"] == before["evaluate"]


def test_digests_of_another_project_say_nothing(client: WorkerClient, data: Path, digests: dict[str, Any]) -> None:
    agreement, others = client.agree(TAGS), _fingerprints(replace(client, project="p0"))
    assert {len({digests[purpose][0], others[purpose][0]}) for purpose in TAGS} == {2}
    _altered(data / "wine" / "train" / "rows.csv")

    client.initialise(agreement, digests=others)
    client.terminate()
    client.initialise(agreement, status=409, digests=digests)
