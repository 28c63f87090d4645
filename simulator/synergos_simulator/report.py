"""What came out of a simulation: the comparison, the picture of the losses, and where everything is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synergos.domain.class_figures import of_classes_with_rows
from synergos.driver.frames import losses
from synergos.learning.metrics import mean_of_known
from synergos_simulator.arrangements import FEDERATED
from synergos_simulator.datasets import Dataset
from synergos_simulator.simulation import Trained

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

METRICS: Mapping[str, Sequence[str]] = {
    "classify": ("accuracy", "roc_auc_score", "f_score"),
    "regress": ("R2", "MSE", "MAE"),
}


def comparison(results: Sequence[Trained], action: str) -> list[dict[str, object]]:
    """A row for each way of training: its name, its metrics on the common test rows, and what went wrong, if so.

    Metrics of a classification are means over classes; one without test rows, or for which a metric is undefined, is left out, and
    ``classes`` says over how many each is.
    """
    return [{"model": r.arrangement.name, **_metrics(r, METRICS[action]), "problem": r.problem} for r in results]


def _metrics(result: Trained, names: Sequence[str]) -> dict[str, object]:
    records = result.predictions.get("data") or [{}]
    statistics = records[0].get("predict", {}).get("statistics", {})
    known = {name: of_classes_with_rows(statistics, name) for name in names}
    over = {name: len(known[name]) for name in names if isinstance(statistics.get(name), list)}
    return {name: mean_of_known(values) for name, values in known.items()} | ({"classes": over} if over else {})


def places(folder: Path, dataset: Dataset, federated: Trained) -> dict[str, str]:
    """Where a person finds what was made."""
    model = federated.models["data"][0]["global"]
    prediction = federated.predictions["data"][0]["predict"]["res_path"]
    return {
        "everything": str(folder),
        "models": str(Path(model["path"]).parent),
        "loss history": model["loss_history"],
        "predictions": str(Path(prediction).parent) if prediction else "",
        "data": str(dataset.root / dataset.name),
        "logs": str(folder / "logs"),
        "picture": str(folder / "loss_curves.png"),
        "results": str(folder / "results.json"),
    }


def write_report(
    folder: Path, dataset: Dataset, settings: Mapping[str, object], results: Sequence[Trained]
) -> dict[str, object]:
    """Write ``loss_curves.png`` and ``results.json`` into the folder; what the latter says."""
    draw_losses(results, folder / "loss_curves.png")
    written = {
        **settings,
        "dataset": dataset.name,
        "action": dataset.action,
        "comparison": comparison(results, dataset.action),
        "places": places(folder, dataset, results[0]),
        "ways_of_training": {result.arrangement.name: _details(result) for result in results},
    }
    (folder / "results.json").write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    return written


def _details(result: Trained) -> dict[str, object]:
    return {
        "participants": [member.participant_id for member in result.arrangement.members],
        "training_seconds": round(result.seconds, 3),
        "models": result.models.get("data", []),
        "validations": result.validations.get("data", []),
        "predictions": result.predictions.get("data", []),
        "problem": result.problem,
    }


def draw_losses(results: Sequence[Trained], path: Path) -> None:
    """Draw the federated run's losses, and beside them how every way of training came along."""
    from matplotlib.figure import Figure  # without pyplot nothing looks for a screen

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for result in results:
        if not result.models:
            continue
        history = losses(result.models)
        of_ttp = history["origin"] == "ttp"
        if result.arrangement.name == FEDERATED:
            _plot(left, history[of_ttp & (history["series"] == "train")], "global, train")
            _plot(left, history[of_ttp & (history["series"] == "evaluate")], "global, evaluate")
            for origin in history.loc[~of_ttp, "origin"].unique():
                _plot(left, history[history["origin"] == origin], f"{origin}, train")
        _plot(right, history[of_ttp & (history["series"] == "evaluate")], result.arrangement.name)
    _label(left, "federated: training and evaluation")
    _label(right, "evaluation loss, each on its own evaluation rows")
    figure.savefig(path, dpi=120)


def _plot(axes: Axes, history: pd.DataFrame, label: str) -> None:
    known = history.dropna(subset=["loss"])
    if not known.empty:
        axes.plot(known["round"].to_numpy(), known["loss"].to_numpy(dtype=float), marker=".", label=label)


def _label(axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.set_xlabel("round")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    if axes.has_data():
        axes.legend(fontsize="small")
