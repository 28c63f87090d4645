"""What a worker's owner has decided, one orchestrator after the other: commands write it, the worker that runs reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from synergos.identity.contacts import FIRST_CONTACTS, contacts_in
from synergos.identity.fingerprints import DIGITS_TO_APPROVE, DIGITS_TO_REVOKE, by_fingerprint, meant
from synergos.identity.small_file import alone, now, write
from synergos.identity.successors import SUCCESSORS, Successors

PEERS = "peers.json"
"""Written by commands alone; what the worker itself notes is in other files."""
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
        return cls(by_fingerprint(path, _decision, "what synergos peer approve and revoke write"))

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
    expected = f"a fingerprint, or {digits} digits or more that one of those listed begins with"
    return meant(text, _known_to(folder), digits, expected, "FINGERPRINT")


def _known_to(folder: Path) -> Iterator[str]:
    yield from Decisions.read(folder / PEERS).by_fingerprint
    yield from Successors.read(folder / SUCCESSORS).by_fingerprint
    yield from (contact.fingerprint for contact in contacts_in(folder / FIRST_CONTACTS))


def _decision(said: Mapping[str, object]) -> Decision:
    return Decision(Standing(str(said["standing"])), str(said["name"]), str(said["at"]))


def _decide(folder: Path, fingerprint: str, standing: Standing) -> Decision:
    names = {contact.fingerprint: contact.name for contact in contacts_in(folder / FIRST_CONTACTS)}
    with alone(folder, _LOCK):
        decisions = Decisions.read(folder / PEERS).decided(fingerprint, standing, names.get(fingerprint, ""))
        decisions.write(folder / PEERS)
    return replace(decisions.by_fingerprint[fingerprint])
