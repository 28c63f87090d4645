"""Consumes outcomes of jobs: archives each once, and publishes the jobs that waited for it."""

from __future__ import annotations

import structlog
from sqlalchemy.exc import OperationalError

from synergos.domain.job import Job, JobError, JobState
from synergos.domain.messages import OutcomeMessage, OutcomeSender
from synergos.errors import DamagedRecord, InvalidRequest, LeaseLost, RecordNotFound
from synergos.program.log_context import about_job
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos.records.outcomes import settle
from synergos_director.job_publisher import JobPublisher

log = structlog.get_logger(__name__)


class NotOurs(Exception):
    """An outcome that belongs to the programs of another record store.

    Attributes:
        cluster: which.
    """

    def __init__(self, cluster: str) -> None:
        super().__init__(cluster)
        self.cluster = cluster


class OutcomeConsumer:
    """Archives outcomes, one after the other, in the listener's thread. Idempotent: an outcome delivered twice is archived once."""

    def __init__(self, store: RecordStore, leases: Leases, publisher: JobPublisher) -> None:
        self._store = store
        self._leases = leases
        self._publisher = publisher
        self._cluster = store.cluster_id()

    def settle(self, body: bytes) -> None:
        """Settle one outcome, and publish the jobs that waited for it.

        Raises:
            InvalidRequest: it is no outcome, of no job that is known, or from nobody who runs it; says what is wrong.
            NotOurs: it belongs to another record store.
            OperationalError: the record store cannot be reached; the outcome is to be settled later.
        """
        sender = OutcomeSender.from_json(body)
        if sender.cluster != self._cluster:
            raise NotOurs(sender.cluster)
        try:
            job = self._store.job(sender.job_id)
            # Before the rest is read: whoever does not run the job has nothing to say.
            self._leases.outputs_of(job.id, sender.lease)
            outcome = OutcomeMessage.from_json(body)
            with about_job(job):
                self._archive(job, outcome)
        except RecordNotFound as error:
            raise InvalidRequest("there is no such job", "job_id") from error
        except DamagedRecord as error:
            # It would come again for ever.
            raise InvalidRequest(str(error), "job_id") from error
        except LeaseLost as error:
            raise InvalidRequest(f"{error}: the outcome is forged, or comes too late", "lease") from error
        self._publisher.publish(self._leases.arrange())

    def _archive(self, job: Job, outcome: OutcomeMessage) -> None:
        try:
            settled = settle(self._store, self._leases, outcome)
        except (OperationalError, LeaseLost):
            raise
        except Exception as error:
            # The client is to see an end of the job, whatever it was.
            log.exception("outcome not archived")
            self._fail(job, error)
        else:
            log.info("job archived" if settled else "outcome passed over", state=outcome.state)

    def _fail(self, job: Job, error: Exception) -> None:
        reason = "what came back is not what the stage leaves"
        if isinstance(error, RecordNotFound):
            reason = str(error)
        elif isinstance(error, InvalidRequest):
            reason = f"{reason}: {error}"
        with self._store.transaction():
            stored = self._store.job(job.id)
            if not stored.state.is_final:
                error_record = JobError(type(error).__name__, f"its results could not be archived: {reason}")
                self._store.save_job(stored.ended(JobState.FAILED, error_record))
