"""Jobs: how stage requests are getting on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Unpack

from synergos.domain.job import FINAL_STATES, JobState
from synergos.driver.answers import Records
from synergos.driver.errors import DriverError, JobFailed
from synergos.driver.going_on import GoingOn
from synergos.driver.lists import OfHistory, OfJob
from synergos.driver.task import Task
from synergos.driver.transport import Response, route
from synergos.driver.waiting import Patience, interrupts_named

Job = dict[str, Any]


class JobTask(Task):
    """Calls about jobs: every stage request becomes one for each combination of experiment and run.

    A job has ``id``, ``stage``, ``state`` (waiting, queued, running, completed, failed, cancelled), ``keys`` (the ids it
    works on), ``progress`` (``round``, ``rounds``, ``losses``, ``fraction``, ``seconds_left``; ``waiting_for`` and
    ``position`` while other jobs come first; ``updated_at``), ``attempts``, ``error`` and the times ``created_at``, ``started_at``,
    ``finished_at``.
    """

    def read_all(self, **choices: Unpack[OfJob]) -> Response:
        """All jobs, oldest first, or those that ``choices`` choose: by ``state``, ``stage`` and any id (``project_id="p1"``).

        Args:
            choices: which of them, see :data:`synergos.driver.lists.Page`; ``order="newest", limit=20`` for instance.
        """
        return self._list(route("jobs"), choices)

    def read(self, job_id: str) -> Response:
        """One job."""
        return self._get(route("jobs", job_id))

    def events(self, job_id: str, **choices: Unpack[OfHistory]) -> Response:
        """What has happened to one job, in order: each has ``event``, ``at``, ``attempt``, ``participant``, ``about`` and a ``sentence``."""
        return self._list(route("jobs", job_id, "events"), choices)

    def metrics(self, job_id: str, **choices: Unpack[OfHistory]) -> Response:
        """What the rounds of one training have lost, while it runs and after it has ended.

        Each has ``round`` (from 1), ``attempt``, ``at``, ``train``, ``evaluate``, and ``participants`` with each one's own
        training loss. How good a round is becomes known with the round after it.
        """
        return self._list(route("jobs", job_id, "metrics"), choices)

    def cancel(self, job_id: str) -> Response:
        """Ask one job to stop; an error (409) when it has ended already."""
        return self._post(route("jobs", job_id, "cancel"), {})

    def wait(
        self,
        job_ids: str | Sequence[str] | Mapping[str, Any],
        on_progress: Callable[[Job], None] | None = None,
        timeout: float | None = None,
        interval: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
        *,
        progress: bool = False,
        raise_errors: bool | None = None,
    ) -> list[Job]:
        """Wait until jobs have ended, whatever way; a restart of the orchestrator in between is waited out.

        Args:
            job_ids: one id, several, or the answer to a stage request with ``respond_async``.
            on_progress: told each job as it stands, every time it is asked for.
            timeout: seconds after which to give up; None waits as long as it takes.
            interval: seconds between two looks, kept between 0.1 and 10.
            sleep: how to pass the time.
            progress: show a bar for each job, with round, losses and time left.
            raise_errors: raise when a job fails or is cancelled, as soon as all have ended; without it as the driver was told.
                Whoever does not let it be raised looks at each job's ``state`` and ``error``.

        Returns:
            The jobs as they ended, in the order of ``job_ids``.

        Raises:
            JobFailed: one did not complete, and that is to be raised.
            WaitTimeout: some have not ended in time; they go on.
            Interrupted: Ctrl-C; they go on.
            DriverError: there is no such job, the orchestrator does not answer, or its answer has no jobs.
        """
        ids = _ids_of(job_ids)
        with _shown(progress, on_progress) as show:
            ended = self._wait(ids, show, Patience(timeout, interval, sleep))
        failed = [job for job in ended if job["state"] != JobState.COMPLETED]
        if failed and (self._transport.raise_errors if raise_errors is None else raise_errors):
            raise JobFailed(_failures(failed, len(ended)), failed)
        return ended

    def _wait(self, ids: Sequence[str], show: Callable[[Job], None], patience: Patience) -> list[Job]:
        jobs: dict[str, Job] = {}

        def pending() -> list[str]:
            return [job_id for job_id in ids if jobs.get(job_id, {}).get("state") not in FINAL_STATES]

        def going_on() -> GoingOn:
            return GoingOn(tuple(pending()))

        with interrupts_named(going_on):
            while True:
                for job_id in pending():
                    jobs[job_id] = patience.look(partial(self._look_at, job_id), going_on())
                    show(jobs[job_id])
                if not pending():
                    return Records(jobs[job_id] for job_id in ids)
                patience.pause(going_on())

    def _look_at(self, job_id: str) -> Job:
        job: Job = self._found(route("jobs", job_id))
        return job


def _failures(failed: Sequence[Job], of: int) -> str:
    """What became of jobs that did not complete: the first in full, of the others how many they are."""
    first = failed[0]
    reason = (first.get("error") or {}).get("message")
    what = f"{first.get('stage', 'job')} {'/'.join((first.get('keys') or {}).values())} {first['state']} (job {first['id']})"
    more = f"; {len(failed)} of {of} jobs did not complete" if len(failed) > 1 else ""
    return f"{what}: {reason}{more}" if reason else f"{what}{more}"


def _ids_of(wanted: str | Sequence[str] | Mapping[str, Any]) -> list[str]:
    if isinstance(wanted, str):
        return [wanted]
    if not isinstance(wanted, Mapping):
        return list(wanted)
    if "data" not in wanted:
        raise DriverError(str(wanted.get("message") or "no reason given"), wanted.get("status"), body=wanted)
    if any(found.get("kind") != "Job" for found in wanted["data"]):
        raise DriverError("the answer has results instead of jobs; was it asked for with respond_async=True?")
    return [job["id"] for job in wanted["data"]]


@contextmanager
def _shown(progress: bool, on_progress: Callable[[Job], None] | None) -> Iterator[Callable[[Job], None]]:
    """Where to show jobs: bars, whoever wants to be told, both or neither."""
    tell = on_progress or (lambda _job: None)
    if not progress:
        yield tell
        return
    # Imported late: it takes longer than the rest of the driver.
    from rich.console import Console

    from synergos.driver.progress import display_on, label_of

    with display_on(Console(stderr=True)) as display:

        def show(job: Job) -> None:
            display.job(label_of(job), job)
            tell(job)

        yield show
