"""Preparations: reading tagged datasets and saying which columns they have, one after another, in one thread."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import structlog
from structlog.contextvars import bound_contextvars

from synergos.domain.asker import NOBODY, Asker
from synergos.domain.feature_space import Action
from synergos.domain.keys import ProjectKey
from synergos.domain.preparation import Prepared
from synergos.domain.tags import Purpose
from synergos.errors import (
    Conflict,
    InvalidRequest,
    JobCancelled,
    NotRecorded,
    RecordNotFound,
    ServiceStopping,
    UnusableData,
)
from synergos.program.loop import Loop
from synergos.tables.stopping import given_up, refuse_unwanted
from synergos_worker import what_left
from synergos_worker.dataset import Fingerprint
from synergos_worker.disclosure import guard
from synergos_worker.error_responses import log_unforeseen
from synergos_worker.logged import folders, shortened
from synergos_worker.tables import LoadedTable, Tables, Tags
from synergos_worker.use_ledger import UNRECORDED, Uses

log = structlog.get_logger(__name__)


class State(StrEnum):
    """Where a preparation stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self in {State.COMPLETED, State.FAILED}


@dataclass(frozen=True)
class Preparation:
    """One preparation, as it stands at one moment.

    Attributes:
        number: counts from 1, in order of the first request.
        result: when completed, what is told of the datasets.
        error: when failed, ``message`` and ``field``.
        fingerprint: of the files the result was read from.
        asker: who asked for it first.
        peer: the fingerprint of whose it is alone; None for anybody's.
        minimum_rows: how many rows have to share what is said, as it was asked for; None where that is left to the owner.
        who: the fingerprint of who asked for it first; None where that did not show who it is.
    """

    id: str
    number: int
    project: ProjectKey
    action: Action
    tags: Tags
    state: State = State.QUEUED
    result: Prepared | None = None
    error: Mapping[str, str | None] | None = None
    fingerprint: Fingerprint | None = None
    asker: Asker = NOBODY
    minimum_rows: int | None = None
    peer: str | None = None
    who: str | None = None


