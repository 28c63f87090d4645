"""The Python client of an orchestrator (a TTP or a director).

Start at :class:`Driver`; :func:`synergos.driver.frames.to_frame` turns answers into pandas frames.
"""

from __future__ import annotations

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
