"""The sessions of a worker: ended when asked by their id, replaced by their owner, or left alone for too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from hmac import compare_digest

import structlog

from synergos.domain.asker import NOBODY, Asker
from synergos.domain.feature_space import FeatureSpace, Side
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.outputs import MissingColumns
from synergos.domain.tags import Purpose, Tag
from synergos.errors import (
    Conflict,
    FeatureDrift,
    JobCancelled,
    NotAllowed,
    RecordNotFound,
    ServiceStopping,
    SynergosError,
)
from synergos.learning import datatypes
from synergos.learning.column_alignment import missing_columns_of, other_kinds
from synergos.learning.families import Recipe
from synergos.tables.names import listed
from synergos_worker.allowance import UNBOUNDED, Allowance
from synergos_worker.computing import Computing
from synergos_worker.devices import room_for
from synergos_worker.digests import Audience, refuse_changed
from synergos_worker.disclosure import guard
from synergos_worker.encoded_rows import EncodedRows
from synergos_worker.logged import folders
from synergos_worker.memory import Memory, SetAside
from synergos_worker.model import Rows, SessionModel
from synergos_worker.policy.judging import judge_unread, judged
from synergos_worker.policy.limits import OwnerLimits
from synergos_worker.policy.rounds import RoundJudge
from synergos_worker.prediction_files import PredictionFiles
from synergos_worker.session import Session
from synergos_worker.session_needs import copy_part, model_parts, rows_part
from synergos_worker.tables import LoadedTable, Tables, Tags
from synergos_worker.use_ledger import UNRECORDED, Uses

log = structlog.get_logger(__name__)

_OPENING_SECONDS = 300.0
_ENDED = "the session was ended while it was being opened"
_PATIENCE = 1.0
_LATELY = 0.5
"""Seconds; sessions whose permission has ended do so within twice as long."""
"""Seconds for which what is being computed is waited for, to try out a new session before it is used."""

Alignments = Mapping[Purpose, MissingColumns]
"""Missing columns by purpose."""
AgreedDigests = Mapping[Purpose, tuple[str, ...]]
"""By purpose, the digests of the datasets at alignment."""


@dataclass(frozen=True)
class SessionRequest:
    """What ``initialise`` asks for.

    Attributes:
        purposes: the purposes whose rows the session needs.
        participants: how many updates a round takes at least, as who asks says; None where that is not said.
        asker: who asks.
        owner: a secret that tells who may put another session of the run in this one's place; nobody without one.
        peer: the fingerprint of who asks, whose alone the session is; None where it did not show that.
        director: that of whom who asks belongs to; empty where it did not show that.
        allowance: what is asked before data is read, and as long as the session lasts.
    """

    session_id: str
    run: RunKey
    participant_id: str
    tags: Tags
    alignments: Alignments
    digests: AgreedDigests
    recipe: Recipe
    purposes: tuple[Purpose, ...]
    participants: int | None = None
    asker: Asker = NOBODY
    owner: str | None = None
    peer: str | None = None
    director: str = ""
    allowance: Allowance = UNBOUNDED

    @property
    def audience(self) -> Audience:
        """Whom its digests are for."""
        return Audience(self.run.project, self.director or self.peer or "")

    @property
    def trains(self) -> bool:
        """Whether it is to train."""
        return Purpose.TRAIN in self.purposes and Purpose.TRAIN in self.tags


class SessionOpener:
    """Makes sessions from what a worker has.

    Args:
        limits: what may be asked of it.
    """

    def __init__(
        self,
        tables: Tables,
        encoded: EncodedRows,
        compute: Computing,
        files: PredictionFiles,
        device: str,
        limits: OwnerLimits,
        memory: Memory,
    ) -> None:
        self._limits = limits
        self._memory = memory
        self._tables = tables
        self._encoded = encoded
        self._compute = compute
        self._files = files
        self._device = device

    def open(self, request: SessionRequest, is_unwanted: Callable[[], bool]) -> Session:
        """Read the rows, build the network, and try out that they go together.

        Args:
            is_unwanted: asked meanwhile; it is given up then.

        Raises:
            FeatureDrift: the data does not fit the feature space (any more).
            InvalidRequest: the network does not take such rows.
            NotAllowed: the owner's policy has a limit that this does not keep to, or the data was made use of often enough.
            GridError: they need more memory than the GPU has.
            Conflict: other sessions have too much memory, or are too many; or it is not wanted any more.
        """
        if request.trains:
            judge_unread(self._limits, request.recipe, request.participants)
        give_back = request.allowance.take()
        try:
            held = self._memory.begin()
            try:
                return self._opened(request, held, is_unwanted)
            except BaseException:
                held.release()
                raise
        except BaseException:
            give_back()
            raise

    def _opened(self, request: SessionRequest, held: SetAside, is_unwanted: Callable[[], bool]) -> Session:
        wanted = [purpose for purpose in request.purposes if purpose in request.tags]
        read = {purpose: self._rows(request, purpose, held) for purpose in wanted}
        rows = {purpose: found for purpose, (found, _) in read.items()}
        counts = {purpose: len(found) for purpose, found in rows.items()}
        held.add(*model_parts(request.recipe, counts, self._device))
        judge = self._judged(request.recipe, rows.get(Purpose.TRAIN))
        with room_for("the network"):
            model = SessionModel(request.recipe, request.participant_id, self._device, judge)
        if rows:
            self._try_out(model, rows, held, is_unwanted)
        space = request.recipe.space
        ids = {"session": request.session_id[:8], **request.run, "participant": request.participant_id}
        about = {**request.asker.facts, **ids}
        return Session(
            request.session_id,
            request.run,
            space,
            model,
            rows,
            self._compute,
            self._files,
            about,
            held,
            request.owner,
            request.peer,
            {purpose.value: digests for purpose, (_, digests) in read.items()},
        )

    def _rows(self, request: SessionRequest, purpose: Purpose, held: SetAside) -> tuple[Rows, tuple[str, ...]]:
        """The rows of one purpose, and the digests of the datasets that they are of."""
        space, tags, alignments = request.recipe.space, request.tags[purpose], request.alignments
        agreed = request.digests.get(purpose)

        def loaded() -> LoadedTable:
            return fitting(self._tables, purpose, tags, space, alignments, request.digests, request.audience)

        def rows(count: int) -> None:
            held.add(rows_part(purpose, count, space))

        def copied(count: int) -> None:
            held.add(copy_part(purpose, count, space))

        # Whether they are made anew or there: files that have changed are no longer what was agreed on.
        digests = self._tables.refuse_changed(purpose, tags, agreed, request.audience)
        found = self._encoded.get(purpose, tags, space, alignments.get(purpose), loaded, rows)
        is_training = purpose is Purpose.TRAIN
        return Rows.of(found.examples, self._device, found.policy, copied, is_training=is_training), digests

    def _judged(self, recipe: Recipe, rows: Rows | None) -> RoundJudge | None:
        """What judges the rounds of a session; None where there is nothing to train on."""
        return None if rows is None or rows.labelled is None else judged(self._limits, recipe, rows.labelled.inputs)

    def _try_out(
        self, model: SessionModel, rows: Mapping[Purpose, Rows], held: SetAside, is_unwanted: Callable[[], bool]
    ) -> None:
        """Find out whether model, run and rows go together; while another run's round takes long, the first round will."""
        # One row is enough to be predicted, and not always to be trained on.
        purpose, first = next(iter(rows.items()))
        given_up = threading.Event()

        def should_stop() -> bool:
            self._compute.seen()
            return given_up.is_set() or is_unwanted()

        def warm_up() -> None:
            with room_for("the rows and the network"):
                model.warm_up(first, is_training=purpose is Purpose.TRAIN, should_stop=should_stop)

        trying = self._compute.submit(warm_up)
        held.is_used_by(trying)
        try:
            trying.result(_PATIENCE)
        except NotInTime:
            # Once it has begun, it is nobody else that it waits for.
            if not trying.cancel():
                _wait_for(trying, given_up)
        except JobCancelled:
            raise Conflict(_ENDED) from None


