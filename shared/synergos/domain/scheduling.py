"""Scheduling: which of the ready jobs is run next."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import heapify, heappop, heapreplace
from itertools import groupby

from synergos.domain.job import Job, Stage
from synergos.domain.keys import ProjectKey
from synergos.domain.turns import in_turn

_RANK = {Stage.CHECK: 0, Stage.PREPROCESS: 0, Stage.TRAIN: 1, Stage.VALIDATE: 2, Stage.PREDICT: 2}
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Served:
    """When a job of each was last taken up, for those where one was; aware.

    Attributes:
        collaborations: by id.
    """

    projects: Mapping[ProjectKey, datetime] = field(default_factory=dict)
    collaborations: Mapping[str, datetime] = field(default_factory=dict)


def scheduling_order(ready: Iterable[Job], served: Served) -> Iterator[Job]:
    """The jobs in the order in which they are taken up when no others come: fair between collaborations, then projects.

    The collaboration that was served longest ago comes first, whatever others say is urgent. Within it the highest priority
    comes first, then the project that was served longest ago, then alignments before trainings before evaluations, then
    the oldest.

    Args:
        ready: in the order they were accepted.
    """
    lines: dict[str, list[Job]] = defaultdict(list)
    for job in ready:
        lines[job.keys["collab_id"]].append(job)
    ordered = {name: _within_collaboration(line, served.projects) for name, line in lines.items()}
    return in_turn(ordered, served.collaborations)


def _within_collaboration(ready: Iterable[Job], served: Mapping[ProjectKey, datetime]) -> Iterator[Job]:
    # What is served meanwhile comes after all that was served before.
    last: dict[ProjectKey, tuple[int, datetime | int]] = {project: (0, moment) for project, moment in served.items()}
    turns = 0
    for _, urgent in groupby(sorted(ready, key=lambda job: -job.priority), lambda job: job.priority):
        lines: dict[ProjectKey, deque[tuple[int, int, Job]]] = defaultdict(deque)
        for rank, number, job in sorted((_RANK[job.stage], number, job) for number, job in enumerate(urgent)):
            lines[job.keys.project].append((rank, number, job))
        heap = [(last.get(project, (0, _NEVER)), *line[0][:2], project) for project, line in lines.items()]
        heapify(heap)
        while heap:
            project = heap[0][-1]
            line = lines[project]
            yield line.popleft()[-1]
            turns += 1
            last[project] = (1, turns)
            if line:
                heapreplace(heap, (last[project], *line[0][:2], project))
            else:
                heappop(heap)
