"""Consumes outcomes of jobs: archives each once, and publishes the jobs that waited for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import structlog
from sqlalchemy.exc import OperationalError

from synergos.domain.job import Job, JobError, JobState
from synergos.domain.messages import OutcomeMessage, OutcomeSender
from synergos.errors import DamagedRecord, InvalidRequest, LeaseLost, RecordNotFound
from synergos.program.log_context import about_job
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos.records.outcomes import settle
from synergos.tracing import OFF, Kind, Tracer
from synergos.tracing.of_jobs import part_of
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


class Signatures(Protocol):
    """Knows who may have signed an outcome; see :class:`synergos_director.ttp_signatures.TtpSignatures`."""

    def check(self, body: bytes, headers: Mapping[str, object], holder: str) -> None:
        """Make sure that an outcome is from who has its job.

        Raises:
            InvalidRequest: it is not.
        """


class OutcomeConsumer:
    """Archives outcomes, one after the other, in the listener's thread. Idempotent: an outcome delivered twice is archived once.

    Args:
        signatures: knows whose outcomes are to be believed.
        tracer: is told how long that takes.
    """

    def __init__(
        self,
        store: RecordStore,
        leases: Leases,
        publisher: JobPublisher,
        signatures: Signatures,
        tracer: Tracer = OFF,
    ) -> None:
        self._store = store
        self._leases = leases
        self._publisher = publisher
        self._signatures = signatures
        self._tracer = tracer
        self._cluster = store.cluster_id()

    def settle(self, body: bytes, headers: Mapping[str, object], *, is_redelivered: bool = False) -> None:
        """Settle one outcome, and publish the jobs that waited for it.

        Args:
            headers: what came with it, its signature too.
            is_redelivered: whether it was in hand before; one that was settled then is passed over.

        Raises:
            InvalidRequest: it is no outcome, of no job that is known, from nobody who runs it, or was settled before; says what is
                wrong.
            NotOurs: it belongs to another record store.
            OperationalError: the record store cannot be reached; the outcome is to be settled later.
        """
        sender = OutcomeSender.from_json(body)
        if sender.cluster != self._cluster:
            raise NotOurs(sender.cluster)
        try:
            job = self._store.job(sender.job_id)
            # Before the rest is read: whoever does not run the job has nothing to say.
            owner = self._leases.owner(job.id, sender.lease)
            self._signatures.check(body, headers, owner.holder)
            if job.state.is_final and not is_redelivered:
                raise InvalidRequest(f"job {job.id} has ended: the outcome is sent again, or comes too late", "job_id")
            outcome = OutcomeMessage.from_json(body)
            with about_job(job), part_of(job, self._tracer, "archive", Kind.CONSUMER):
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
