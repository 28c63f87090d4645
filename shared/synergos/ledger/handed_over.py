"""What the owner of a worker decides by a command on its host: handed to the worker, which alone writes its ledger.

A note is a file of its own below ``.trust``. The worker takes it up within a second, or when it is started next.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from msgspec import Struct

from synergos.errors import Conflict, InvalidRequest
from synergos.identity.small_file import now, stored_in, write
from synergos.ledger.ledger import Ledger
from synergos.schema import Definition

log = structlog.get_logger(__name__)

FOLDER = "decided_on_host"
"""Below a worker's ``.trust``."""
OWNER_DECIDED = "owner decided"
_DECIDING = ".deciding"


class _Note(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision.

    Attributes:
        at: when it was made, which a line may come long after.
        command: ``peer approve`` and its like.
        user: who ran it, as the host calls them.
        about: what lines call what it is about: ``who``, ``collaboration``, ``digest`` …
        folders: of datasets, by purpose.
    """

    at: str
    command: str
    user: str
    about: Mapping[str, str] = {}
    folders: Mapping[str, tuple[str, ...]] = {}


_NOTE = Definition(_Note)


@contextmanager
def handed_over(
    trust: Path,
    command: str,
    about: Mapping[str, str],
    warn: Callable[[str], None],
    folders: Mapping[str, tuple[str, ...]] | None = None,
) -> Iterator[None]:
    """Inside the ``with`` block a decision is made, and afterwards the worker is told of it; not where it raises.

    There is room for the note before anything is decided. What allows less is decided without one rather than not at all.

    Args:
        trust: the worker's ``.trust``.
        warn: is told where the ledger will not have it.

    Raises:
        OSError: there is no room, and it allows more.
    """
    at = now("microseconds")
    note = _Note(at=at, command=command, user=_user(), about=about, folders=folders or {})
    # By their names they are in the order of their times.
    final = trust / FOLDER / f"{at.replace(':', '')}-{os.urandom(4).hex()}.json"
    draft = final.with_suffix(_DECIDING)
    try:
        write(draft, _NOTE.write(note))
    except OSError as error:
        if not command.endswith((" revoke", " release")):
            raise
        warn(f"the worker's ledger of use will not have this, as no note of it can be written: {error.strerror}")
        yield
        return
    try:
        yield
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    draft.replace(final)


class HandedOver:
    """Writes into the ledger what was handed over; one thread at a time may tell it to.

    Args:
        trust: the worker's ``.trust``.
    """

    def __init__(self, trust: Path, ledger: Ledger) -> None:
        self._folder = trust / FOLDER
        self._ledger = ledger
        # Those whose files could not be removed are not written again.
        self._written = set[str]()

    def look(self) -> None:
        """Take up what there is, in the order in which it was decided.

        Raises:
            NotRecorded: it cannot be written down, and stays until it can.
        """
        found = sorted(self._folder.glob("*.json")) if self._folder.is_dir() else []
        self._written &= {path.name for path in found}
        for path in found:
            if path.name not in self._written:
                self._ledger.append(OWNER_DECIDED, _about(path))
                self._written.add(path.name)
            with suppress(OSError):
                path.unlink()


def _about(path: Path) -> dict[str, object]:
    try:
        note = _NOTE.read(stored_in(path))
    except (Conflict, InvalidRequest) as error:
        log.error("a note of what the owner has decided cannot be read", file=path.name, reason=str(error))
        return {"reason": f"the note {path.name} of it cannot be read"}
    folders = {purpose: list(some) for purpose, some in note.folders.items()}
    own = {"asked": note.command, "user": note.user, "decided": note.at}
    return {**note.about, **({"folders": folders} if folders else {}), **own}


def _user() -> str:
    # As the system knows it: the environment says what it is told.
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
