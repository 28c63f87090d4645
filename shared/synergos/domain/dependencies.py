"""Dependencies between jobs: which must not run beside each other, because one reads or replaces what the other writes."""

from __future__ import annotations

from collections.abc import Hashable

from synergos.domain.job import Job, Stage
from synergos.domain.keys import RunKey


class JobDependencies:
    """The dependency of each unfinished job on the one before that it must wait for.

    An alignment is what everything in its project rests on, a model what its validations and predictions rest on; and
    jobs that write the same result run one after the other. Adding a job costs the same however many there are.
    """

    def __init__(self) -> None:
        self._latest: dict[Hashable, tuple[int, Job]] = {}
        self._length = 0

    def add(self, job: Job) -> Job | None:
        """Add the job accepted next; the last of those before that it depends on, None when it may run at once."""
        waits_for, holds = _resources(job)
        found = [self._latest[resource] for resource in waits_for if resource in self._latest]
        self._length += 1
        self._latest.update(dict.fromkeys(holds, (self._length, job)))
        return max(found, key=lambda entry: entry[0])[1] if found else None


def _resources(job: Job) -> tuple[list[Hashable], list[Hashable]]:
    """The resources whose last holder must have ended first, and those that this job holds for later ones."""
    if job.stage is Stage.CHECK:
        # It reads what everybody may read, and writes nothing.
        return [], []
    project = job.keys.project
    aligned = (Stage.PREPROCESS, project)
    if not isinstance(job.keys, RunKey):
        return [project], [project, aligned]
    run = job.keys.run
    stage, participant = (job.stage, run), job.keys.get("participant_id")
    holds: list[Hashable] = [project, run, stage, (*stage, participant)]
    if job.stage is Stage.TRAIN:
        return [aligned, run], holds
    # No participant stands for all of them.
    same = [stage] if participant is None else [(*stage, participant), (*stage, None)]
    return [aligned, (Stage.TRAIN, run), *same], holds