def _is_of_owner(request: SessionRequest, other: SessionRequest | Session) -> bool:
    """Whether another session, open or being opened, is of the same run and was asked for with the same owner's secret."""
    if (other.run, other.peer) != (request.run, request.peer) or request.owner is None or other.owner is None:
        return False
    return compare_digest(other.owner, request.owner)


def _wait_for(trying: Future[None], given_up: threading.Event) -> None:
    try:
        trying.result(_OPENING_SECONDS)
    except NotInTime:
        given_up.set()
        raise Conflict(f"a few rows take the network longer than {_OPENING_SECONDS:g} s") from None
    except JobCancelled:
        raise Conflict(_ENDED) from None


class Sessions:
    """The open sessions.

    Args:
        timeout: seconds without a request after which a session ends.
        clock: monotonic seconds.
        uses: takes note of them.
    """

    def __init__(
        self,
        opener: SessionOpener,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
        uses: Uses = UNRECORDED,
    ) -> None:
        self._uses = uses
        self._opener = opener
        self._timeout = timeout
        self._clock = clock
        self._open: dict[str, Session] = {}
        self._used: dict[str, float] = {}
        self._allowances: dict[str, Allowance] = {}
        self._opening: dict[str, SessionRequest] = {}
        self._unwanted: set[str] = set()
        self._stopped = False
        # Guards the dicts and sets, between request threads and the sweeper's; held for moments only.
        self._lock = threading.Condition()

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def open(self, request: SessionRequest) -> tuple[Session, bool]:
        """The session of that id, and whether it had to be opened; another one of the same run and owner is ended first.

        Raises:
            Conflict: the id belongs to another run, or the session was ended while it was opening.
            NotRecorded: it cannot be written down that it is open.
        """
        identifier = request.session_id
        with self._lock:
            # Whoever asks for the same one again waits for it, and for nobody else's.
            self._lock.wait_for(lambda: identifier not in self._opening)
            self._refuse_stopped()
            known = self._open.get(identifier)
            # What its owner does not wait for any more, and what it has open.
            self._unwanted |= {other.session_id for other in self._opening.values() if _is_of_owner(request, other)}
            self._opening[identifier] = request
        try:
            if known is not None:
                return self._again(known, request), False
            self._end(self._of_owner(request), "its owner opens another one of its run")
            opened = self._opener.open(request, lambda: self._stopped or identifier in self._unwanted)
            return self._added(opened, request), True
        finally:
            with self._lock:
                self._opening.pop(identifier, None)
                self._unwanted.discard(identifier)
                self._lock.notify_all()

    def get(self, session_id: str, peer: str | None = None) -> Session:
        """An open session, which counts as talked to.

        Args:
            peer: the fingerprint of who asks; None where it did not show that.

        Raises:
            RecordNotFound: there is none of that id (any more), or it is somebody else's.
        """
        with self._lock:
            if session_id not in self._open or self._open[session_id].peer != peer:
                raise RecordNotFound("there is no such session, or it has ended")
            self._used[session_id] = self._clock()
            return self._open[session_id]

    def allowed(self, session_id: str, peer: str | None = None) -> Session:
        """An open session that is to begin something on its rows; raises what :meth:`get` does.

        Raises:
            NotAllowed: the owner does not allow it any more.
        """
        session = self.get(session_id, peer)
        with self._lock:
            allowance = self._allowances.get(session_id, UNBOUNDED)
        # Files are looked at: not under the lock, and not for every round. What is allowed no more ends its session anyway.
        allowance.refuse(_LATELY)
        return session

    def of_run(self, session_id: str, run: RunKey, peer: str | None = None) -> Session:
        """An open session, provided that it belongs to that run; raises what :meth:`allowed` does."""
        session = self.allowed(session_id, peer)
        if session.run != run:
            raise RecordNotFound("there is no such session of this run, or it has ended")
        return session

    def terminate(self, run: RunKey, session_id: str, peer: str | None = None) -> None:
        """End that session of a run, also while it is being opened; nothing happens when there is none, or it is somebody else's."""
        with self._lock:
            opening = self._opening.get(session_id)
            if opening is not None and (opening.run, opening.peer) == (run, peer):
                self._unwanted.add(session_id)
            known = self._open.get(session_id)
        self._end([known] if known is not None and (known.run, known.peer) == (run, peer) else [], "asked for")

    def peers(self) -> set[str]:
        """The identities that have sessions, those that are being opened too."""
        with self._lock:
            found = {opening.peer for opening in self._opening.values()} | {
                session.peer for session in self._open.values()
            }
        return {peer for peer in found if peer is not None}

    def end_those_of(self, peers: Collection[str]) -> None:
        """End the sessions of some identities, those that are being opened too."""
        with self._lock:
            self._unwanted |= {opening.session_id for opening in self._opening.values() if opening.peer in peers}
            found = [session for session in self._open.values() if session.peer in peers]
        self._end(found, "the owner of this worker has revoked its approval")

    def end_those_of_project(self, peer: str, project: ProjectKey) -> None:
        """End the sessions of a project that an identity has, those that are being opened too."""

        def is_meant(other: SessionRequest | Session) -> bool:
            return other.peer == peer and other.run.project == project

        with self._lock:
            self._unwanted |= {opening.session_id for opening in self._opening.values() if is_meant(opening)}
            found = [session for session in self._open.values() if is_meant(session)]
        self._end(found, "its registration was changed")

    def end_refused(self) -> None:
        """End the sessions, and those that are being opened, that their owner does not allow any more."""
        with self._lock:
            asked = {**self._allowances, **{each.session_id: each.allowance for each in self._opening.values()}}
        # Files are looked at: not under the lock.
        refused = {session_id: reason for session_id, each in asked.items() if (reason := _refusal(each)) is not None}
        with self._lock:
            self._unwanted |= self._opening.keys() & refused.keys()
            found = [self._open[session_id] for session_id in refused if session_id in self._open]
        for session in found:
            log.warning("no longer allowed: the session ends", reason=refused[session.id], **session.about)
            self._end([session], "the owner of the data does not allow it any more")

    def live_runs(self, collab_id: str, project_id: str, peer: str | None = None) -> list[tuple[str, str]]:
        """Experiment and run of each open session of a project.

        Args:
            peer: the fingerprint of whose sessions count; None for everybody's.
        """
        with self._lock:
            runs = [session.run for session in self._open.values() if peer in (None, session.peer)]
        return [(run.expt_id, run.run_id) for run in runs if (run.collab_id, run.project_id) == (collab_id, project_id)]

    def sweep(self) -> None:
        """End the sessions that nobody has talked to for too long; of the others it is noted what has left until now."""
        with self._lock:
            there = list(self._open.values())
            oldest = self._clock() - self._timeout
            idle = [
                session
                for session in self._open.values()
                if self._used[session.id] < oldest and not session.is_being_read
            ]
        for session in there:
            self._uses.so_far(session.id, session.left)
        self._end(idle, f"nobody talked to it for {self._timeout:g} s")

    def stop(self) -> None:
        """End all sessions; none is opened any more."""
        with self._lock:
            self._stopped = True
            found = list(self._open.values())
        self._end(found, "this worker is about to end")

    def _of_owner(self, request: SessionRequest) -> list[Session]:
        """The sessions of the same run that were opened with the same owner's secret."""
        with self._lock:
            return [session for session in self._open.values() if _is_of_owner(request, session)]

    def _again(self, known: Session, request: SessionRequest) -> Session:
        if (known.run, known.peer) != (request.run, request.peer):
            raise Conflict("this session belongs to another run")
        return self.get(known.id, request.peer)

    def _added(self, session: Session, request: SessionRequest) -> Session:
        try:
            # Outside the lock: it waits for the disk.
            self._uses.opening(request, session.counts)
            with self._lock:
                self._refuse_stopped()
                if session.id in self._unwanted:
                    raise Conflict(_ENDED)
                self._open[session.id] = session
                self._used[session.id] = self._clock()
                self._allowances[session.id] = request.allowance
        except SynergosError as error:
            self._end([session], str(error))
            raise
        wanted = {purpose: tags for purpose, tags in request.tags.items() if purpose in request.purposes}
        log.info("session opened", tags=folders(wanted), rows=session.counts, **session.about)
        return session

    def _refuse_stopped(self) -> None:
        if self._stopped:
            raise ServiceStopping("this worker is about to end")

    def _end(self, sessions: Sequence[Session], why: str) -> None:
        with self._lock:
            for session in sessions:
                self._open.pop(session.id, None)
                self._used.pop(session.id, None)
                self._allowances.pop(session.id, None)
        for session in sessions:
            session.end(why)
            self._uses.ended(session.id, why, session.left)