class Preparations:
    """The queue, and what came of its last entries.

    Args:
        keep: how many preparations are remembered; the ones that ended first are forgotten first.
        uses: takes note of what is told.
    """

    def __init__(self, tables: Tables, keep: int, uses: Uses = UNRECORDED) -> None:
        self._uses = uses
        self._tables = tables
        self._keep = keep
        self._known: dict[str, Preparation] = {}
        self._count = 0
        self._stopped = False
        # Guards what is known, between request threads and the one that reads datasets.
        self._changed = threading.Condition()
        self._loop = Loop("preparation", self._turn)
        self._loop.start()

    def submit(
        self,
        project: ProjectKey,
        action: Action,
        tags: Tags,
        asker: Asker = NOBODY,
        minimum_rows: int | None = None,
        peer: str | None = None,
        who: str | None = None,
    ) -> Preparation:
        """Ask for a preparation; the one there is, unless it failed or files have changed since.

        Args:
            peer: the fingerprint of whose it is alone; None for anybody's.
            who: that of who asks, if that has shown who it is.

        Raises:
            Conflict: too many are waiting, or the worker is about to end.
            NotRecorded: it cannot be written down that it is told again.
        """
        identifier = _digest(project, action, tags, minimum_rows, peer)
        fingerprint = self._tables.fingerprint(tags)
        with self._changed:
            known = self._known.get(identifier)
            is_known = known is not None and not _is_stale(known, fingerprint)
        if known is not None and is_known and known.result is not None:
            # Outside the lock: it waits for the disk.
            self._uses.telling(replace(known, asker=asker, who=who), what_left.of_preparation(known.result))
        with self._changed:
            known = self._known.get(identifier)
            if known is not None and not _is_stale(known, fingerprint):
                return known
            self._make_room(identifier)
            self._count += 1
            # Put in anew, so that it goes to the end of the queue.
            self._known.pop(identifier, None)
            asked = Preparation(identifier, self._count, project, action, tags, minimum_rows=minimum_rows)
            self._known[identifier] = replace(asked, asker=asker, peer=peer, who=who)
            self._changed.notify_all()
            return self._known[identifier]

    def get(
        self, project: ProjectKey, identifier: str | None, wait: float = 0.0, peer: str | None = None
    ) -> Preparation:
        """One preparation that somebody has of a project, the newest when not said which; held back until it has ended, for ``wait`` seconds.

        Raises:
            RecordNotFound: there is none (any more).
        """
        with self._changed:
            found = self._find(project, identifier, peer)
            self._changed.wait_for(lambda: self._stopped or self._has_ended(found.id), timeout=wait)
            return self._find(project, found.id, peer)

    def ahead_of(self, preparation: Preparation) -> int:
        """How many others come before it."""
        with self._changed:
            if preparation.state.has_ended:
                return 0
            return sum(
                1 for other in self._known.values() if not other.state.has_ended and other.number < preparation.number
            )

    def waiting(self) -> int:
        """How many have not ended."""
        with self._changed:
            return sum(not found.state.has_ended for found in self._known.values())

    def peers(self) -> set[str]:
        """Who has asked for those that have not ended, of those who have shown who they are."""
        with self._changed:
            return {found.who for found in self._known.values() if found.who and not found.state.has_ended}

    def end_those_of(self, peers: Collection[str]) -> None:
        """End those that some have asked for: what is read is given up, and nothing of it is told."""
        with self._changed:
            for found in list(self._known.values()):
                if found.who in peers and not found.state.has_ended:
                    self._known[found.id] = _failed(found, "the owner of this worker has revoked its approval")
            self._changed.notify_all()

    def stop(self) -> None:
        """Start nothing more; the one that is running is not waited for."""
        self._loop.stop()
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _find(self, project: ProjectKey, identifier: str | None, peer: str | None) -> Preparation:
        mine = [
            found
            for found in self._known.values()
            if (found.project, found.peer) == (project, peer) and identifier in {None, found.id}
        ]
        if not mine:
            which = f"preparation {identifier!r}" if identifier else "preparation"
            raise RecordNotFound(f"there is no {which} of project {project.project_id!r}; poll for it first")
        return mine[-1]

    def _is_unwanted(self, identifier: str) -> bool:
        # Asked by the thread that reads, between two pieces.
        with self._changed:
            return self._stopped or self._has_ended(identifier)

    def _has_ended(self, identifier: str) -> bool:
        found = self._known.get(identifier)
        return found is None or found.state.has_ended

    def _make_room(self, identifier: str) -> None:
        if self._stopped:
            raise ServiceStopping("this worker is about to end")
        ended = [other.id for other in self._known.values() if other.state.has_ended and other.id != identifier]
        surplus = len(self._known.keys() - {identifier}) + 1 - self._keep
        if surplus > len(ended):
            raise Conflict(f"{self._keep} preparations are waiting already; try again later")
        for old in ended[: max(0, surplus)]:
            del self._known[old]

    def _turn(self) -> float:
        preparation = self._next()
        if preparation is not None:
            self._settle(self._outcome(preparation))
        return 0.0

    def _next(self) -> Preparation | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._queued() is not None)
            queued = self._queued()
            if self._stopped or queued is None:
                return None
            self._known[queued.id] = running = replace(queued, state=State.RUNNING)
            return running

    def _queued(self) -> Preparation | None:
        return next((found for found in self._known.values() if found.state is State.QUEUED), None)

    def _outcome(self, preparation: Preparation) -> Preparation:
        with bound_contextvars(preparation=preparation.id, **preparation.project, **preparation.asker.facts):
            return self._prepared(preparation)

    def _prepared(self, preparation: Preparation) -> Preparation:
        try:
            with given_up(lambda: self._is_unwanted(preparation.id)):
                loaded = _load(self._tables, preparation.action, preparation.tags, preparation.minimum_rows)
                result = _describe(loaded)
                refuse_unwanted()
            self._uses.telling(preparation, what_left.of_preparation(result), _rows(loaded))
        except InvalidRequest as error:
            log.warning("preparation failed", reason=shortened(str(error)), tags=folders(preparation.tags))
            return _failed(preparation, str(error), error.field)
        except NotRecorded as error:
            return _failed(preparation, str(error))
        except JobCancelled:
            log.info("preparation given up", tags=folders(preparation.tags))
            return _failed(preparation, "was given up")
        except Exception as error:  # whatever it was, the next preparation must run
            log_unforeseen("preparation failed", error)
            return _failed(preparation, "the datasets could not be prepared; the log of this worker says what happened")
        log.info(
            "preparation completed",
            tags=folders(preparation.tags),
            left=what_left.of_preparation(result),
            rows=_rows(loaded),
            files={purpose.value: about.files for purpose, about in result.metadata.items()},
            cells={purpose.value: about.cells for purpose, about in result.metadata.items()},
        )
        fingerprint = tuple(stamp for found in loaded.values() for stamp in found.fingerprint)
        return replace(preparation, state=State.COMPLETED, result=result, fingerprint=fingerprint)

    def _settle(self, preparation: Preparation) -> None:
        with self._changed:
            # One that was ended meanwhile stays as it was; one that was asked for again since is another one.
            known = self._known.get(preparation.id)
            if known is not None and known.number == preparation.number and not known.state.has_ended:
                self._known[preparation.id] = preparation
            self._changed.notify_all()


