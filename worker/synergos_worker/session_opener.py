"""Opening a session: its rows are read, looked at and encoded, its network is built, and both are tried out together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass

from synergos.domain.asker import NOBODY, Asker
from synergos.domain.feature_space import FeatureSpace, Side
from synergos.domain.keys import RunKey
from synergos.domain.outputs import MissingColumns
from synergos.domain.tags import Purpose, Tag
from synergos.errors import (
    Conflict,
    FeatureDrift,
    JobCancelled,
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
from synergos_worker.memory import Memory, SetAside
from synergos_worker.model import Rows, SessionModel
from synergos_worker.policy.judging import judge_unread, judged
from synergos_worker.policy.limits import OwnerLimits
from synergos_worker.policy.rounds import RoundJudge
from synergos_worker.prediction_files import PredictionFiles
from synergos_worker.session import Session
from synergos_worker.session_needs import copy_part, model_parts, rows_part
from synergos_worker.tables import LoadedTable, Tables, Tags

_OPENING_SECONDS = 300.0
ENDED = "the session was ended while it was being opened"
_PATIENCE = 1.0
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
            raise Conflict(ENDED) from None


def _wait_for(trying: Future[None], given_up: threading.Event) -> None:
    try:
        trying.result(_OPENING_SECONDS)
    except NotInTime:
        given_up.set()
        raise Conflict(f"a few rows take the network longer than {_OPENING_SECONDS:g} s") from None
    except JobCancelled:
        raise Conflict(ENDED) from None


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
