"""Which jobs must not run beside each other: what reads a result waits for whoever makes it, and the other way round."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from synergos.domain.job import Job, Stage

_RUN = ("collab_id", "project_id", "expt_id", "run_id")


class Line:
    """Jobs in the order they were accepted, each with the one before that it must wait for.

    An alignment is what everything in its project rests on, a model what its validations and predictions rest on; and
    jobs that write the same result take turns. Joining takes the same time however long the line is.
    """

    def __init__(self) -> None:
        self._latest: dict[Hashable, tuple[int, Job]] = {}
        self._length = 0

    def join(self, job: Job) -> Job | None:
        """Stand at the end; the last of those before that the job must wait for, None when it need not wait."""
        found = [self._latest[place] for place in _waits_for(job) if place in self._latest]
        self._length += 1
        self._latest.update(dict.fromkeys(_stands_at(job), (self._length, job)))
        return max(found, key=lambda entry: entry[0])[1] if found else None


def _waits_for(job: Job) -> Iterator[Hashable]:
    """The places where whoever stood there last must be over first."""
    if job.stage is Stage.PREPROCESS:
        yield _project(job)
        return
    yield (Stage.PREPROCESS, _project(job))
    if job.stage is Stage.TRAIN:
        yield _run(job)
        return
    yield (Stage.TRAIN, _run(job))
    participant = job.keys.get("participant_id")
    if participant is None:
        yield (job.stage, _run(job))
    else:
        # No participant stands for all of them.
        yield (job.stage, _run(job), participant)
        yield (job.stage, _run(job), None)


def _stands_at(job: Job) -> Iterator[Hashable]:
    """The places where a later job may look for this one."""
    yield _project(job)
    if job.stage is Stage.PREPROCESS:
        yield (Stage.PREPROCESS, _project(job))
        return
    yield _run(job)
    yield (job.stage, _run(job))
    yield (job.stage, _run(job), job.keys.get("participant_id"))


def _project(job: Job) -> Hashable:
    return tuple(job.keys[field] for field in _RUN[:2])


def _run(job: Job) -> Hashable:
    return tuple(job.keys[field] for field in _RUN)
