"""Archiving the outcome of a cluster's job: results and state in one transaction; idempotent by the lease."""

from __future__ import annotations

from dataclasses import replace

import structlog

from synergos.domain.job import JobError, JobState
from synergos.domain.messages import OutcomeMessage
from synergos.domain.outputs import check_outputs, read_outputs
from synergos.records.archive import archive
from synergos.records.leases import Leases
from synergos.records.store import RecordStore

log = structlog.get_logger(__name__)

_LONGEST = 2**16
"""Characters of an error, which is shown in lists: as many as a worker's may have."""


def settle(store: RecordStore, leases: Leases, outcome: OutcomeMessage) -> bool:
    """Write an outcome down, in one transaction; False when it is no longer wanted.

    An outcome is not wanted when the job has ended already: it was delivered twice, or cancelled meanwhile.

    Raises:
        LeaseLost: it comes from nobody who runs the job: it is forged, or somebody else has taken the job up since.
        RecordNotFound: there is no such job, or what its outputs belong to was deleted meanwhile.
        SynergosError: the outputs are not what the stage leaves.
    """
    with store.transaction():
        job = store.job(outcome.job_id)
        folder = leases.outputs_of(job.id, outcome.lease)
        if job.state.is_final:
            log.info("outcome not wanted", job_id=job.id, state=job.state)
            return False
        if outcome.state is JobState.COMPLETED:
            outputs = read_outputs(job.stage, outcome.outputs)
            check_outputs(outputs, job.keys, folder)
            archive(store, job, outputs)
        else:
            store.save_job(job.ended(outcome.state, _in_short(outcome.error)))
    return True


def _in_short(error: JobError | None) -> JobError | None:
    return error and replace(error, kind=error.kind[:_LONGEST], message=error.message[:_LONGEST])
