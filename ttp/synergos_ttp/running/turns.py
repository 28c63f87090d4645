"""The jobs that wait at a basic TTP: collaborations take turns, and each one's jobs are taken up in the order they came."""

from __future__ import annotations

from collections.abc import Iterator

from synergos.domain.job import Job
from synergos.domain.turns import in_turn


class Turns:
    """A line of jobs per collaboration, by their ids; whoever has it guards it, as it locks nothing."""

    def __init__(self) -> None:
        # Dicts because a job may leave from the middle. No line is empty.
        self._lines: dict[str, dict[str, None]] = {}
        self._collaboration_of: dict[str, str] = {}
        # When each collaboration had its last turn, counted in turns.
        self._served: dict[str, float] = {}
        self._turn = 0

    def add(self, job: Job) -> None:
        """Have a job wait behind those of its collaboration."""
        collaboration = self._collaboration_of[job.id] = job.keys["collab_id"]
        self._lines.setdefault(collaboration, {})[job.id] = None
        # Who is new comes before whoever is being served, and behind who has waited since an earlier turn: else new ones, one after
        # the other, would keep the others waiting for ever.
        self._served.setdefault(collaboration, self._turn - 0.5)

    def take(self) -> str | None:
        """The job whose turn it is, which waits no more; None when none waits."""
        job_id = next(self._in_turn(), None)
        if job_id is not None:
            self._turn += 1
            self._served[self._collaboration_of[job_id]] = self._turn
            self.remove(job_id)
        return job_id

    def remove(self, job_id: str) -> None:
        """Have a job wait no more; one that does not wait changes nothing."""
        collaboration = self._collaboration_of.pop(job_id, None)
        if collaboration is None:
            return
        del self._lines[collaboration][job_id]
        if not self._lines[collaboration]:
            del self._lines[collaboration]

    def order(self) -> list[str]:
        """All jobs that wait, in the order in which they are taken up when no others come."""
        return list(self._in_turn())

    def __bool__(self) -> bool:
        """Whether a job waits."""
        return bool(self._lines)

    def _in_turn(self) -> Iterator[str]:
        return in_turn(self._lines, self._served)
