"""Jobs: how stage requests are getting on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from synergos.domain.job import FINAL_STATES
from synergos.driver.errors import DriverError, WaitTimeout
from synergos.driver.lists import Choice
from synergos.driver.task import Task
from synergos.driver.transport import Response, check, route

SHORTEST_INTERVAL = 0.1
LONGEST_INTERVAL = 10.0

Job = dict[str, Any]


class JobTask(Task):
    """Calls about jobs: every stage request becomes one for each combination of experiment and run.

    A job has ``id``, ``stage``, ``state`` (waiting, queued, running, completed, failed, cancelled), ``keys`` (the ids it
    works on), ``progress`` (``round``, ``rounds``, ``losses``, ``fraction``, ``seconds_left``; ``waiting_for`` and
    ``position`` while other jobs come first), ``attempts``, ``error`` and the times ``created_at``, ``started_at``,
    ``finished_at``.
    """

    def read_all(self, **choices: Choice) -> Response:
        """All jobs, oldest first, or those that ``choices`` choose: by ``state``, ``stage`` and any id (``project_id="p1"``).

        Args:
            choices: which of them, see :data:`synergos.driver.lists.Choice`; ``order="newest", limit=20`` for instance.
        """
        return self._list(route("jobs"), choices)

    def read(self, job_id: str) -> Response:
        """One job."""
        return self._get(route("jobs", job_id))

    def cancel(self, job_id: str) -> Response:
        """Ask one job to stop; an error (409) when it has ended already."""
        return self._post(route("jobs", job_id, "cancel"), {})

    def wait(
        self,
        job_ids: str | Sequence[str] | Response,
        on_progress: Callable[[Job], None] | None = None,
        timeout: float | None = None,
        interval: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
        *,
        progress: bool = False,
    ) -> list[Job]:
        """Wait until jobs have ended, whatever way; look at each one's ``state`` and ``error``.

        Args:
            job_ids: one id, several, or the answer to a stage request with ``respond_async``.
            on_progress: told each job as it stands, every time it is asked for.
            timeout: seconds after which to give up; None waits as long as it takes.
            interval: seconds between two looks, kept between 0.1 and 10.
            sleep: how to pass the time.
            progress: show a bar for each job, with round, losses and time left.

        Returns:
            The jobs as they ended, in the order of ``job_ids``.

        Raises:
            WaitTimeout: some have not ended in time.
            DriverError: there is no such job, the orchestrator does not answer, or its answer has no jobs.
        """
        ids = _ids_of(job_ids)
        with _shown(progress, on_progress) as show:
            return self._wait(ids, show, timeout, interval, sleep)

    def _wait(
        self,
        ids: Sequence[str],
        show: Callable[[Job], None],
        timeout: float | None,
        interval: float,
        sleep: Callable[[float], None],
    ) -> list[Job]:
        pause = min(max(interval, SHORTEST_INTERVAL), LONGEST_INTERVAL)
        deadline = None if timeout is None else time.monotonic() + timeout
        jobs: dict[str, Job] = {}
        while True:
            for job_id in ids:
                if jobs.get(job_id, {}).get("state") not in FINAL_STATES:
                    jobs[job_id] = self._look_at(job_id)
                    show(jobs[job_id])
            pending = [job_id for job_id in ids if jobs[job_id]["state"] not in FINAL_STATES]
            if not pending:
                return [jobs[job_id] for job_id in ids]
            if deadline is not None and time.monotonic() + pause > deadline:
                raise WaitTimeout(f"not ended within {timeout:g} s: {', '.join(pending)}")
            sleep(pause)

    def _look_at(self, job_id: str) -> Job:
        status, body = self._transport.exchange("GET", route("jobs", job_id))
        check(status, body)
        return dict(body["data"])


def _ids_of(wanted: str | Sequence[str] | Response) -> list[str]:
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
