"""Who came after whom: renewed identities that a worker knows through the one before them, and never in their own right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from synergos.errors import Conflict
from synergos.identity.fingerprints import by_fingerprint
from synergos.identity.small_file import now, write
from synergos.identity.statements import Succession
from synergos.identity.trust import is_fingerprint

SUCCESSORS = "successors.json"
MOST_SUCCESSORS = 2000
MOST_RENEWALS = 32
"""Renewals in a row that are taken for one; who has come after as many is a stranger, whom the owner approves of anew."""


@dataclass(frozen=True)
class Successor:
    """How an identity became known.

    Attributes:
        after: the fingerprint of whom it came after.
        until: from then on that one is not known any more.
        at: when this was taken up.
    """

    after: str
    until: str
    at: str


@dataclass(frozen=True)
class Successors:
    """All that are known, by fingerprint; nobody has two."""

    by_fingerprint: Mapping[str, Successor] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Those in a file; none where there is no file.

        Raises:
            Conflict: the file is damaged.
        """
        return cls(by_fingerprint(path, _successor, "what a worker writes of renewed identities"))

    def write(self, path: Path) -> None:
        """Put them into a file, whole or not at all."""
        write(path, {fingerprint: asdict(said) for fingerprint, said in self.by_fingerprint.items()})

    def of(self, fingerprint: str) -> str | None:
        """Who came after an identity; None where nobody did."""
        return self._next.get(fingerprint)

    def before(self, fingerprint: str) -> Iterator[str]:
        """Whom an identity came after, the nearest first."""
        for _ in range(MOST_RENEWALS):
            known = self.by_fingerprint.get(fingerprint)
            if known is None:
                return
            yield (fingerprint := known.after)

    def after(self, fingerprint: str) -> Iterator[str]:
        """Who came after an identity, the nearest first."""
        for _ in range(MOST_RENEWALS):
            following = self.of(fingerprint)
            if following is None:
                return
            yield (fingerprint := following)

    def taken_up(self, said: Succession) -> Successors:
        """The same with another one.

        Raises:
            Conflict: somebody else came after the issuer, the subject is known otherwise, or there are too many.
        """
        if self.of(said.issuer) not in (None, said.subject):
            raise Conflict(f"{self.of(said.issuer)} came after {said.issuer}, and nobody has two successors")
        line = {said.issuer, *self.before(said.issuer)}
        if said.subject in line or said.subject in self.by_fingerprint or self.of(said.subject) is not None:
            raise Conflict(f"{said.subject} is known otherwise than as who came after {said.issuer}")
        if len(line) > MOST_RENEWALS - 1 or len(self.by_fingerprint) >= MOST_SUCCESSORS:
            raise Conflict(
                f"there were too many renewals for {said.subject} to be known by: its owner approves of it anew"
            )
        until = "" if said.until is None else said.until.isoformat(timespec="seconds")
        return Successors({**self.by_fingerprint, said.subject: Successor(said.issuer, until, now("microseconds"))})

    def without(self, fingerprint: str | None) -> Successors:
        """The same, and that one came after nobody."""
        return Successors({known: said for known, said in self.by_fingerprint.items() if known != fingerprint})

    def is_over(self, fingerprint: str, today: datetime) -> bool:
        """Whether somebody came after an identity, and the time in which both are known is over."""
        following = self.of(fingerprint)
        return following is not None and _time(self.by_fingerprint[following].until) < today

    @cached_property
    def _next(self) -> dict[str, str]:
        return {said.after: fingerprint for fingerprint, said in self.by_fingerprint.items()}


def _successor(said: Mapping[str, Any]) -> Successor:
    found = Successor(**said)
    if not (_time(found.until).tzinfo and is_fingerprint(found.after)):
        raise ValueError("a time of no time zone, or no fingerprint")
    return found


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
