"""What the owner has decided of computations: commands write it, the worker that runs reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self

from synergos.approval.waiting import WAITING, waiting_in
from synergos.errors import Conflict, InvalidRequest
from synergos.identity.decisions import DIGITS_TO_APPROVE, DIGITS_TO_REVOKE, alone
from synergos.identity.small_file import now, stored_in, write
from synergos.identity.trust import is_fingerprint

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
        stored = stored_in(path)
        try:
            return cls(
                {
                    digest: Decision(
                        Verdict(said["verdict"]), str(said["title"]), tuple(map(str, said["words"])), str(said["at"])
                    )
                    for digest, said in stored.items()
                    if is_fingerprint(digest)
                }
            )
        except (LookupError, TypeError, ValueError) as error:
            raise Conflict(f"{path} is damaged: expected what synergos approval approve and revoke write") from error


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
    text = text.lower()
    if is_fingerprint(text):
        return text
    known = {*Decided.read(folder / DECIDED).by_digest, *(each.digest for each in waiting_in(folder / WAITING))}
    found = sorted(each for each in known if len(text) >= digits and each.startswith(text))
    if len(found) == 1:
        return found[0]
    what = (
        "which of several it is" if found else f"a digest, or the first {digits} digits or more of one that is listed"
    )
    raise InvalidRequest(f"expected {what}, got {text[:100]!r}", "DIGEST")


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
