"""What a worker's owner has decided, one orchestrator after the other: commands write it, the worker that runs reads it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from synergos.errors import Conflict, InvalidRequest
from synergos.identity.contacts import FIRST_CONTACTS, contacts_in
from synergos.identity.small_file import now, stored_in, write
from synergos.identity.successors import SUCCESSORS, Successors
from synergos.identity.trust import is_fingerprint

PEERS = "peers.json"
"""Written by commands alone; what the worker itself notes is in other files."""
DIGITS_TO_APPROVE, DIGITS_TO_REVOKE = 20, 8
"""How much of a fingerprint will do. Anybody can make keys whose fingerprint begins with few digits of his choice."""
_LOCK = ".peers.lock"
_LONGEST_NAME = 64


class Standing(StrEnum):
    """What an identity is to a worker; superseded is one that was renewed so long ago that only the next one is known."""

    APPROVED = "approved"
    WAITING = "waiting"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Decision:
    """What an owner has decided of an identity.

    Attributes:
        standing: approved or revoked.
        name: what it calls itself, for people.
        at: when that was decided.
    """

    standing: Standing
    name: str = ""
    at: str = ""


@dataclass(frozen=True)
class Decisions:
    """All that an owner has decided, by fingerprint."""

    by_fingerprint: Mapping[str, Decision] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Those in a file; none where there is no file.

        Raises:
            Conflict: the file is damaged.
        """
        stored = stored_in(path)
        try:
            return cls(
                {
                    fingerprint: Decision(Standing(said["standing"]), str(said["name"]), str(said["at"]))
                    for fingerprint, said in stored.items()
                    if is_fingerprint(fingerprint)
                }
            )
        except (LookupError, TypeError, ValueError) as error:
            raise Conflict(f"{path} is damaged: expected what synergos peer approve and revoke write") from error

    def write(self, path: Path) -> None:
        """Put them into a file, whole or not at all."""
        write(path, {fingerprint: asdict(said) for fingerprint, said in self.by_fingerprint.items()})

    def decided(self, fingerprint: str, standing: Standing, name: str = "") -> Decisions:
        """The same with another decision."""
        known = self.by_fingerprint.get(fingerprint)
        said = Decision(standing, (name or (known.name if known else ""))[:_LONGEST_NAME], now("microseconds"))
        return Decisions({**self.by_fingerprint, fingerprint: said})


def approve(folder: Path, fingerprint: str) -> Decision:
    """Decide that an identity may use the worker of a folder.

    Args:
        fingerprint: all of it or, where it is known to the folder, the first 20 digits or more.

    Raises:
        InvalidRequest: it is no fingerprint, and of none that is known the beginning.
    """
    return _decide(folder, found_in(folder, fingerprint, DIGITS_TO_APPROVE), Standing.APPROVED)


def revoke(folder: Path, fingerprint: str) -> Decision:
    """Decide that it may not, from now on, and neither may whom it came after or who came after it.

    Args:
        fingerprint: all of it or, where it is known to the folder, the first 8 digits or more.

    Raises:
        InvalidRequest: it is no fingerprint, and of none that is known the beginning.
    """
    return _decide(folder, found_in(folder, fingerprint, DIGITS_TO_REVOKE), Standing.REVOKED)


def found_in(folder: Path, text: str, digits: int) -> str:
    """The fingerprint that a text is, or is the beginning of, among those that the folder knows.

    Args:
        digits: so many have to be there.

    Raises:
        InvalidRequest: there is none, or more than one.
    """
    text = text.lower()
    if is_fingerprint(text):
        return text
    known = [
        *Decisions.read(folder / PEERS).by_fingerprint,
        *Successors.read(folder / SUCCESSORS).by_fingerprint,
        *(c.fingerprint for c in contacts_in(folder / FIRST_CONTACTS)),
    ]
    found = sorted({each for each in known if len(text) >= digits and each.startswith(text)})
    if len(found) == 1:
        return found[0]
    what = (
        "which of several it is"
        if found
        else f"a fingerprint, or {digits} digits or more that one of those listed begins with"
    )
    raise InvalidRequest(f"expected {what}, got {text[:100]!r}", "FINGERPRINT")


def _decide(folder: Path, fingerprint: str, standing: Standing) -> Decision:
    names = {contact.fingerprint: contact.name for contact in contacts_in(folder / FIRST_CONTACTS)}
    with alone(folder, _LOCK):
        decisions = Decisions.read(folder / PEERS).decided(fingerprint, standing, names.get(fingerprint, ""))
        decisions.write(folder / PEERS)
    return replace(decisions.by_fingerprint[fingerprint])


@contextmanager
def alone(folder: Path, lock: str) -> Iterator[None]:
    """Of two commands with one lock, a file in a folder, one waits for the other, so that neither's decision is lost."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
