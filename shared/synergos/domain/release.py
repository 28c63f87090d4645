"""Releases of Synergos, and which of them go together at the two ends of a line between TTP and worker.

Both ends tell their version, and speak as the older of the two does: a release reads and writes what the minor version
before it did. That is tested for neighbours only, so everything further apart is refused in words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from synergos.errors import NotSupported

HEADER = "Synergos-Version"
"""By which a TTP tells its version in each command."""

_BEGINNING = re.compile(r"(\d{1,6})\.(\d{1,6})(?=\D|$)")


@dataclass(frozen=True, order=True)
class Release:
    """What counts of a version on the line: patches and pre-releases do not change it."""

    major: int
    minor: int

    @classmethod
    def of(cls, version: str) -> Release | None:
        """Of a version as packages have them (``0.2.1``, ``0.3.0.dev1``); None where it is none."""
        found = _BEGINNING.match(version)
        return None if found is None else cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    def goes_with(self, other: Release) -> bool:
        """Whether the two are one minor version apart at most."""
        return self.major == other.major and abs(self.minor - other.minor) <= 1


def agreed(version: str, mine: str, peer: str | None, theirs: str) -> str:
    """The release as which two programs speak with each other: the older of theirs.

    Args:
        version: this program's.
        mine: what this program is called in the refusal, ``this TTP``.
        peer: the version the other one tells; None, or a text that is no version, where it is no release of ours: it speaks as
            this one does, or its messages are refused one by one.
        theirs: what the other one is called, ``the worker``.

    Raises:
        NotSupported: they are too far apart; says who has which, and which of them is to be updated.
    """
    own, other = Release.of(version), None if peer is None else Release.of(peer)
    if own is None or other is None:
        return version if own is None else str(own)
    if not own.goes_with(other):
        behind = mine if own < other else theirs
        raise NotSupported(
            f"{theirs} is Synergos {other}, {mine} is {own}, and only neighbouring minor versions go together; update {behind}"
        )
    return str(min(own, other))
