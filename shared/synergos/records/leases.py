"""Leases on the jobs of a cluster: which TTP runs which job, and until when.

A TTP that takes a job up gets a **lease**: the job is its own until the lease ends, and it renews the lease while it
lives. Each taking-up has a **lease id** of its own, 128 random bits, and whatever an owner writes or sends names it: an owner
that was believed dead and comes back changes nothing any more, and nobody can guess it who was not told. In the same way one
TTP at a time holds a sub-grid (:mod:`synergos.records.grid_leases`). (Gray and Cheriton, "Leases", SOSP 1989.)
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update

from synergos.domain.job import Job, JobState
from synergos.domain.job_event import NO_NEWS, JobNews, owner_lost
from synergos.domain.job_progress import AwaitedWorker, waiting_for
from synergos.errors import LeaseLost
from synergos.records.changes import note_job
from synergos.records.grid_leases import GridLeases
from synergos.records.job_statuses import JobStatuses
from synergos.records.plain import plain
from synergos.records.store import RecordStore
from synergos.records.tables import JOBS


@dataclass(frozen=True)
class Claim:
    """One taking-up of a job.

    Attributes:
        job: as it was when it was taken up.
        fence: which taking-up of the job this is, from 1; what fences off others is the lease.
        lease: its id, which nobody else knows.
    """

    job: Job
    fence: int
    lease: str = field(repr=False)


@dataclass(frozen=True)
class Owner:
    """Who has a job, or had it last.

    Attributes:
        holder: the fingerprint of its identity, if it has one.
        outputs: the folder below which the files lie that it may leave.
    """

    holder: str
    outputs: Path


@dataclass(frozen=True)
class ClaimResult:
    """What a TTP gets when it asks for a job.

    Attributes:
        claim: the job it now runs, None when there is none for it.
        is_left: whether there is a job that only another sub-grid can run.
    """

    claim: Claim | None
    is_left: bool = False


class Leases:
    """The jobs of one record store, as those see them who run them.

    Attributes:
        grids: the leases on its sub-grids.
        statuses: what its jobs wait for or do.

    Args:
        seconds: how long an owner is believed to be alive after it was last heard of.
    """

    def __init__(self, store: RecordStore, seconds: float = 10.0) -> None:
        self._store = store
        self.seconds = seconds
        self.grids = GridLeases(store, seconds)
        self.statuses = JobStatuses(store)

    def claim(self, grid: int, holder: str, ttp: str, outputs: Path, identity: str | None = None) -> ClaimResult:
        """Take up the job that is scheduled next on a sub-grid; see :mod:`synergos.domain.scheduling`.

        Args:
            outputs: the folder below which the files lie that it may leave.
            identity: the fingerprint of who takes the job up, and will sign what becomes of it; ``holder`` unless it is said.

        Raises:
            LeaseLost: ``holder`` does not have the sub-grid.
        """
        with self._store.database.writing() as connection:
            now = self._store.database.now()
            if self.grids.holder_of(grid, now) != holder:
                raise LeaseLost(f"sub-grid {grid} is not this TTP's any more")
            ready = [each.job for each in self.statuses.all() if each.state is JobState.QUEUED]
            # Nearly always the first will do, so the others' registrations are not looked at.
            grids, joined = cache(self.grids.count_of), cache(self.grids.joined)
            goes_here = cache(lambda project: self.grids.takes(grid, project, joined))
            runnable = (
                job
                for job in self.statuses.in_turn(ready)
                if grid < grids(job.keys.project) and goes_here(job.keys.project)
            )
            job = next(runnable, None)
            if job is None:
                return ClaimResult(None, is_left=bool(ready))
            # By the clock that all hosts share: projects take turns by it.
            job = replace(job.started(), started_at=now, grid=grid, ttp=ttp, not_before=None)
            fence = connection.execute(select(JOBS.c.fence).where(JOBS.c.id == job.id)).scalar_one() + 1
            self._store.save_job(job)
            lease = secrets.token_hex(16)
            values = {"holder": identity or holder, "fence": fence, "lease": lease, "lease_until": self._end(now)}
            values |= {"outputs": str(outputs)}
            connection.execute(update(JOBS).where(JOBS.c.id == job.id).values(values))
        return ClaimResult(Claim(job, fence, lease))

    def renew(self, claim: Claim) -> bool:
        """Stay a job's owner; whether it is to be cancelled.

        Raises:
            LeaseLost: somebody else has taken it up, or it was ended.
        """
        with self._store.database.writing() as connection:
            self._change(claim, {"lease_until": self._end(self._store.database.now())})
            wanted = select(JOBS.c.cancel_requested).where(JOBS.c.id == claim.job.id)
            return bool(connection.execute(wanted).scalar_one())

    def report(self, claim: Claim, progress: Mapping[str, object] | None, news: JobNews = NO_NEWS) -> None:
        """Store how far the job is, and what has happened to it meanwhile.

        Args:
            progress: None where that is as before.

        Raises:
            LeaseLost: see :meth:`renew`.
        """
        with self._store.database.writing():
            # Where there is none the lease is looked at all the same.
            self._change(claim, {"fence": claim.fence} if progress is None else {"progress": plain(progress)})
            self._store.history.add(claim.job.id, news)

    def deliver(self, claim: Claim) -> None:
        """Stop being the owner of a job whose outcome has been sent off; nobody else takes it up.

        Raises:
            LeaseLost: see :meth:`renew`.
        """
        self._change(claim, {"state": JobState.ARCHIVING.value, "lease_until": None})

    def release(self, claim: Claim, delay: float = 0.0) -> None:
        """Give a job back, so that another TTP, or the next process of this one, goes on with it.

        Args:
            delay: seconds for which nobody is to take it up, because it failed; without a delay it was in order, and this
                was no attempt.

        Raises:
            LeaseLost: see :meth:`renew`.
        """
        not_before = self._store.database.now() + timedelta(seconds=delay) if delay else None
        state = JobState.WAITING if delay else JobState.QUEUED
        attempts = claim.job.attempts if delay else claim.job.attempts - 1
        values = {"state": state.value, "attempts": attempts, "lease_until": None, "not_before": not_before}
        self._change(claim, values)

    def hold(self, claim: Claim, awaited: Sequence[AwaitedWorker], seconds: float) -> None:
        """Put a job back that owners have to decide of first: nobody takes it up for so long, unless it is let go on.

        Args:
            awaited: whose decision it takes.

        Raises:
            LeaseLost: see :meth:`renew`.
        """
        with self._store.database.writing() as connection:
            wanted = select(JOBS.c.cancel_requested).where(JOBS.c.id == claim.job.id)
            if connection.execute(wanted).scalar_one_or_none():
                # Whoever takes it up next ends it, and that is to be soon.
                self.release(claim)
                return
            values = {"attempts": claim.job.attempts - 1, "lease_until": None, "state": JobState.WAITING.value}
            self._change(claim, {**values, **self._held_values(claim, awaited, seconds)})

    def still_held(self, claim: Claim, awaited: Sequence[AwaitedWorker], seconds: float) -> bool:
        """Hold a job for so much longer; false when it is not held any more, as it was cancelled for one."""
        with self._store.database.writing() as connection:
            before = plain(self._store.job(claim.job.id).progress)
            values = self._held_values(claim, awaited, seconds)
            is_held = bool(connection.execute(update(JOBS).where(*_is_held(claim)).values(values)).rowcount)
            # That it waits on is not told: it is so every few seconds.
            if is_held and values["progress"] != before:
                note_job(connection, claim.job.id)
            return is_held

    def let_go_on(self, claim: Claim, left: Sequence[AwaitedWorker]) -> None:
        """Have a job that is held taken up when it is its turn; one that is not stays as it is.

        Args:
            left: whose decision it takes still, though it took too long.
        """
        with self._store.database.writing() as connection:
            values = {"progress": self._waiting_for(claim, left), "not_before": None}
            if connection.execute(update(JOBS).where(*_is_held(claim)).values(values)).rowcount:
                note_job(connection, claim.job.id)

    def _held_values(self, claim: Claim, awaited: Sequence[AwaitedWorker], seconds: float) -> dict[str, object]:
        not_before = self._store.database.now() + timedelta(seconds=seconds)
        return {"progress": self._waiting_for(claim, awaited), "not_before": not_before}

    def _waiting_for(self, claim: Claim, awaited: Sequence[AwaitedWorker]) -> Any:
        return plain(waiting_for(self._store.job(claim.job.id).progress, awaited))

    # For a director

    def cancel(self, job_id: str) -> bool:
        """Ask the owner of a running job to stop; False when it has none that is alive."""
        with self._store.database.writing() as connection:
            alive = (JOBS.c.state == JobState.RUNNING.value, JOBS.c.lease_until > self._store.database.now())
            asked = update(JOBS).where(JOBS.c.id == job_id, *alive).values(cancel_requested=True)
            return bool(connection.execute(asked).rowcount)

    def reopen(self, job_id: str) -> None:
        """Have a job run again whose outcome was sent off and is nowhere any more; should it come yet, it counts."""
        lost = (JOBS.c.id == job_id, JOBS.c.state == JobState.ARCHIVING.value)
        with self._store.database.writing() as connection:
            if connection.execute(update(JOBS).where(*lost).values(state=JobState.WAITING.value)).rowcount:
                note_job(connection, job_id)

    def arrange(self) -> list[Job]:
        """Reconcile the stored state of every job that nobody runs; those that have become ready to start. Idempotent.

        A job whose owner has not been heard of for too long is queued again; one that waited for another, or for its
        next attempt, is queued when that is over; one that must wait is made to.
        """
        with self._store.database.writing() as connection:
            moved = [each for each in self.statuses.all() if each.state is not each.job.state]
            for each in moved:
                values = {"state": each.state.value, "lease_until": None}
                connection.execute(update(JOBS).where(JOBS.c.id == each.job.id).values(values))
                if each.job.state is JobState.RUNNING:
                    self._store.history.add(each.job.id, owner_lost(each.job))
                note_job(connection, each.job.id)
            return [replace(each.job, state=each.state) for each in moved if each.state is JobState.QUEUED]

    def outputs_of(self, job_id: str, lease: str) -> Path:
        """The folder for what a job leaves, to whoever took it up last and names the lease; others are told nothing.

        Raises:
            LeaseLost: it is another lease, or nobody has taken the job up.
        """
        return self.owner(job_id, lease).outputs

    def owner(self, job_id: str, lease: str) -> Owner:
        """Who took a job up last, to whoever names the lease.

        Raises:
            LeaseLost: it is another lease, or nobody has taken the job up.
        """
        wanted = select(JOBS.c.lease, JOBS.c.outputs, JOBS.c.holder).where(JOBS.c.id == job_id)
        with self._store.database.reading() as connection:
            found = connection.execute(wanted).one_or_none()
        if found is None or found.lease is None or not secrets.compare_digest(found.lease, lease):
            raise LeaseLost(f"job {job_id} is held under another lease, or under none")
        return Owner(found.holder, Path(found.outputs))

    def _end(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self.seconds)

    def _change(self, claim: Claim, values: Mapping[str, object]) -> None:
        mine = and_(JOBS.c.id == claim.job.id, JOBS.c.lease == claim.lease, JOBS.c.state == JobState.RUNNING.value)
        with self._store.database.writing() as connection:
            if not connection.execute(update(JOBS).where(mine).values(dict(values))).rowcount:
                raise LeaseLost(f"job {claim.job.id} is not this TTP's any more")
            # That its owner lives is not told: it is so every few seconds.
            if values.keys() != {"lease_until"}:
                note_job(connection, claim.job.id)


def _is_held(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return (JOBS.c.id == claim.job.id, JOBS.c.lease == claim.lease, JOBS.c.state == JobState.WAITING.value)
