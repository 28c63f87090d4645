"""What travels through a cluster's queue: a job on its way to a TTP, and its outcome on the way back.

The keys ``process``, ``keys``, ``grids``, ``parameters`` and ``process``, ``filters``, ``outputs`` are what the original's
programs read; the others are this one's own. See ``docs/queue.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated

from msgspec import Meta as Limits
from msgspec import Struct

from synergos.domain.identifiers import check_identifier
from synergos.domain.job import Job, JobError, JobState
from synergos.domain.keys import RunKey
from synergos.domain.trace_context import TRACEPARENT
from synergos.errors import InvalidRequest
from synergos.schema import Definition

LeaseId = Annotated[str, Limits(pattern=r"^[0-9a-f]{32}$", max_length=32)]
"""128 random bits in hexadecimal digits, new for each taking-up of a job: only the record store and whoever runs the job know them."""
NOT_HANDED_ON = (
    "it is another cluster's, and this user of the queue may not hand it on: expected a virtual host for each cluster"
)
"""Why a message is parked that a director or TTP of another cluster should have."""


class JobMessage(Struct, frozen=True):
    """Says that a job is ready to start. Which of the ready jobs a TTP takes up, the records decide.

    Attributes:
        cluster: the record store the job is kept in; several may share a queue.
    """

    job_id: str
    cluster: str

    def __post_init__(self) -> None:
        _check_id(self.job_id, "job_id")
        _check_id(self.cluster, "cluster")

    @classmethod
    def from_json(cls, body: bytes) -> JobMessage:
        """Read what :func:`job_message` made, as it came; what else it says is never in memory.

        Raises:
            InvalidRequest: it is no message of ours; names the key.
        """
        return JOB_MESSAGE.decode(body)


def job_message(
    job: Job, cluster: str, grids: Sequence[Sequence[Mapping[str, object]]], parameters: Mapping[str, object]
) -> dict[str, object]:
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
        TRACEPARENT: job.span.header,
    }


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        lease: under which the job was run; in no other message.
        state: COMPLETED, FAILED or CANCELLED.
        outputs: what a completed job leaves, as :func:`synergos.records.archive` takes it.
    """

    job: Job
    cluster: str
    lease: str = field(repr=False)
    state: JobState
    outputs: Mapping[str, object] = field(default_factory=dict)
    error: JobError | None = None

    def to_dict(self) -> dict[str, object]:
        """As it is queued."""
        return {
            "process": self.job.stage.value,
            "filters": _ids(self.job),
            "outputs": dict(self.outputs),
            "job_id": self.job.id,
            "cluster": self.cluster,
            "lease": self.lease,
            "state": self.state.value,
            "error": None if self.error is None else asdict(self.error),
            "grid": self.job.grid,
            "ttp": self.job.ttp,
            TRACEPARENT: self.job.span.header,
        }


class OutcomeSender(Struct, frozen=True):
    """Whose an outcome says that it is; read before the rest, which may be anybody's."""

    job_id: str
    cluster: str
    lease: LeaseId

    def __post_init__(self) -> None:
        _check_id(self.job_id, "job_id")
        _check_id(self.cluster, "cluster")

    @classmethod
    def from_json(cls, body: bytes) -> OutcomeSender:
        """Read it in an outcome as it came; what else that says is never in memory.

        Raises:
            InvalidRequest: it is no outcome; names the key.
        """
        return OUTCOME_SENDER.decode(body)


class OutcomeMessage(Struct, frozen=True):
    """An outcome as it arrives; the job itself is in the records.

    Attributes:
        outputs: what the job left; its stage decides what that must be, see :mod:`synergos.domain.outputs`.
    """

    job_id: str
    cluster: str
    lease: LeaseId
    state: JobState
    outputs: Mapping[str, object]
    error: JobError | None = None

    def __post_init__(self) -> None:
        _check_id(self.job_id, "job_id")
        _check_id(self.cluster, "cluster")
        if not self.state.is_final:
            raise InvalidRequest("expected 'completed', 'failed' or 'cancelled'", "state")
        if self.error is not None and not (self.error.kind and self.error.message):
            raise InvalidRequest("expected a kind and a message", "error")

    @classmethod
    def from_json(cls, body: bytes) -> OutcomeMessage:
        """Read what :meth:`Outcome.to_dict` made, as it came.

        Raises:
            InvalidRequest: it is no message of ours; names the key.
        """
        return OUTCOME_MESSAGE.decode(body)


JOB_MESSAGE = Definition(JobMessage, quotes=False)
OUTCOME_SENDER = Definition(OutcomeSender, quotes=False)
OUTCOME_MESSAGE = Definition(OutcomeMessage, quotes=False)


def _ids(job: Job) -> list[str]:
    # The original's programs read them by position, and no participant among them.
    return list(job.keys.run.ids if isinstance(job.keys, RunKey) else job.keys.ids)


def _check_id(value: str, name: str) -> None:
    if not check_identifier(value, name).isascii():
        # It becomes part of a queue's name, which has 255 bytes.
        raise InvalidRequest("expected ASCII", name)
