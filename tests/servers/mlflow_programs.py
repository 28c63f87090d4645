"""What the TTP's programs load that know MLflow, for a server of forks: all they may need, and what they do is done once.

Much of it is loaded, and of what SQL and tables are made is found out, when it is first used. Nothing of that is kept open.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from support.forking import forking
from synergos_ttp.tracking import model_form

# Torch's threads would not live on in what is forked.
os.environ["OMP_NUM_THREADS"] = "1"


def _rehearse(folder: Path) -> None:
    from factories.exported_runs import write_model
    from synergos.learning.families import manifest
    from synergos.model.stored_model import StoredModel
    from synergos_ttp.tracking.mlflow_store import MlflowStore
    from synergos_ttp.tracking.notes import AbandonedNotes, Ending, Point, Target, TrainingNotes, ValidationNotes

    exports = write_model(folder / "exports")
    store = MlflowStore(folder / "mlflow")
    target, points = Target("collaboration_>_project_>_experiment", "run"), (Point("loss", 0.5, 0),)
    store.write(TrainingNotes(target, "0", {"lr": "0.1"}, points))
    store.write(TrainingNotes(target, "0", {"lr": "0.1"}, points, Ending("FINISHED", str(exports))))
    store.write(ValidationNotes(target, points, "0"))
    store.write(AbandonedNotes(target, "1"))
    StoredModel(exports, manifest.GLOBAL_MODEL).to_mlflow(folder / "form")


def _close() -> None:
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

    for store in (Registry, Tracking):
        for engine in store._engine_map.values():
            engine.dispose()


with TemporaryDirectory(prefix="synergos-mlflow-") as name:
    _rehearse(Path(name))
    _close()
subprocess.Popen = forking(model_form.__name__)  # type: ignore[misc, assignment]
