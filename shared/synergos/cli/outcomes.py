"""What came of jobs, in a few lines for people: what an alignment notes, what a model reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synergos import Driver
from synergos.cli.output import print_table, say
from synergos.cli.showing import show_rows
from synergos.domain.keys import ProjectKey
from synergos.driver.rows import result_rows
from synergos.foreign_text import on_terminal

Job = Mapping[str, Any]

FIGURES = (
    *("class", "label", "accuracy", "f_score", "roc_auc_score", "pr_auc_score", "R2", "MSE", "MAE"),
    *(f"overall.{name}" for name in ("rows", "accuracy", "balanced_accuracy")),
)
"""The columns of figures that come first where there is no room for all."""


def show_outcomes(driver: Driver, jobs: Sequence[Job]) -> None:
    """Write what came of those that are completed."""
    for job in jobs:
        if job["state"] != "completed":
            continue
        match job["stage"]:
            case "check":
                _show_agreement(job["progress"])
            case "preprocess":
                _show_notes(driver, ProjectKey.of(job["keys"]))
            case "validate":
                answer = driver.validations.read(*_run(job))
                show_rows(list(result_rows(answer)), FIGURES)
            case "predict":
                answer = driver.predictions.read(job["keys"]["participant_id"], *_run(job))
                show_rows(answer["data"], FIGURES)
                for record in answer["data"]:
                    say(f"predictions of {record['key']['participant_id']}: {record['predict']['res_path']}")


def _run(job: Job) -> tuple[str, str, str, str]:
    collaboration, project, experiment, run = (
        job["keys"][name] for name in ("collab_id", "project_id", "expt_id", "run_id")
    )
    return collaboration, project, experiment, run


def _show_agreement(agreed: Mapping[str, Any]) -> None:
    """Write what would be agreed: what each participant's training rows bring to it."""
    space, agreement = agreed["feature_space"], agreed["agreement"]
    labels = [str(label) for _, label in space["y"] if label is not None]
    rows = [
        {"participant": who, **_brought(share.get("tables", {}).get("train", {}))}
        for who, share in agreement["participants"].items()
    ]
    title = f"{len(space['X'])} inputs" + (f"; labels {', '.join(labels)}" if labels else "")
    print_table(title, ("participant", "rows", "filled", "lacks", "unused"), rows)
    for note in agreement["notes"]:
        print(on_terminal(note["text"]))


def _brought(table: Mapping[str, Any]) -> dict[str, object]:
    features = {
        name: [column if level is None else f"{column} {level}" for column, level in table.get(name, ())]
        for name in ("lacks", "unused")
    }
    shown = {"filled": table.get("filled", ()), **features}
    return {"rows": table.get("rows"), **{name: ", ".join(found) or None for name, found in shown.items()}}


def _show_notes(driver: Driver, project: ProjectKey) -> None:
    """Write what is worth knowing of the names that only some participants have."""
    shares = driver.alignments.read(project.collab_id, project.project_id, fields=["agreement"])["data"]
    notes = dict.fromkeys(note for record in shares for note in (record.get("agreement") or {}).get("notes", ()))
    for note in notes:
        print(on_terminal(note))
