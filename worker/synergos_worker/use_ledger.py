"""What this worker's ledger says of what it was asked and did: by whom, on which folders, and what kinds of figures left.

See docs/ledger.md. No round waits for it: a session is a line at its opening and one at its end.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from synergos.domain.asker import Asker
from synergos.domain.catalogue import Published
from synergos.domain.keys import ProjectKey
from synergos.domain.tags import Purpose, Tag
from synergos.errors import RecordNotFound, ServiceStopping, SynergosError
from synergos.ledger.ledger import Ledger
from synergos.ledger.line import COLUMN_OF
from synergos.ledger.reading import ENDED, OPENED, SO_FAR
from synergos.ledger.repeats import Repeats
from synergos_worker.logged import folders, shortened

if TYPE_CHECKING:
    from synergos_worker.consents import Asked
    from synergos_worker.preparation import Preparation
    from synergos_worker.session_opener import SessionRequest

SO_FAR_EACH = 600.0
"""Seconds between two lines about a session that goes on, so that a killed worker's ledger says what had left until then."""
_MOST_LETTERS = 2**14
_PASSING = frozenset({"job", "address"})
"""What is another one each time that somebody asks the same."""
NO_ROWS: Mapping[str, int] = MappingProxyType({})
_UNREFUSED = (RecordNotFound, ServiceStopping)
"""What says that something is not there (any more), or later: nothing was asked that somebody could have been allowed."""

Tags = Mapping[Purpose, Sequence[Tag]]


class Uses(Protocol):
    """Takes note of what a worker is asked and does; any thread may tell it."""

    def opening(self, request: SessionRequest, rows: Mapping[str, int], /) -> None:
        """A session is about to be open.

        Raises:
            NotRecorded: that cannot be written down, and it must not be.
        """

    def ended(self, session_id: str, why: str, left: Mapping[str, int], /) -> None:
        """It has ended; these figures have left, by their kind."""

    def so_far(self, session_id: str, left: Mapping[str, int], /) -> None:
        """It goes on, and these have left until now."""

    def telling(self, preparation: Preparation, left: Mapping[str, int], rows: Mapping[str, int] = NO_ROWS, /) -> None:
        """What datasets look like is about to be told, once more where no rows are named; raises what :meth:`opening` does."""


class _Unrecorded:
    def opening(self, _request: SessionRequest, _rows: Mapping[str, int], /) -> None:
        pass

    def ended(self, _session_id: str, _why: str, _left: Mapping[str, int], /) -> None:
        pass

    def so_far(self, _session_id: str, _left: Mapping[str, int], /) -> None:
        pass

    def telling(
        self, _preparation: Preparation, _left: Mapping[str, int], _rows: Mapping[str, int] = NO_ROWS, /
    ) -> None:
        pass


UNRECORDED: Uses = _Unrecorded()


