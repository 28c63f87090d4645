"""What an authority has signed: a file with a line for each certificate, of which the last word counts."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from synergos.errors import Conflict, InvalidRequest

log = logging.getLogger(__name__)

FILE = "issued.jsonl"


@dataclass(frozen=True)
class Issued:
    """One certificate.

    Attributes:
        serial: in hexadecimal.
        key: the fingerprint of its public key.
        begins: since when it holds, in ISO 8601, as all times here.
        revoked: when it was; None where it was not.
        reason: why.
        certificate: as PEM.
    """

    serial: str
    name: str
    hosts: tuple[str, ...]
    uses: tuple[str, ...]
    key: str
    begins: str
    ends: str
    certificate: str
    revoked: str | None = None
    reason: str | None = None

    @classmethod
    def read(cls, line: str, where: str) -> Self:
        """One line of the file.

        Raises:
            Conflict: it is none.
        """
        try:
            told = json.loads(line)
            found = cls(**{**told, "hosts": tuple(told["hosts"]), "uses": tuple(told["uses"])})
            int(found.serial, 16)
            datetime.fromisoformat(found.ends)
        except (ValueError, TypeError, KeyError) as error:
            raise Conflict(f"{where} is damaged: expected a certificate that was issued") from error
        return found

    def holds(self, now: datetime | None = None) -> bool:
        """Whether it is neither over nor revoked."""
        return self.revoked is None and datetime.fromisoformat(self.ends) > (now or datetime.now(UTC))

    @property
    def row(self) -> dict[str, object]:
        """What people are shown."""
        state = "revoked" if self.revoked else "holds" if self.holds() else "expired"
        own = {
            "name": self.name,
            "serial": self.serial,
            "state": state,
            "until": self.ends,
            "hosts": ", ".join(self.hosts),
        }
        return {**own, "uses": ", ".join(self.uses), "key": self.key, "revoked": self.revoked, "reason": self.reason}


class Book:
    """All of them, in one folder; written by one command at a time."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def __iter__(self) -> Iterator[Issued]:
        """The last word about each, oldest first."""
        found: dict[str, Issued] = {}
        content = self._content()
        half = _half_line(content)
        if half:
            # Whoever wrote it was stopped before anybody had what it tells of.
            log.warning("the last line of %s was not written to its end and is left out", self._path)
        for number, line in enumerate(content.removesuffix(half).splitlines(), 1):
            if line.strip():
                issued = Issued.read(line, f"line {number} of {self._path}")
                found[issued.serial] = issued
        return iter(found.values())

    def of(self, name: str) -> list[Issued]:
        """Those of a name, oldest first."""
        return [issued for issued in self if issued.name == name]

    def meant(self, said: str, now: datetime) -> Sequence[Issued]:
        """Those that a name means, or a serial number; all that still hold of a name, or else those of it that were revoked.

        Raises:
            InvalidRequest: none.
        """
        everything = list(self)
        named = [each for each in everything if each.name == said]
        found = (
            [each for each in everything if each.serial == said.lower()]
            or [each for each in named if each.holds(now)]
            or [each for each in named if each.revoked is not None]
        )
        if not found:
            known = ", ".join(dict.fromkeys(each.name for each in everything if each.holds(now))) or "none"
            raise InvalidRequest(
                f"no certificate that holds has the name or serial number {said[:80]!r}; there is {known}"
            )
        return found

    def add(self, issued: Iterable[Issued]) -> None:
        """Write down more, or what has become of some, on lines of their own; a half line before them is taken away."""
        text = "".join(json.dumps(asdict(each)) + "\n" for each in issued)
        before = self._content()
        half = _half_line(before)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            if half:
                file.truncate(len(before.removesuffix(half).encode()))
            elif before and not before.endswith("\n"):
                text = f"\n{text}"
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())

    def _content(self) -> str:
        try:
            return self._path.read_bytes().decode()
        except FileNotFoundError:
            return ""
        except (OSError, ValueError) as error:
            raise Conflict(f"{self._path} cannot be read") from error


def _half_line(content: str) -> str:
    """What stands behind the last end of a line, if it is no whole one."""
    last = content.rpartition("\n")[2]
    try:
        json.loads(last or "{}")
    except ValueError:
        return last
    return ""
