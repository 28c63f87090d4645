"""On a grid of processes a worker reads what its owner allows, and whoever asks for more is told what would allow it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from grids.real_grid import ENDLESS, Aside, RealGrid, Study, started
from support.waiting import until
from synergos_simulator.datasets import Dataset, write_example


@pytest.fixture
def own_data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def dataset(own_data: Path) -> Dataset:
    """Folders that no other test says anything of."""
    return write_example(own_data, "breast_cancer")


@pytest.fixture
def unlisted(tmp_path: Path, own_data: Path, dataset: Dataset) -> Iterator[RealGrid]:
    """A grid whose workers serve anybody, and whose owners have allowed nothing yet."""
    with started(tmp_path, own_data, worker_flags=("--unlisted", "deny")) as running:
        yield running


def fingerprint_of(grid: RealGrid) -> str:
    with urllib.request.urlopen(f"http://{grid.grid.ttp.host}:{grid.grid.ttp.port}/health", timeout=30) as answer:
        return str(json.load(answer)["fingerprint"])


def test_a_folder_that_is_denied_is_named_in_the_job_and_what_is_revoked_ends(
    unlisted: RealGrid, dataset: Dataset
) -> None:
    study = Study(unlisted, dataset, "permitted", run=ENDLESS)
    study.declare()
    own, (collaboration, project, *_) = fingerprint_of(unlisted), study.keys

    refused = str(Aside(study.align).answer())
    [job] = study.jobs("preprocess")
    folders = {
        "/".join(tag): purpose
        for each in dataset.holdings
        for purpose, tag in (("train", each.train), ("evaluate", each.evaluate))
        if tag is not None
    }
    whom = (own, "--collaboration", collaboration, "--project", project)
    for folder, purpose in folders.items():
        unlisted.command_at("worker_1", "permission", "grant", folder, *whom, "--purpose", purpose)
    aligned = Aside(study.align).answer()
    training = Aside(study.train)
    until(lambda: unlisted.open_sessions() == 2, "the sessions to be open")
    until(lambda: study.jobs("train")[0]["progress"].get("round", 0) > 0, "a round to be done")
    [of_second] = ["/".join(each.train) for each in dataset.holdings if each.participant_id == "worker_2"]
    unlisted.command_at("worker_2", "permission", "revoke", of_second, own)
    until(lambda: unlisted.open_sessions("worker_2") == 0, "the session to end")
    ended = str(training.answer())

    # Whichever of the two says no first.
    [command] = [
        command
        for folder, purpose in folders.items()
        if (command := f"synergos permission grant {folder} {' '.join(whom)} --purpose {purpose}") in refused
    ]
    assert command in job["error"]["message"]
    assert not isinstance(aligned, Exception), aligned
    assert "worker_2" in ended
    assert f"the folder '{of_second}' to train" in ended
    why = unlisted.command_at(
        "worker_2", "permission", "show", of_second, *whom, "--purpose", "train", "--format", "json"
    )
    [verdict] = json.loads(why)
    assert (verdict["allowed"], verdict["would allow it"].startswith("synergos permission grant")) == (False, True)