class UseLedger:
    """The same in a ledger.

    Args:
        director_of: the fingerprint of whom an orchestrator has shown that it belongs to; empty where it has not.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        director_of: Callable[[str], str] = lambda _: "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ledger = ledger
        self._director_of = director_of
        self._clock = clock
        self._refusals, self._again = Repeats(ledger, clock), Repeats(ledger, clock)
        # What was said last of each open session, and when.
        self._open = dict[str, tuple[Mapping[str, object], Mapping[str, int], float]]()
        # Guards it; nothing is written inside it.
        self._lock = threading.Lock()

    def started(self, name: str, participant: str, *, is_open: bool) -> None:
        """The program begins.

        Args:
            is_open: whether it serves everybody.
        """
        about = {"name": name, "participant": participant, "version": version("synergos")}
        self.ledger.note("worker started", {**about, **({"trust": "any"} if is_open else {})})

    def close(self) -> None:
        """Let go of the ledger."""
        self._refusals.flush()
        self._again.flush()
        self.ledger.close()

    def opening(self, request: SessionRequest, rows: Mapping[str, int]) -> None:
        """See :class:`Uses`."""
        wanted = {purpose: tags for purpose, tags in request.tags.items() if purpose in request.purposes}
        about = {
            # The whole id opens the data port.
            "session": request.session_id[:8],
            **self._who(request.asker, request.peer),
            **_ids(request.run),
            "participant": request.participant_id,
        }
        self.ledger.append(OPENED, {**about, "folders": _folders(wanted), "rows": dict(rows)})
        with self._lock:
            self._open[request.session_id] = about, {}, self._clock()

    def ended(self, session_id: str, why: str, left: Mapping[str, int]) -> None:
        """See :class:`Uses`; of a session that has ended already nothing is said again."""
        with self._lock:
            known = self._open.pop(session_id, None)
        if known is not None:
            self.ledger.note(ENDED, {**known[0], "left": dict(left), "reason": shortened(why)})

    def so_far(self, session_id: str, left: Mapping[str, int]) -> None:
        """See :class:`Uses`; now and then, and where there is something new."""
        with self._lock:
            about, before, at = self._open.get(session_id, ({}, left, 0.0))
            if before == left or self._clock() - at < SO_FAR_EACH:
                return
            self._open[session_id] = about, left, self._clock()
        self.ledger.note(SO_FAR, {**about, "left": dict(left)})

    def telling(self, preparation: Preparation, left: Mapping[str, int], rows: Mapping[str, int] = NO_ROWS, /) -> None:
        """See :class:`Uses`."""
        who = self._who(preparation.asker, preparation.who)
        about = {**who, **_ids(preparation.project), "folders": _folders(preparation.tags), "left": dict(left)}
        if rows:
            self.ledger.append("preparation", {**about, "rows": dict(rows)})
        else:
            # Whoever asks for it each second has the same figures each time.
            alike = {name: value for name, value in about.items() if name not in _PASSING}
            self._again.append("preparation told again", about, alike=alike)

    def agreed(self, project: ProjectKey, asker: Asker, peer: str | None, tags: Tags, *, is_kept: bool) -> None:
        """An agreement was confirmed: that these datasets fit what all have agreed on, which says so."""
        more = {"is_kept": True} if is_kept else {}
        self.ledger.append("agreement", {**self._who(asker, peer), **_ids(project), "folders": _folders(tags), **more})

    def publishing(
        self, project: ProjectKey, asker: Asker, peer: str | None, found: Published, told: Mapping[str, object]
    ) -> None:
        """What is published is about to be told; the same to the same is counted. Raises what :meth:`opening` does.

        Args:
            found: of which only the folders are written down.
            told: the same as it is told.
        """
        named = _folders({"catalogue": [folder.path for folder in found.folders]})
        about = {**self._who(asker, peer), **_ids(project), "folders": named, "extent": found.extent.value}
        # Anything else that is told is another line.
        digest = sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        alike = {name: value for name, value in about.items() if name not in _PASSING} | {"told": digest}
        self._again.append("catalogue", about, alike=alike)

    def comparing(self, project: ProjectKey, asker: Asker, peer: str | None, tags: Tags) -> None:
        """The digests of datasets are about to be told, which say whether those have changed; as :meth:`publishing`."""
        about = {**self._who(asker, peer), **_ids(project), "folders": _folders(tags)}
        alike = {name: value for name, value in about.items() if name not in _PASSING}
        self._again.append("fingerprints", about, alike=alike)

    def consenting(self, asked: Asked, *, is_other: bool) -> None:
        """This worker is about to take part in a project, as it is registered now; raises what :meth:`opening` does.

        Args:
            is_other: whether it did as the project was registered before.
        """
        more = {"reason": "its registration was changed"} if is_other else {}
        about = {**self._who(asked.asker, asked.peer), **_ids(asked.project), "participant": asked.participant}
        self.ledger.append("consent", {**about, **more})

    def removed(self, keys: Mapping[str, str], asker: Asker, peer: str | None, files: int) -> None:
        """Results were removed, as somebody has asked."""
        self.ledger.note("results removed", {**self._who(asker, peer), **_ids(keys), "files": files})

    def revoked(self, peers: Collection[str]) -> None:
        """The owner approves of some no more, and what was open of them ends."""
        self.ledger.note("approval ended", {"fingerprints": sorted(peers)})

    def refused(self, error: Exception, asked: str, asker: Asker, peer: str | None, ids: Mapping[str, str]) -> None:
        """Somebody was refused; the same again is counted.

        Args:
            asked: for what.
        """
        if not isinstance(error, SynergosError) or isinstance(error, _UNREFUSED):
            return
        who = self._who(asker, peer)
        about = {**who, **_ids(ids), "asked": asked, "reason": shortened(str(error))}
        alike = [asked, who.get("who") or who.get("address"), type(error).__name__, _ids(ids)]
        self._refusals.mention("refused", about, alike={"alike": alike})

    def not_let_in(self, error: Exception, asked: str, address: str, who: str | None) -> None:
        """Somebody was not let in at the door."""
        self.refused(error, asked, Asker(address=address), who, {})

    def refused_in_session(self, error: Exception, asked: str, session_id: str) -> None:
        """The same, within a session; of one that is not open nothing is said."""
        with self._lock:
            known = self._open.get(session_id)
        if known is not None and isinstance(error, SynergosError) and not isinstance(error, _UNREFUSED):
            about = {**known[0], "asked": asked, "reason": shortened(str(error))}
            self._refusals.mention("refused", about, alike={**known[0], "kind": type(error).__name__})

    def _who(self, asker: Asker, peer: str | None) -> dict[str, str]:
        director = self._director_of(peer) if peer else ""
        said = {"who": peer, "director": director, "name": asker.component, "address": asker.address, "job": asker.job}
        return {name: value for name, value in said.items() if value}


def _ids(keys: Mapping[str, str]) -> dict[str, str]:
    return {COLUMN_OF[name]: shortened(value) for name, value in keys.items() if name in COLUMN_OF}


def _folders(tags: Mapping[Purpose, Sequence[Tag]] | Mapping[str, Sequence[Tag]]) -> dict[str, list[str]]:
    """All tags as folders below the data folder, by purpose; of thousands the first, and how many more there are."""
    found = {str(purpose): ["/".join(tag) for tag in some] for purpose, some in tags.items()}
    if sum(len(folder) for some in found.values() for folder in some) <= _MOST_LETTERS:
        return found
    return folders(tags)
