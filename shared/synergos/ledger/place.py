"""Where a program keeps its ledger, and where it notes how far that goes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from synergos.identity.identity import FOLDER as TRUST

FOLDER = ".ledger"
"""In a program's own folder, beside that of its identity."""
_FILE = re.compile(r"[0-9]{6,18}\.jsonl")


@dataclass(frozen=True)
class LedgerPlace:
    """The files of one program's ledger.

    Attributes:
        own: the folder of the program itself: a worker's ``--outputs``, a TTP's or director's ``--data``.
        program: whose it is, as several programs may have one folder.
        number: of the process, where several of the same program run at a time.
    """

    own: Path
    program: str
    number: int = 1

    @property
    def name(self) -> str:
        """What tells it from others in its folder."""
        return self.program if self.number == 1 else f"{self.program}.{self.number}"

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.own / FOLDER / self.name

    @property
    def head(self) -> Path:
        """The file that says which line was written last; not beside the lines, so that whoever cuts those off has to find it."""
        return self.own / TRUST / f"ledger_{self.name}.json"

    def files(self) -> list[Path]:
        """The files there are, the oldest first; each is named by the number of its first line."""
        if not self.folder.is_dir():
            return []
        return sorted(
            (path for path in self.folder.iterdir() if _FILE.fullmatch(path.name)), key=lambda path: path.name
        )

    def file(self, number: int) -> Path:
        """The file whose first line has a number."""
        return self.folder / f"{number:012}.jsonl"


def places_in(own: Path) -> Iterator[LedgerPlace]:
    """The ledgers that are kept in a program's own folder, by name."""
    kept = own / FOLDER
    if kept.is_dir():
        for folder in sorted(kept.iterdir()):
            program, _, number = folder.name.partition(".")
            place = LedgerPlace(own, program, int(number) if number.isascii() and number.isdecimal() else 1)
            if place.name == folder.name and place.files():
                yield place
