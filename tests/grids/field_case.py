"""Data as people have them: a case of the shared ones, played on a running grid by the calls a notebook makes."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grids.real_grid import RealGrid, Response
from synergos import Driver

FIELD = Path(__file__).parents[3] / "shared" / "field"
"""One folder per case: a data root per hospital, and ``case.json``."""

_LINEAR = {"is_input": True, "l_type": "Linear", "structure": {"bias": True, "in_features": 1, "out_features": 1}}
_RUN = {"algorithm": "FedAvg", "rounds": 5, "epochs": 10, "lr": 1.0, "lr_scheduler": "", "lr_decay": 0}


class FieldCase:
    """One case, with ids of its own; its hospitals are the grid's workers, in their order.

    Args:
        data: the workers' data root.
        name: of the case's folder.
        own: what the ids and the copied folders are called after.
    """

    def __init__(self, grid: RealGrid, data: Path, name: str, own: str) -> None:
        self._grid = grid
        self._case = json.loads((FIELD / name / "case.json").read_text())
        self._workers = [program.name for program in grid.grid.workers]
        self._hospitals = sorted(path.name for path in (FIELD / name).glob("hospital_*"))
        self._project = (f"{own}_collaboration", f"{own}_project")
        self._run = (*self._project, f"{own}_experiment", f"{own}_run")
        self._own = own
        self._root = data / own
        for hospital in self._hospitals:
            shutil.copytree(FIELD / name / hospital, self._root / hospital)

    @property
    def words(self) -> list[str]:
        """What a case says has to be told somewhere."""
        return list(self._case["words"])

    @property
    def run(self) -> tuple[str, str, str, str]:
        """The ids of its run, outermost first."""
        return self._run

    @property
    def driver(self) -> Driver:
        """A client of the grid."""
        return self._grid.driver

    def predictions(self, number: int) -> Path:
        """The file of predictions that one hospital finds."""
        return self._grid.outputs(self._workers[number - 1]).joinpath(*self._run, "predict", "predictions_predict.csv")

    def folder(self, number: int, tag: str) -> Path:
        """The folder of a tag of one hospital, counted from 1."""
        return self._root / self._hospitals[number - 1] / tag

    def write_schema(self, number: int, tag: str, schema: Mapping[str, Any]) -> None:
        """Give a folder another schema."""
        (self.folder(number, tag) / "schema.json").write_text(json.dumps(schema))

    def declare(self, run: Mapping[str, Any] | None = None, model: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Everything up to the tags: ``train`` and ``evaluate``, where a hospital has them."""
        driver, action = self._grid.driver, self._case.get("action", "classify")
        layer = _LINEAR | {"activation": "" if action == "regress" else "sigmoid"}
        driver.collaborations.create(self._project[0])
        driver.projects.create(*self._project, action=action, incentives={})
        driver.experiments.create(*self._run[:3], model=[*(model or self._case.get("model") or [layer])])
        driver.runs.create(*self._run, **{**_RUN, **self._case.get("run", {}), **(run or {})})
        for number, nodes in enumerate(self._grid.nodes(), start=1):
            who = self._workers[number - 1]
            driver.participants.create(who)
            registrations = driver.registrations
            for node in nodes:
                registrations.add_node(node.host, node.data_port, node.port)
            registrations.create(*self._project, who, "guest")
            self.tag(number, *(tag for tag in ("train", "evaluate") if self.folder(number, tag).is_dir()))

    def declare_run(self, **changes: Any) -> Response:
        """Declare the run again, with other hyperparameters."""
        return self._grid.driver.runs.create(*self._run, **{**_RUN, **self._case.get("run", {}), **changes})

    def tag(self, number: int, *tags: str) -> Response:
        """Declare what a hospital trains and evaluates with; a folder's purpose is how its name begins."""
        declared: dict[str, Any] = {
            purpose: [self._path(number, tag) for tag in tags if tag.startswith(purpose)]
            for purpose in ("train", "evaluate")
        }
        return self._grid.driver.tags.create(*self._project, self._workers[number - 1], **declared)

    def forget(self, number: int) -> Response:
        """Have a hospital bring nothing."""
        return self._grid.driver.tags.delete(*self._project, self._workers[number - 1])

    @property
    def keys(self) -> dict[str, str]:
        """The ids of its run."""
        return dict(zip(("collab_id", "project_id", "expt_id", "run_id"), self._run, strict=True))

    def align(self, **options: Any) -> Response:
        """POST alignments."""
        return self._grid.driver.alignments.create(*self._project, **options)

    def alignments(self) -> list[Mapping[str, Any]]:
        """GET alignments: the record of each hospital."""
        return list(self._grid.driver.alignments.read(*self._project)["data"])

    def prepared(self, number: int) -> str:
        """What one hospital's worker logged last when it had prepared this case."""
        lines = self._grid.log(self._workers[number - 1]).splitlines()
        return next(line for line in reversed(lines) if "preparation completed" in line and self._project[1] in line)

    def train(self) -> Response:
        """POST models."""
        return self._grid.driver.models.create(*self._run)

    def validate(self) -> list[Mapping[str, Any]]:
        """POST validations: the statistics of each hospital, in their order."""
        return [record["evaluate"]["statistics"] for record in self.validations()]

    def validations(self) -> list[Mapping[str, Any]]:
        """POST validations: the records of the hospitals, in their order."""
        answer = self._grid.driver.validations.create(*self._run)
        found = {record["key"]["participant_id"]: record for record in answer["data"]}
        return [found[worker] for worker in self._workers if worker in found]

    def ask(self, number: int, tag: str) -> Response:
        """POST predictions of one hospital."""
        wanted = {self._project[1]: [self._path(number, tag)]}
        return self._grid.driver.predictions.create(wanted, self._workers[number - 1], *self._run)

    def predict(self, number: int, tag: str) -> list[dict[str, str]]:
        """What one hospital finds in its file of predictions, row by row."""
        answer = self.ask(number, tag)
        assert answer["status"] == 200, answer.get("message")
        with self.predictions(number).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def _path(self, number: int, tag: str) -> list[str]:
        return [self._own, self._hospitals[number - 1], tag]
