"""Nobody honest counts less than it sends: on the datasets of the simulator, and when one has more rows, other labels or other units."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from grids.grid_in_process import HOST, started

DATASETS = Path(__file__).parents[3] / "simulator" / "datasets"
WORKERS = ("one", "two", "three")


@dataclass(frozen=True)
class Case:
    """Who has what.

    Attributes:
        tags: to train on and to measure on, by participant.
    """

    dataset: str
    data: Path
    tags: Mapping[str, tuple[Sequence[str], Sequence[str]]]


def training_of(folder: Path, case: Case, **changes: Any) -> Mapping[str, Any]:
    """The record of the model that a dataset's own hyperparameters come to."""
    place = DATASETS / case.dataset
    layers = json.loads((place / "architecture.json").read_text())
    run = json.loads((place / "hyperparameters.json").read_text())
    action = "regress" if case.dataset == "diabetes" else "classify"
    with started(folder / "grid", case.data, list(case.tags)) as grid:
        driver = grid.driver
        driver.collaborations.create("c")
        driver.projects.create("c", "p", action, {"tier_1": [], "tier_2": []})
        driver.experiments.create("c", "p", "e", layers)
        driver.runs.create("c", "p", "e", "r", **{**run, **changes})
        for worker in grid.workers:
            who = worker.participant_id
            train, evaluate = case.tags[who]
            driver.participants.create(who)
            registration = driver.registrations
            registration.add_node(HOST, worker.data_port, worker.port)
            registration.create("c", "p", who, "host")
            driver.tags.create("c", "p", who, train=[train], evaluate=[evaluate])
        assert driver.alignments.create("c", "p")["status"] == HTTPStatus.CREATED
        assert driver.models.create("c", "p", "e", "r")["status"] == HTTPStatus.OK
        [record] = driver.models.read("c", "p", "e", "r")["data"]
    found: Mapping[str, Any] = record
    return found


def rows(dataset: str) -> pd.DataFrame:
    """All training rows of a dataset, shuffled."""
    files = [next((DATASETS / dataset / part / "train").glob("*.csv")) for part in ("data1", "data2")]
    return pd.concat(map(pd.read_csv, files), ignore_index=True).sample(frac=1, random_state=1)


def in_thirds(folder: Path, dataset: str, parts: Sequence[pd.DataFrame]) -> Case:
    """Three participants with these rows to train on; all measure on the same ones."""
    tags = {}
    for who, part in zip(WORKERS, parts, strict=True):
        shutil.copytree(DATASETS / dataset / "data1" / "train", folder / who, ignore=shutil.ignore_patterns("*.csv"))
        part.to_csv(folder / who / "rows.csv", index=False)
        tags[who] = ([who], ["evaluate"])
    shutil.copytree(DATASETS / dataset / "data1" / "evaluate", folder / "evaluate")
    return Case(dataset, folder, tags)


@pytest.mark.parametrize("dataset", ["breast_cancer", "diabetes", "digits_images", "wine"])
def test_examples_of_the_simulator_count_in_full(tmp_path: Path, dataset: str) -> None:
    tags = {f"worker_{n}": ([dataset, f"data{n}", "train"], [dataset, f"data{n}", "evaluate"]) for n in (1, 2)}

    assert "limited" not in training_of(tmp_path, Case(dataset, DATASETS, tags))


def uneven(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """A twelfth, a quarter, and the rest."""
    twelfth, third = len(frame) // 12, len(frame) // 3
    yield from (frame[:twelfth], frame[twelfth:third], frame[third:])


def skewed(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """One has the lowest labels alone; the others are alike."""
    lowest = frame.sort_values("target")[: len(frame) // 4]
    rest = frame.drop(lowest.index)
    yield from (lowest, rest[: len(rest) // 2], rest[len(rest) // 2 :])


def in_other_units(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """One has the first three numbers in thousandths of the others' unit, and has said so to nobody."""
    third = len(frame) // 3
    numbers = [name for name in frame.select_dtypes("number").columns if name not in ("target", "sex")][:3]
    other = frame[:third].astype(dict.fromkeys(numbers, "float64"))
    other[numbers] *= 1000
    yield from (other, frame[third : 2 * third], frame[2 * third :])


@pytest.mark.parametrize(("dealt", "batch_size"), [(uneven, 32), (skewed, None), (in_other_units, 32)])
@pytest.mark.parametrize("dataset", ["breast_cancer", "diabetes", "wine"])
def test_unlike_participants_count_in_full(tmp_path: Path, dataset: str, dealt: Any, batch_size: int | None) -> None:
    case = in_thirds(tmp_path, dataset, list(dealt(rows(dataset))))

    assert "limited" not in training_of(tmp_path, case, batch_size=batch_size, algorithm="FedAvg")


def test_who_has_nearly_all_rows_counts_for_nine_tenths_and_the_record_says_so(tmp_path: Path) -> None:
    frame = rows("wine")
    case = in_thirds(tmp_path, "wine", [frame[:4], frame[4:8], frame[8:]])

    record = training_of(tmp_path, case, rounds=2)

    # 8 rows of others are a tenth of 80.
    expected = {"three": {"rows": len(frame) - 8, "counted": 72}}
    assert record["limited"] == expected
    manifest = json.loads((Path(record["global"]["path"]).parent / "manifest.json").read_text())
    assert manifest["limited"] == expected
