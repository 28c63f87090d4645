"""One participant in a job: its session, and how it is won back when its worker is lost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import uuid4

import structlog
from msgspec import UNSET, structs

from synergos.domain.asker import NOBODY, Asker
from synergos.domain.grid import Node
from synergos.domain.keys import RunKey
from synergos.domain.outputs import MissingColumns
from synergos.domain.tags import Purpose
from synergos.errors import Conflict, JobStopped, NotNeeded, SynergosError, WorkerSilent, WorkerUnreachable
from synergos.program.log_context import about_participant
from synergos_ttp.events import Event, ParticipantNoted, SessionOpened
from synergos_ttp.holds import Check
from synergos_ttp.traces import NO_LINE, Line
from synergos_ttp.workers.checked import blaming
from synergos_ttp.workers.commands import Tags, WorkerCommands
from synergos_ttp.workers.data_plane import DataPlane
from synergos_ttp.workers.flow import ParticipantFlow
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.retry import RejoinDeadline, Wait, is_unknown
from synergos_ttp.workers.session_request import SessionRequest
from synergos_ttp.workers.small_messages import Prompt

log = structlog.get_logger(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True)
class JobParticipant:
    """One participant as the records describe it.

    Attributes:
        missing_columns: by purpose.
        rows: how many it had at alignment, by purpose, as far as that matters.
        digests: of its datasets at alignment, by purpose; its worker refuses what has changed since.
        columns: of raw data that it has; None where it was not written down. Of others it is not told more than it needs.
    """

    node: Node
    tags: Tags
    missing_columns: Mapping[str, MissingColumns]
    rows: Mapping[Purpose, int] = field(default_factory=dict)
    columns: Collection[str] | None = None
    digests: Mapping[Purpose, Sequence[str]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The participant's id."""
        return self.node.participant_id


@dataclass(frozen=True)
class OpenSession:
    """A participant's session while it is open: what is done with it is handed it.

    Attributes:
        id: by which the worker knows it.
        data: the line to the participant's data port.
        rows: how many it has for each purpose.
        evaluated: on how many rows it measures a model; None where its worker does not say.
    """

    member: JobParticipant
    id: str
    commands: WorkerCommands
    data: DataPlane
    rows: Mapping[str, int] = field(default_factory=dict)
    evaluated: int | None = None


