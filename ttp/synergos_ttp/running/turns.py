"""The jobs that wait at a basic TTP: collaborations take turns, and each one's jobs are taken up in the order they came.

A job that is held, as an owner has something to decide first, keeps its place and is passed over, and so is what depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator

from synergos.domain.dependencies import JobDependencies
from synergos.domain.job import Job
from synergos.domain.turns import in_turn


class Turns:
    """A line of jobs per collaboration, by their ids; whoever has it guards it, as it locks nothing."""

    def __init__(self) -> None:
        # Dicts because a job may leave from the middle. No line is empty.
        self._lines: dict[str, dict[str, Job]] = {}
        self._collaboration_of: dict[str, str] = {}
        # In which order they came, also of one that was taken up and may be held.
        self._places: dict[str, int] = {}
        self._came = 0
        self._held: set[str] = set()
        # When each collaboration had its last turn, counted in turns.
        self._served: dict[str, float] = {}
        self._turn = 0

    def add(self, job: Job) -> None:
        """Have a job wait behind those of its collaboration."""
        collaboration = self._collaboration_of[job.id] = job.keys["collab_id"]
        self._lines.setdefault(collaboration, {})[job.id] = job
        self._came += 1
        self._places[job.id] = self._came
        # Who is new comes before whoever is being served, and behind who has waited since an earlier turn: else new ones, one after
        # the other, would keep the others waiting for ever.
        self._served.setdefault(collaboration, self._turn - 0.5)

    def take(self) -> str | None:
        """The job whose turn it is, which waits no more; None when none can be taken up."""
        job_id = next(self._in_turn(), None)
        if job_id is not None:
            self._turn += 1
            self._served[self._collaboration_of[job_id]] = self._turn
            self._leave(job_id)
        return job_id

    def hold(self, job: Job) -> None:
        """Have a job wait that was taken up, at the place it had, and pass it over until it is let go."""
        collaboration = self._collaboration_of[job.id] = job.keys["collab_id"]
        waiting = {**self._lines.get(collaboration, {}), job.id: job}
        self._lines[collaboration] = dict(sorted(waiting.items(), key=lambda each: self._places[each[0]]))
        self._held.add(job.id)

    def let_go(self, job_id: str) -> None:
        """Pass a job over no more."""
        self._held.discard(job_id)

    def remove(self, job_id: str) -> None:
        """Have a job wait no more; one that does not wait changes nothing."""
        self._held.discard(job_id)
        self._places.pop(job_id, None)
        self._leave(job_id)

    def _leave(self, job_id: str) -> None:
        collaboration = self._collaboration_of.pop(job_id, None)
        if collaboration is None:
            return
        del self._lines[collaboration][job_id]
        if not self._lines[collaboration]:
            del self._lines[collaboration]

    def order(self) -> list[str]:
        """The jobs that can be taken up, in the order in which they are when no others come."""
        return list(self._in_turn())

    def behind(self) -> dict[str, str]:
        """The jobs that are passed over as others are held, each with the one that it depends on."""
        return {job_id: first for line in self._lines.values() for job_id, first in self._behind(line).items()}

    def all(self) -> list[str]:
        """All jobs that wait, whether or not they can be taken up."""
        return list(self._collaboration_of)

    def __bool__(self) -> bool:
        """Whether a job can be taken up."""
        return next(self._in_turn(), None) is not None

    def _in_turn(self) -> Iterator[str]:
        return in_turn({name: self._open(line) for name, line in self._lines.items()}, self._served)

    def _open(self, line: dict[str, Job]) -> list[str]:
        """Of a line, what is neither held nor depends on what is."""
        if self._held.isdisjoint(line):
            return list(line)
        passed_over = self._held | self._behind(line).keys()
        return [job_id for job_id in line if job_id not in passed_over]

    def _behind(self, line: dict[str, Job]) -> dict[str, str]:
        if self._held.isdisjoint(line):
            return {}
        dependencies, found = JobDependencies(), dict[str, str]()
        for job_id, job in line.items():
            first = dependencies.add(job)
            if job_id not in self._held and first is not None and (first.id in self._held or first.id in found):
                found[job_id] = first.id
        return found
