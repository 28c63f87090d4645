"""The heartbeat of a TTP: renews the leases of its sub-grid, always, and of the job it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from itertools import product
from uuid import uuid4

import structlog
from sqlalchemy.exc import SQLAlchemyError

from synergos.domain.job import CANCELLED_ON_REQUEST
from synergos.errors import JobCancelled, LeaseLost
from synergos.program.log_context import about_job
from synergos.program.loop import Loop
from synergos.records.leases import Claim, Leases
from synergos_ttp.control import Control

log = structlog.get_logger(__name__)

JOB, GRID = "job", "sub_grid"
"""What is held by a lease."""


class Renewal(StrEnum):
    """What came of renewing one."""

    RENEWED = "renewed"
    LOST = "lost"
    FAILED = "failed"


_UNREACHABLE = "the record store could not be reached for so long that another TTP may have taken the job up"


class LeaseKeeper:
    """A thread that renews leases four times as often as it must.

    Args:
        grid: the index of the sub-grid.
        ttp: what this TTP is called.
        joined: the fingerprints of the workers that have joined it.
    """

    def __init__(self, leases: Leases, grid: int, ttp: str, joined: Callable[[], Collection[str]] = frozenset) -> None:
        self._leases = leases
        self._grid = grid
        self._ttp = ttp
        self._joined = joined
        self._claim: tuple[Claim, Control] | None = None
        self._renewed_at = 0.0
        # Guards the claim between the job thread, which sets it, and the thread that renews leases.
        self._lock = threading.Lock()
        self._has_grid = threading.Event()
        self._other: str | None = None
        # Without this thread the TTP would lose every job it takes up: a turn that failed is soon followed by the next.
        self._loop = Loop("leases", self._turn, pause=leases.seconds / 4)
        self.holder = uuid4().hex
        # Counted by this thread; nothing is added that is not there from the beginning, so that others may read it.
        self._renewals = dict.fromkeys(product((JOB, GRID), Renewal), 0)

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def close(self) -> None:
        """End, and make room for another TTP of the same sub-grid."""
        self._loop.close()
        if self._has_grid.is_set():
            try:
                self._leases.grids.leave(self._grid, self.holder)
            except SQLAlchemyError as error:
                log.warning("sub-grid not left; its lease ends by itself", grid=self._grid, reason=type(error).__name__)

    def wait_for_grid(self, seconds: float) -> bool:
        """Whether the sub-grid is this TTP's, now or within so many seconds."""
        return self._has_grid.wait(seconds)

    @property
    def renewals(self) -> Mapping[tuple[str, Renewal], int]:
        """How often a lease was renewed, or could not be, by what it is for."""
        return self._renewals

    @contextmanager
    def keeping(self, claim: Claim, control: Control) -> Iterator[None]:
        """Renew a job's lease meanwhile; ``control`` is stopped when it is lost or the job is to be cancelled."""
        with self._lock:
            self._claim, self._renewed_at = (claim, control), time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._claim = None

    def _turn(self) -> float:
        """Renew what is held; how many seconds to rest before the next time."""
        # Under the lock: a lease is never renewed after whoever kept it has left.
        with self._lock:
            self._renew_job()
        self._renew_grid()
        return self._leases.seconds / 4

    def _renew_job(self) -> None:
        if self._claim is None:
            return
        claim, control = self._claim
        with about_job(claim.job):
            self._renew_lease(claim, control)

    def _renew_lease(self, claim: Claim, control: Control) -> None:
        try:
            if self._leases.renew(claim):
                control.stop(JobCancelled(CANCELLED_ON_REQUEST.message))
            self._renewed_at = time.monotonic()
            self._count(JOB, Renewal.RENEWED)
        except LeaseLost as error:
            self._count(JOB, Renewal.LOST)
            control.stop(error)
        except SQLAlchemyError as error:
            self._count(JOB, Renewal.FAILED)
            log.warning("lease not renewed", reason=type(error).__name__)
            if time.monotonic() - self._renewed_at > self._leases.seconds:
                control.stop(LeaseLost(_UNREACHABLE))

    def _renew_grid(self) -> None:
        try:
            other = self._leases.grids.hold(self._grid, self.holder, self._ttp, self._joined())
        except SQLAlchemyError as error:
            self._count(GRID, Renewal.FAILED)
            log.warning("sub-grid not held", grid=self._grid, reason=type(error).__name__)
            return
        self._count(GRID, Renewal.RENEWED if other is None else Renewal.LOST)
        if other is None:
            self._has_grid.set()
        else:
            self._has_grid.clear()
            if other != self._other:
                log.warning("sub-grid is held by another TTP; standing by", grid=self._grid, ttp=other)
        self._other = other

    def _count(self, lease: str, renewal: Renewal) -> None:
        self._renewals[lease, renewal] += 1
