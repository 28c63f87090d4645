"""Who a program is: its keys, kept in a file of its own, and what became of those before."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import structlog

from synergos.errors import Conflict, WireFormatError
from synergos.identity.small_file import draft_of, remove_drafts
from synergos.identity.statements import GRACE, MOST_SHOWN, Succession, as_far_as_shown
from synergos.identity.syft_keys import Keys

FOLDER = ".trust"
"""In a program's own folder, where nobody else may look: its identity, and whom it approves of."""
IDENTITY = "identity.json"

_OWNERS_ALONE = 0o077
_WITHOUT_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Identity:
    """A program's identity.

    Attributes:
        made: when.
        succession: signed by the identity before it, that this one came after it; None where there was none.
    """

    keys: Keys = field(repr=False)
    made: datetime
    succession: Mapping[str, object] | None = None

    @classmethod
    def new(cls) -> Self:
        """One that nobody has had before."""
        return cls(Keys.new(), datetime.now(UTC))

    @property
    def fingerprint(self) -> str:
        """What it is known by."""
        return self.keys.public.fingerprint

    @property
    def predecessor(self) -> Succession | None:
        """What the identity before it has signed, as long as that holds."""
        try:
            return None if self.succession is None else Succession.read(self.succession)
        except WireFormatError:
            return None

    @property
    def shown_succession(self) -> Mapping[str, object] | None:
        """What others are shown of the identities before it; None where there is nothing that holds."""
        return self.succession if self.predecessor is not None else None

    def renewed(self, grace: timedelta = GRACE) -> Identity:
        """The one that comes after it; both are known for so long."""
        after, now = Keys.new(), datetime.now(UTC)
        said = Succession(self.fingerprint, after.public.fingerprint, now + grace)
        # Who knows one of those before, and has not met this one, is to know the next as well.
        before = as_far_as_shown(self.shown_succession, MOST_SHOWN - 1)
        return Identity(after, now, said.signed_by(self.keys, before))

    def to_dict(self) -> dict[str, object]:
        """The content of its file, which syft's own peer store reads as well."""
        return {
            "email": self.fingerprint,
            "keys_jwk": self.keys.to_jwks(),
            "peer_bundles": {},
            "made": self.made.isoformat(timespec="seconds"),
            "succession": self.succession,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The identity that a file has.

        Raises:
            ValueError: it has none, or it was damaged.
        """
        try:
            found = cls(
                Keys.from_jwks(stored["keys_jwk"]), datetime.fromisoformat(stored["made"]), stored.get("succession")
            )
        except (LookupError, TypeError) as error:
            raise ValueError("it has no keys") from error
        if stored.get("email") != found.fingerprint:
            raise ValueError("its keys are not those of the fingerprint it has")
        return found


def identity_in(path: Path) -> Identity:
    """The identity that a file has; one is made where there is no file.

    Raises:
        Conflict: the file is damaged, or others may read it and that cannot be changed. Never is another made in its place.
    """
    try:
        remove_drafts(path)
        if not path.exists():
            _make(path, Identity.new())
        return read_identity(path)
    except OSError as error:
        raise Conflict(f"the identity {path} cannot be used: {error.strerror}") from error


def read_identity(path: Path) -> Identity:
    """The identity that a file has.

    Raises:
        Conflict: the file is damaged.
        OSError: it cannot be read.
    """
    try:
        if (mode := path.stat().st_mode) & _OWNERS_ALONE:
            path.chmod(0o600)
            log.warning(
                "others could read the identity, and cannot any more: whoever may have done so can pass for this program; see"
                " docs/identities.md on keys that others may have seen",
                file=str(path), mode=f"{stat.S_IMODE(mode):04o}",
            )  # fmt: skip
        stored = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(stored, dict):
            raise ValueError("it has no keys")
        return Identity.from_dict(stored)
    except ValueError as error:
        reason = "it is no JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else str(error)
        raise Conflict(
            f"the identity {path} is damaged ({reason}): put a copy of it back; a new one would be a stranger to all "
            "who know this one, and is made only where there is no file"
        ) from error


def renew_identity(path: Path, grace: timedelta = GRACE) -> tuple[Identity, Identity]:
    """Put another identity in the place of the one that a file has; the one before, and the one after.

    Raises:
        Conflict: there is none, or it is damaged.
    """
    try:
        before = read_identity(path)
        after = before.renewed(grace)
        draft = _draft(path, after)
        draft.replace(path)
    except OSError as error:
        raise Conflict(f"the identity {path} cannot be renewed: {error.strerror}") from error
    return before, after


class Renewable:
    """A program's identity while it runs: the file's own, also after it was renewed; any thread may ask for it.

    Raises on making what :func:`identity_in` does.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp = (0, 0)
        self._known = identity_in(path)
        self._stamp = self._looks()

    @property
    def now(self) -> Identity:
        """As it is now; one that was damaged meanwhile stays what it was."""
        if (looks := self._looks()) != self._stamp:
            # Two threads may both read it; what they find is the same.
            with suppress(Conflict, OSError):
                self._known = read_identity(self.path)
                self._stamp = looks
        return self._known

    def _looks(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except OSError:
            return self._stamp
        return found.st_mtime_ns, found.st_ino


def _make(path: Path, identity: Identity) -> None:
    """Write a new one whole or not at all; where two programs do so at once, the first one's is there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _draft(path, identity)
    try:
        _put_in_place(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _put_in_place(draft: Path, path: Path) -> None:
    try:
        with suppress(FileExistsError):
            os.link(draft, path)
    except OSError as error:
        if error.errno not in _WITHOUT_LINKS:
            raise
        # A file system without second names: of two programs that start at the very same time the later one's is there, and
        # both read it.
        if not path.exists():
            draft.replace(path)


def _draft(path: Path, identity: Identity) -> Path:
    draft = draft_of(path)
    # syft would write it for everybody to read.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(identity.to_dict(), file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    return draft
