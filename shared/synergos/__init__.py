"""Synergos: federated learning for organisations that may not pool their data.

The driver's names can be imported from here (``from synergos import Driver``), and :func:`~synergos.model.load_model`, which uses a
trained model without a grid. They are loaded on first use: a worker imports this package too, and never talks to an orchestrator.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synergos.driver import (
        AlignmentTask,
        CollaborationTask,
        Driver,
        ExperimentTask,
        ModelTask,
        OptimizationTask,
        ParticipantTask,
        PredictionTask,
        ProjectTask,
        RegistrationTask,
        RunTask,
        TagTask,
        ValidationTask,
    )
    from synergos.model import load_model

__all__ = [
    "AlignmentTask",
    "CollaborationTask",
    "Driver",
    "ExperimentTask",
    "ModelTask",
    "OptimizationTask",
    "ParticipantTask",
    "PredictionTask",
    "ProjectTask",
    "RegistrationTask",
    "RunTask",
    "TagTask",
    "ValidationTask",
    "load_model",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        # As it is installed; read when somebody asks.
        return version("synergos")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from synergos import driver, model

    return getattr(model if name == "load_model" else driver, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
