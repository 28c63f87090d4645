"""What travels through a cluster's queue: a job on its way to a TTP, and its outcome on the way back.

The keys ``process``, ``keys``, ``grids``, ``parameters`` and ``process``, ``filters``, ``outputs`` are what the original's
programs read; the others are this one's own. See ``docs/queue.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from synergos.domain.identifiers import check_identifier
from synergos.domain.job import Job, JobError, JobState
from synergos.domain.keys import RunKey
from synergos.errors import InvalidRequest


@dataclass(frozen=True)
class JobMessage:
    """Says that a job is ready to start. Which of the ready jobs a TTP takes up, the records decide.

    Attributes:
        cluster: the record store the job is kept in; several may share a queue.
    """

    job_id: str
    cluster: str

    @classmethod
    def from_dict(cls, message: Mapping[str, Any]) -> JobMessage:
        """Read what :func:`job_message` made.

        Raises:
            InvalidRequest: it is no message of ours; names the key.
        """
        return cls(_id(message, "job_id"), _id(message, "cluster"))


def job_message(
    job: Job, cluster: str, grids: Sequence[Sequence[Mapping[str, Any]]], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """A job as it is queued.

    Args:
        grids: for each sub-grid, what is to be known of each of its nodes.
        parameters: what the job was asked with, and the records it is about.
    """
    return {
        "process": job.stage.value,
        "keys": _ids(job),
        "grids": [list(nodes) for nodes in grids],
        "parameters": dict(parameters),
        "job_id": job.id,
        "cluster": cluster,
    }


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        fence: which taking-up of the job it comes from.
        state: COMPLETED, FAILED or CANCELLED.
        outputs: what a completed job leaves, as :func:`synergos.records.archive` takes it.
    """

    job: Job
    cluster: str
    fence: int
    state: JobState
    outputs: Mapping[str, Any] = field(default_factory=dict)
    error: JobError | None = None

    def to_dict(self) -> dict[str, Any]:
        """As it is queued."""
        return {
            "process": self.job.stage.value,
            "filters": _ids(self.job),
            "outputs": dict(self.outputs),
            "job_id": self.job.id,
            "cluster": self.cluster,
            "fence": self.fence,
            "state": self.state.value,
            "error": None if self.error is None else asdict(self.error),
            "grid": self.job.grid,
            "ttp": self.job.ttp,
        }


@dataclass(frozen=True)
class OutcomeMessage:
    """An outcome as it arrives; the job itself is in the records."""

    job_id: str
    cluster: str
    fence: int
    state: JobState
    outputs: Mapping[str, Any]
    error: JobError | None

    @classmethod
    def from_dict(cls, message: Mapping[str, Any]) -> OutcomeMessage:
        """Read what :meth:`Outcome.to_dict` made.

        Raises:
            InvalidRequest: it is no message of ours; names the key.
        """
        fence, outputs, error = message.get("fence"), message.get("outputs"), message.get("error")
        if not isinstance(fence, int) or isinstance(fence, bool):
            raise InvalidRequest("expected a whole number", "fence")
        if not isinstance(outputs, Mapping):
            raise InvalidRequest("expected an object", "outputs")
        if message.get("state") not in [state.value for state in JobState if state.is_final]:
            raise InvalidRequest("expected 'completed', 'failed' or 'cancelled'", "state")
        if not (error is None or isinstance(error, Mapping)):
            raise InvalidRequest("expected an object or null", "error")
        return cls(
            _id(message, "job_id"),
            _id(message, "cluster"),
            fence,
            JobState(message["state"]),
            outputs,
            None if error is None else _error(error),
        )


def _ids(job: Job) -> list[str]:
    # The original's programs read them by position, and no participant among them.
    return list(job.keys.run.ids if isinstance(job.keys, RunKey) else job.keys.ids)


def _id(message: Mapping[str, Any], name: str) -> str:
    value = check_identifier(message.get(name), name)
    if not value.isascii():
        # It becomes part of a queue's name, which has 255 bytes.
        raise InvalidRequest("expected ASCII", name)
    return value


def _text(message: Mapping[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidRequest("expected a text", name)
    return value


def _error(error: Mapping[str, Any]) -> JobError:
    optional = {name: error.get(name) for name in ("participant", "field")}
    if not all(value is None or isinstance(value, str) for value in optional.values()):
        raise InvalidRequest("expected texts", "error")
    return JobError(_text(error, "kind"), _text(error, "message"), **optional)
