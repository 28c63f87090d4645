"""Whom a worker approves of, all told: what it was told when it started, and what its owner has decided since."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from synergos.errors import Conflict, InvalidRequest
from synergos.identity.contacts import FIRST_CONTACTS, FirstContacts
from synergos.identity.decisions import PEERS, Decisions, Standing
from synergos.identity.statements import Succession
from synergos.identity.successors import SUCCESSORS, Successors
from synergos.identity.trust import Trust, fingerprints_in


class Peers:
    """Whom a running worker approves of; any thread may ask.

    Args:
        folder: of all files.
        trust: what it was told when it started.
        clock: monotonic seconds.
        today: the time.
    """

    def __init__(
        self,
        folder: Path,
        trust: Trust,
        clock: Callable[[], float],
        today: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.folder = folder
        self.trust = trust
        self.contacts = FirstContacts(folder / FIRST_CONTACTS, clock)
        self.today = today
        self._path = folder / PEERS
        self._stamps: dict[Path, object] = {}
        self._named = trust.fingerprints
        self._decisions = Decisions()
        # Written by this worker alone.
        self._successors = Successors.read(folder / SUCCESSORS)
        # Guards what is changed; whoever asks takes what is there.
        self._lock = threading.Lock()
        self.refresh()

    def refresh(self) -> None:
        """Look whether its owner has decided something since; a file that is damaged changes nothing that was revoked.

        Raises:
            Conflict: the file of decisions cannot be read: what it had before holds, and it is read again at the next look.
            InvalidRequest: a file of fingerprints cannot, likewise.
        """
        with self._lock:
            failed: Conflict | InvalidRequest | None = None
            # One that cannot be read keeps nobody from looking at the others.
            for take_up in (self._take_up_decisions, self._take_up_files):
                try:
                    take_up()
                except (Conflict, InvalidRequest) as error:
                    failed = failed or error
        if failed is not None:
            raise failed

    def standing(self, fingerprint: str, endorsed_by: str = "") -> Standing:
        """What an identity is to this worker.

        Args:
            endorsed_by: whom it has proved to belong to; empty where it has not.
        """
        own = self._of(fingerprint)
        if own in (Standing.REVOKED, Standing.SUPERSEDED) or not endorsed_by:
            return own
        others = self._of(endorsed_by)
        if own is Standing.APPROVED and others is not Standing.REVOKED:
            return own
        return others

    def line(self, fingerprint: str) -> frozenset[str]:
        """An identity, those it came after, and those who came after it, as far as they are known here."""
        known = self._successors
        return frozenset((fingerprint, *known.before(fingerprint), *known.after(fingerprint)))

    def remember(self, line: Iterable[Succession]) -> None:
        """Know who came after somebody approved, as long as that one is.

        Args:
            line: one after the other, the first of them signed by whom is known.

        Raises:
            Conflict: nobody has two successors, and there are not too many in all.
            OSError: it could not be written down, and is not known.
        """
        with self._lock:
            found = self._successors
            for said in line:
                if self._is_anew(said.issuer):
                    found = found.without(found.of(said.issuer))
                found = found.taken_up(said)
            found.write(self.folder / SUCCESSORS)
            self._successors = found

    def _of(self, fingerprint: str) -> Standing:
        decided, known = self._decisions.by_fingerprint, self._successors
        before = [fingerprint, *known.before(fingerprint)]
        # Whoever is approved in his own right is asked no further.
        root = next((each for each in before if each in decided or each in self._named), "")
        if root in decided and decided[root].standing is Standing.REVOKED:
            return Standing.REVOKED
        since = decided[root].at if root in decided else ""
        everybody = [*before, *known.after(fingerprint)]
        revoked = [
            decided[each].at for each in everybody if each in decided and decided[each].standing is Standing.REVOKED
        ]
        # Those before and after belong together, but for who was approved by name since.
        if revoked and max(revoked) >= since:
            return Standing.REVOKED
        if known.is_over(fingerprint, self.today()) and not self._is_anew(fingerprint):
            return Standing.SUPERSEDED
        return Standing.APPROVED if root or self.trust.is_open else Standing.WAITING

    def _is_anew(self, fingerprint: str) -> bool:
        """Whether the owner has approved of an identity after somebody came after it."""
        following = self._successors.of(fingerprint)
        decided = self._decisions.by_fingerprint.get(fingerprint)
        if following is None or decided is None or decided.standing is not Standing.APPROVED:
            return False
        return decided.at > self._successors.by_fingerprint[following].at

    def _take_up_decisions(self) -> None:
        stamp = _stamp(self._path)
        if self._stamps.get(self._path, "never looked at") != stamp:
            self._decisions = Decisions.read(self._path)
            # Not before: what could not be read is read again.
            self._stamps[self._path] = stamp

    def _take_up_files(self) -> None:
        stamps = {path: _stamp(path) for path in self.trust.files}
        if any(self._stamps.get(path, "never looked at") != stamp for path, stamp in stamps.items()):
            listed = [fingerprints_in(path) for path in self.trust.files if path.is_file()]
            self._named = self.trust.fingerprints.union(*listed)
            self._stamps |= stamps


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
