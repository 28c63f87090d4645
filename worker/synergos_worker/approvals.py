"""Which computations the owner of the data has approved; what else is asked for waits, and is refused meanwhile with the command that approves of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from synergos.approval.computation import Computation
from synergos.approval.decided import DECIDED, Decided, Verdict
from synergos.approval.waiting import WAITING, Waiting, WaitingList
from synergos.errors import Conflict, NotAllowed, NotYetAllowed
from synergos.learning.families import DEFAULT
from synergos_worker.allowance import UNBOUNDED, Allowance, nothing
from synergos_worker.session_opener import SessionRequest
from synergos_worker.trials import Search, common_to_trials, is_of_model, model_of_trials

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Approved:
    """That a session's computation is approved; see :class:`~synergos_worker.allowance.Allowance`."""

    approvals: Approvals
    computation: Computation
    peer: str

    def refuse(self, within: float = 0.0) -> None:
        """Refuse what is not approved, or not any more.

        Raises:
            NotYetAllowed: the owner has not decided; it is on the list of what waits.
            NotAllowed: the owner has revoked it.
        """
        self.approvals.refuse(self.computation, self.peer)

    def take(self) -> Callable[[], None]:
        """See :class:`~synergos_worker.allowance.Allowance`: an approval is for any number of sessions."""
        self.refuse()
        return nothing


class Approvals:
    """What the owner has decided, as the running worker knows it; any thread may ask.

    Args:
        folder: of all files.
        is_needed: whether computations have to be approved.
        clock: monotonic seconds.
    """

    def __init__(self, folder: Path, clock: Callable[[], float], *, is_needed: bool = False) -> None:
        self.is_needed = is_needed
        self._path = folder / DECIDED
        self._waiting = WaitingList(folder / WAITING, clock)
        self._decided = Decided()
        self._stamp: object = "never looked at"
        # Guards what was decided and how its file looked; whoever asks takes what is there.
        self._lock = threading.Lock()
        if is_needed:
            # A file that is damaged keeps the worker from starting, rather than be as if nothing had been revoked.
            self._refresh()

    def of(self, request: SessionRequest, search: Search | None) -> Allowance:
        """What a session needs to have approved.

        Args:
            search: whose trial its run is, as who asks says; None where it is none.

        Raises:
            InvalidRequest: the search is none.
            NotAllowed: the run is none of its trials, or it is more than an owner can approve.
        """
        if not self.is_needed:
            return UNBOUNDED
        written = request.recipe.to_dict()
        common = written["hyperparameters"] if search is None else common_to_trials(search, request.recipe)
        computation = Computation(
            request.run,
            written.get("family", DEFAULT),
            written["architecture"] if search is None else list(model_of_trials(search, request.recipe)),
            common,
            request.recipe.space,
            request.purposes,
            None if search is None else search.space,
            changes_model=search is not None and is_of_model(search, request.recipe),
        )
        return Approved(self, computation, request.peer or "")

    def refuse(self, computation: Computation, peer: str) -> None:
        """See :meth:`Approved.refuse`."""
        try:
            self._refresh()
        except Conflict as error:
            log.error("nothing was taken up of what was approved", reason=str(error))
        digest = computation.digest
        decided = self._decided.by_digest.get(digest)
        if decided is None:
            self._hold(computation, peer)
        self._waiting.forget(digest)
        if decided is not None and decided.verdict is Verdict.REVOKED:
            raise NotAllowed(
                f"the owner of the data has revoked its approval of what is to be computed ({computation.title}); it is allowed again"
                f" with: synergos approval approve {digest}",
                "approval",
            )

    def look(self) -> None:
        """Write down what waits, if that came too soon after something else."""
        if self.is_needed:
            self._waiting.save()

    def _hold(self, computation: Computation, peer: str) -> None:
        digest, title = computation.digest, computation.title
        command = f"synergos approval approve {digest}"
        if self._waiting.note(Waiting(digest, title, computation.words(), peer)):
            log.warning(
                "what an orchestrator wants to compute waits for the owner of this worker to approve of it",
                fingerprint=peer, computation=title, digest=digest, command=command,
            )  # fmt: skip
        raise NotYetAllowed(
            f"what is to be computed ({title}) waits for the owner of the data, who reads it with: synergos approval show {digest[:20]},"
            f" and approves of it with: {command}",
            "approval",
        )

    def _refresh(self) -> None:
        with self._lock:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._decided = Decided.read(self._path)
                # Not before: what could not be read is read again.
                self._stamp = stamp


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
