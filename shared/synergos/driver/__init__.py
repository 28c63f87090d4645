"""The Python client of an orchestrator (a TTP or a director).

Start at :class:`Driver`; :func:`synergos.driver.frames.to_frame` turns answers into pandas frames. Names are loaded on first use:
the portal asks by :mod:`synergos.driver.transport` alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synergos.driver.alignments import AlignmentTask
    from synergos.driver.answers import Answer
    from synergos.driver.client import Driver
    from synergos.driver.collaborations import CollaborationTask
    from synergos.driver.confusion import ConfusionMatrix
    from synergos.driver.curves import RocCurves
    from synergos.driver.errors import (
        DriverError,
        Interrupted,
        JobFailed,
        ServerTimeout,
        ServerUnreachable,
        UnknownKeyword,
        UsageError,
        WaitTimeout,
        WrongServer,
    )
    from synergos.driver.experiments import ExperimentTask
    from synergos.driver.histories import History
    from synergos.driver.jobs import JobTask
    from synergos.driver.models import ModelTask
    from synergos.driver.optimizations import OptimizationTask
    from synergos.driver.participants import ParticipantTask
    from synergos.driver.predictions import PredictionTask
    from synergos.driver.projects import ProjectTask
    from synergos.driver.registrations import RegistrationTask
    from synergos.driver.runs import RunTask
    from synergos.driver.tags import TagTask
    from synergos.driver.validations import ValidationTask

__all__ = [
    "AlignmentTask",
    "Answer",
    "CollaborationTask",
    "ConfusionMatrix",
    "Driver",
    "DriverError",
    "ExperimentTask",
    "History",
    "Interrupted",
    "JobFailed",
    "JobTask",
    "ModelTask",
    "OptimizationTask",
    "ParticipantTask",
    "PredictionTask",
    "ProjectTask",
    "RegistrationTask",
    "RocCurves",
    "RunTask",
    "ServerTimeout",
    "ServerUnreachable",
    "TagTask",
    "UnknownKeyword",
    "UsageError",
    "ValidationTask",
    "WaitTimeout",
    "WrongServer",
]

_MODULES = {
    "AlignmentTask": "alignments",
    "Answer": "answers",
    "CollaborationTask": "collaborations",
    "ConfusionMatrix": "confusion",
    "Driver": "client",
    "DriverError": "errors",
    "ExperimentTask": "experiments",
    "History": "histories",
    "Interrupted": "errors",
    "JobFailed": "errors",
    "JobTask": "jobs",
    "ModelTask": "models",
    "OptimizationTask": "optimizations",
    "ParticipantTask": "participants",
    "PredictionTask": "predictions",
    "ProjectTask": "projects",
    "RegistrationTask": "registrations",
    "RocCurves": "curves",
    "RunTask": "runs",
    "ServerTimeout": "errors",
    "ServerUnreachable": "errors",
    "TagTask": "tags",
    "UnknownKeyword": "errors",
    "UsageError": "errors",
    "ValidationTask": "validations",
    "WaitTimeout": "errors",
    "WrongServer": "errors",
}
"""Where each name is."""


def __getattr__(name: str) -> Any:
    if name in _MODULES.values():
        return import_module(f"{__name__}.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