def _refusal(allowance: Allowance) -> str | None:
    """Why something is not allowed any more; None where it is."""
    try:
        allowance.refuse()
    except NotAllowed as error:
        return str(error)
    return None


def fitting(
    tables: Tables,
    purpose: Purpose,
    tags: Sequence[Tag],
    space: FeatureSpace,
    alignments: Alignments,
    digests: AgreedDigests,
    audience: Audience,
) -> LoadedTable:
    """The table of all tags of one purpose, provided that it is what the feature space was agreed on.

    Raises:
        FeatureDrift: it has changed since the alignment, or does not fit.
    """
    agreed = digests.get(purpose)
    # Before it is read: what it was changed to may be of no use.
    tables.refuse_changed(purpose, tags, agreed, audience)
    loaded = tables.get(space.action, purpose, tags).telling(space.asked_minimum)
    if agreed is not None:
        refuse_changed(agreed, tables.told(loaded.digests, audience), ["/".join(tag) for tag in tags], purpose)
    check_fit(loaded, purpose, space, alignments)
    return loaded


def check_fit(loaded: LoadedTable, purpose: Purpose, space: FeatureSpace, alignments: Alignments) -> None:
    """Refuse data that is not what the feature space was agreed on.

    Raises:
        FeatureDrift: it lacks others of the space's columns and labels than were agreed, or a column is of another kind.
    """
    if loaded.datatype != space.datatype:
        raise FeatureDrift(f"{purpose}: the data is {loaded.datatype}, the feature space {space.datatype}")
    guard.refuse_few_rows(loaded, purpose)
    if purpose is Purpose.TRAIN:
        guard.refuse_untold_labels(loaded, space)
    described = guard.description(loaded, purpose)
    if differing := datatypes.get(space.datatype).drift(described.metadata, space):
        raise FeatureDrift(f"{purpose}: the rows differ from those at alignment: {', '.join(differing)}")
    if differing := other_kinds(described.header, space):
        raise FeatureDrift(f"{purpose}: {'; '.join(differing)}")
    agreed = alignments.get(purpose)
    found = missing_columns_of(described.header, space)
    for side, features in ((Side.X, space.X), (Side.Y, space.y)):
        if agreed is not None and list(agreed.get(side, ())) != found[side]:
            places = sorted(set(agreed.get(side, ())) ^ set(found[side]))
            # Not the levels: errors repeat no cell.
            columns = dict.fromkeys(features[index].column for index in places if index < len(features))
            raise FeatureDrift(
                f"{purpose}: columns or levels differ from those at alignment, in column {listed(list(columns))}"
            )