def prepare(tables: Tables, action: Action, tags: Tags) -> Prepared:
    """What a preparation would say, at once.

    Raises:
        UnusableData: what it would fail with.
    """
    return _describe(_load(tables, action, tags))


def _digest(project: ProjectKey, action: Action, tags: Tags, minimum_rows: int | None, peer: str | None) -> str:
    text = json.dumps([project.collab_id, project.project_id, action, sorted(tags.items()), minimum_rows, peer])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _is_stale(known: Preparation, fingerprint: Fingerprint | None) -> bool:
    return known.state is State.FAILED or (known.state is State.COMPLETED and known.fingerprint != fingerprint)


def _load(tables: Tables, action: Action, tags: Tags, minimum_rows: int | None = None) -> dict[Purpose, LoadedTable]:
    """The tables of all purposes, all of one datatype."""
    loaded = {purpose: tables.get(action, purpose, some).telling(minimum_rows) for purpose, some in tags.items()}
    datatypes = {found.datatype: purpose for purpose, found in loaded.items()}
    if len(datatypes) > 1:
        listed = ", ".join(f"{datatype} ({purpose})" for datatype, purpose in datatypes.items())
        raise UnusableData(f"expected datasets of one type in a project, found {listed}", "tags")
    for purpose, found in loaded.items():
        guard.refuse_few_rows(found, purpose)
    return loaded


def _failed(preparation: Preparation, message: str, field: str | None = None) -> Preparation:
    return replace(preparation, state=State.FAILED, error={"message": message, "field": field})


def _rows(loaded: Mapping[Purpose, LoadedTable]) -> dict[str, int]:
    """How many rows there are, by purpose."""
    return {purpose.value: sum(count for _, count in found.table.origins) for purpose, found in loaded.items()}


def _describe(loaded: Mapping[Purpose, LoadedTable]) -> Prepared:
    described = {purpose: guard.description(found, purpose) for purpose, found in loaded.items()}
    return Prepared(
        headers={purpose: found.header for purpose, found in described.items()},
        schemas={purpose: found.schema for purpose, found in described.items()},
        metadata={purpose: found.metadata for purpose, found in described.items()},
        statistics={purpose: guard.statistics(found) for purpose, found in loaded.items() if purpose is Purpose.TRAIN},
        digests={purpose: found.digests for purpose, found in loaded.items()},
    )