class ParticipantSession:
    """A participant's session, opened when it is first needed; used by one thread at a time.

    Attributes:
        rows: how many the worker has for each purpose, as it said when it opened the session last.
        digests: of the datasets that those are of, as it said then; nothing where its release does not say so.

    Args:
        request: what it is opened with, all but the session's id.
        check: called whenever there is time to stop; raises when it should.
        publish: told when the worker is waited for, in the thread that waits.
        asker: who asks, for the worker's log.
        traced: in which spans it is asked.
    """

    def __init__(
        self,
        member: JobParticipant,
        run: RunKey,
        request: SessionRequest,
        limits: Limits,
        check: Callable[[], None],
        publish: Callable[[Event], None] = lambda _event: None,
        asker: Asker = NOBODY,
        traced: Line = NO_LINE,
    ) -> None:
        self.member = member
        self._commands = WorkerCommands(member.node, limits, check, asker, traced=traced)
        self._traced = traced
        self.rows: Mapping[str, int] = {}
        self.digests: Mapping[Purpose, Sequence[str]] = {}
        self._asker = asker
        self._run = run
        self._request = request
        self._limits = limits
        self._check = check
        self._publish = publish
        # Of the session that was opened last, which may still have to be ended at the worker.
        self._id: str | None = None
        self.flow = ParticipantFlow(member.id, publish)
        # None while the session has to be opened, for the first time or again.
        self._opened: OpenSession | None = None
        self._is_absent = False
        self._rejoin_deadline: RejoinDeadline | None = None

    def persist(
        self, work: Callable[[OpenSession], Result], purpose: str, failed: SynergosError | None = None
    ) -> Result:
        """Do ``work`` with the open session; when the worker is lost, wait for it, open the session again and repeat.

        Args:
            purpose: what it is, for those who are told that it waits.
            failed: what came of it when it was tried already.

        Raises:
            SynergosError: why it could not be done, in the end.
            JobHeld: its worker's owner has something to decide first, and does not do it soon.
        """
        with about_participant(self.member.id):
            # Whoever stayed away is not waited for again in every round.
            seconds = 0.0 if self._is_absent else self._limits.rejoin
            wait, limits = Wait(self.member.id, purpose, self._publish, self._ask_again), self._limits
            with RejoinDeadline(seconds, wait, limits.approval, limits.in_hand) as self._rejoin_deadline:
                try:
                    return self._persist(work, failed, self._rejoin_deadline)
                finally:
                    self.flow.end()

    @property
    def is_held(self) -> bool:
        """Whether its worker's owner has something to decide first, which is waited for; any thread may ask."""
        return self._rejoin_deadline is not None and self._rejoin_deadline.is_held

    def begin(self, work: Prompt[OpenSession, object]) -> int | None:
        """Begin ``work`` with the open session and wait for nothing; None when that cannot be done, and nothing was."""
        if self._opened is None:
            return None
        try:
            return work.begin(self._opened)
        except WorkerUnreachable:
            # Its connection was closed meanwhile, which is no sign that it is lost.
            return None

    def finish(self, work: Prompt[OpenSession, Result]) -> Result | None:
        """What came of work that was begun; None when it has to be done from the beginning.

        Raises:
            SynergosError: how it failed, which is for :meth:`persist` to judge.
        """
        if self._opened is None:
            return None
        try:
            with blaming(self.member.id):
                return work.finish(self._opened)
        except WorkerUnreachable:
            return None

    def leave(self) -> None:
        """Let go of what was begun and that nobody waits for any more."""
        self._disconnect()

    def was_late(self) -> None:
        """Take note that it was told to stop because it took too long; nobody has it in hand then."""
        self._is_absent = True

    def end(self) -> None:
        """End the session; one whose worker does not answer ends by itself once nobody talks to it."""
        self._disconnect()
        try:
            if self._id is not None:
                self._commands.close_session(self._run, self._id)
        except SynergosError as error:
            log.warning("session not ended", participant=self.member.id, reason=str(error))

    def _persist(
        self,
        work: Callable[[OpenSession], Result],
        failed: SynergosError | None,
        rejoin_deadline: RejoinDeadline,
    ) -> Result:
        was_lost = False
        while True:
            self._check()
            try:
                if failed is not None:
                    first, failed = failed, None
                    raise first
                with blaming(self.member.id):
                    if self._opened is None:
                        self._opened, was_lost = self._open(), False
                        rejoin_deadline.renew()
                    elif was_lost:
                        # Who is still away is known sooner by a question that takes no work.
                        self._commands.greet()
                        rejoin_deadline.renew()
                    result = work(self._opened)
            except (JobStopped, NotNeeded):
                # It did nothing wrong; but an answer may be on its way that nobody waits for any more.
                self._disconnect()
                raise
            except SynergosError as error:
                if was_lost and is_unknown(error):
                    # The worker was started again, or is of a release that cannot go on: from the beginning, as with one that is back.
                    self._disconnect()
                    continue
                patience = self._lose(error, rejoin_deadline)
                was_lost = self._opened is not None
                self._is_absent = True
                try:
                    rejoin_deadline.wait(error, patience)
                except SynergosError:
                    self._disconnect()
                    raise
            else:
                self._is_absent = False
                return result

    def _lose(self, error: SynergosError, rejoin_deadline: RejoinDeadline) -> float:
        """Let go of a connection that was lost, and of the session too unless its worker may still have it.

        Returns:
            How many seconds are given to a line that was cut in the middle of something.
        """
        if self._opened is None or not isinstance(error, WorkerUnreachable):
            self._disconnect()
            return 0.0
        data = self._opened.data
        data.close()
        if not data.has_cut_transfer:
            return 0.0
        rejoin_deadline.progressed(data.done)
        if not isinstance(error, WorkerSilent):
            # Somebody says that nobody is there.
            return 0.0
        self.flow.excuse(self._limits.outage)
        return self._limits.outage

    def _open(self) -> OpenSession:
        self._commands.greet()
        # A new id each time: what the worker may still be doing for the old session of this owner ends when this one opens.
        self._id = uuid4().hex
        opened = self._commands.open_session(self._run, structs.replace(self._request, session_id=self._id))
        self.rows = {purpose.value: rows for purpose, rows in opened.rows.items()}
        self.digests = {} if opened.digests is UNSET else opened.digests
        self._refuse_other_rows()
        self._publish(SessionOpened(self.member.id, self.rows))
        if opened.ledger is not UNSET:
            self._publish(ParticipantNoted(self.member.id, opened.ledger))
        evaluated = None if opened.measurable is UNSET else opened.measurable.get(Purpose.EVALUATE, 0)
        introduction = self._commands.introduction
        data = DataPlane(
            self.member.node,
            self._id,
            self._limits,
            self._check,
            introduction=introduction,
            traced=self._traced,
            flow=self.flow,
        )
        return OpenSession(self.member, self._id, self._commands, data, self.rows, evaluated)

    def _ask_again(self, check: Check) -> None:
        """Open a session as this one, and end it: whether its worker's owner has decided by now."""
        again = ParticipantSession(self.member, self._run, self._request, self._limits, check, asker=self._asker)
        with blaming(self.member.id):
            again._open()
        again.end()

    def _refuse_other_rows(self) -> None:
        for purpose, expected in self.member.rows.items():
            found = self.rows.get(purpose, 0)
            if found != expected:
                what = "training" if purpose is Purpose.TRAIN else "evaluation"
                raise Conflict(
                    f"{self.member.id} has {found} {what} rows and had {expected} when the project was aligned; align it again"
                )

    def _disconnect(self) -> None:
        if self._opened is not None:
            self._opened.data.close()
            self._opened = None
