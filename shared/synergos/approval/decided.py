"""What the owner has decided of computations: commands write it, the worker that runs reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from synergos.approval.waiting import WAITING, waiting_in
from synergos.identity.fingerprints import DIGITS_TO_APPROVE, DIGITS_TO_REVOKE, by_fingerprint, meant
from synergos.identity.small_file import alone, now, write

DECIDED = "approvals.json"
"""Written by commands alone; what the worker itself notes is in another file."""
_LOCK = ".approvals.lock"


class Verdict(StrEnum):
    """What was decided of a computation."""

    APPROVED = "approved"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Decision:
    """What an owner has decided of one computation.

    Attributes:
        title: what it is of; empty where it was approved before it came.
        words: as they were read.
        at: when that was decided.
    """

    verdict: Verdict
    title: str = ""
    words: Sequence[str] = ()
    at: str = ""


@dataclass(frozen=True)
class Decided:
    """All that an owner has decided, by digest."""

    by_digest: Mapping[str, Decision] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Those in a file; none where there is no file.

        Raises:
            Conflict: the file is damaged.
        """
        return cls(by_fingerprint(path, _decision, "what synergos approval approve and revoke write"))


def approve(folder: Path, digest: str) -> str:
    """Decide that something may be computed; its digest.

    Args:
        digest: all of it or, of one that is known to the folder, the first 20 digits or more.

    Raises:
        InvalidRequest: it is none, and of none that is known the beginning.
    """
    return _decide(folder, digest, DIGITS_TO_APPROVE, Verdict.APPROVED)


def revoke(folder: Path, digest: str) -> str:
    """Decide that it may not, from now on; its digest.

    Args:
        digest: all of it or, of one that is known to the folder, the first 8 digits or more.

    Raises:
        InvalidRequest: it is none, and of none that is known the beginning.
    """
    return _decide(folder, digest, DIGITS_TO_REVOKE, Verdict.REVOKED)


def digest_in(folder: Path, text: str, digits: int) -> str:
    """The digest that a text is, or is the beginning of, among those that the folder knows.

    Raises:
        InvalidRequest: there is none, or more than one.
    """
    expected = f"a digest, or the first {digits} digits or more of one that is listed"
    return meant(text, _known_to(folder), digits, expected, "DIGEST")


def _known_to(folder: Path) -> Iterator[str]:
    yield from Decided.read(folder / DECIDED).by_digest
    yield from (each.digest for each in waiting_in(folder / WAITING))


def _decision(said: Mapping[str, Any]) -> Decision:
    words = tuple(map(str, said["words"]))
    return Decision(Verdict(said["verdict"]), str(said["title"]), words, str(said["at"]))


def _decide(folder: Path, text: str, digits: int, verdict: Verdict) -> str:
    digest = digest_in(folder, text, digits)
    waits = {each.digest: each for each in waiting_in(folder / WAITING)}
    with alone(folder, _LOCK):
        before = Decided.read(folder / DECIDED).by_digest
        known, waiting = before.get(digest, Decision(verdict)), waits.get(digest)
        title, words = (known.title, known.words) if waiting is None else (waiting.title, waiting.words)
        decided = {**before, digest: Decision(verdict, title, words, now("microseconds"))}
        write(folder / DECIDED, {each: asdict(said) for each, said in decided.items()})
    return digest
