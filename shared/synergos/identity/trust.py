"""Whom a worker is told to approve of when it starts: fingerprints, files of them, or everybody."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from synergos.errors import InvalidRequest

_FINGERPRINT = re.compile("[0-9a-f]{64}")


def is_fingerprint(text: str) -> bool:
    """Whether a text is written as fingerprints are."""
    return _FINGERPRINT.fullmatch(text) is not None


@dataclass(frozen=True)
class Trust:
    """Whom a worker was told to approve of when it started.

    Attributes:
        is_open: everybody.
        fingerprints: those that were named.
        files: of more of them, one a line; read again when they change.
    """

    is_open: bool = False
    fingerprints: frozenset[str] = frozenset()
    files: tuple[Path, ...] = ()

    @classmethod
    def of(cls, words: Iterable[str]) -> Self:
        """Fingerprints, files of them, or ``any``.

        Raises:
            InvalidRequest: one is none of these, or a file has something else in it.
        """
        named, files, is_open = set[str](), [], False
        for word in words:
            if word == "any":
                is_open = True
            elif is_fingerprint(word.lower()):
                named.add(word.lower())
            elif Path(word).is_file():
                fingerprints_in(Path(word))
                files.append(Path(word).resolve())
            else:
                raise InvalidRequest(
                    f"expected a fingerprint (64 hexadecimal digits), a file of them, or any; got {word[:100]!r}"
                )
        return cls(is_open, frozenset(named), tuple(files))


ANY = Trust(is_open=True)
NOBODY = Trust()


def fingerprints_in(path: Path) -> frozenset[str]:
    """The fingerprints in a file: one a line; what follows a # or a blank is a remark.

    Raises:
        InvalidRequest: a line has something else.
    """
    found = set[str]()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path} cannot be read as a file of fingerprints") from error
    for number, line in enumerate(lines, 1):
        word = line.partition("#")[0].strip().partition(" ")[0].lower()
        if word and not is_fingerprint(word):
            raise InvalidRequest(f"{path}, line {number}: expected a fingerprint, 64 hexadecimal digits")
        found |= {word} if word else set()
    return frozenset(found)
