"""What a ledger says, for people: one row for each use, of a session from its opening to its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from synergos.errors import WireFormatError
from synergos.ledger.line import FILE_BEGUN, Line, line_of
from synergos.ledger.place import LedgerPlace

OPENED, ENDED, SO_FAR = "session opened", "session ended", "session goes on"
COLUMNS = (
    "at",
    "until",
    "what",
    "who",
    "name",
    "address",
    "collaboration",
    "project",
    "experiment",
    "run",
    "participant",
    "job",
    "purposes",
    "folders",
    "rows",
    "left",
    "reason",
    "more",
    "line",
)
"""Of a row, in this order."""
_NAMED = frozenset(COLUMNS)


@dataclass(frozen=True)
class Wanted:
    """Which rows are wanted; None for any.

    Attributes:
        folder: one that was used, lies in one that was, or has one in it.
        since: not before.
        until: not after.
        who: the fingerprint of who asked, its beginning, their name or their address.
        what: happened.
    """

    folder: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    who: str | None = None
    collaboration: str | None = None
    project: str | None = None
    what: str | None = None

    def takes(self, row: Mapping[str, object]) -> bool:
        """Whether a row is wanted."""
        ids = ((self.collaboration, "collaboration"), (self.project, "project"), (self.what, "what"))
        return (
            all(wanted is None or row.get(name) == wanted for wanted, name in ids)
            and (self.folder is None or any(_touches(self.folder, used) for used in _folders_of(row)))
            and (self.who is None or _is_whom(self.who, row))
            and (self.since is None or datetime.fromisoformat(str(row.get("until") or row["at"])) >= self.since)
            and (self.until is None or datetime.fromisoformat(str(row["at"])) <= self.until)
        )


def lines_in(place: LedgerPlace) -> Iterator[Line | None]:
    """The lines of a ledger as they stand in its files; None for one that cannot be read, and nothing for half a one."""
    for file in place.files():
        *lines, _ = file.read_bytes().split(b"\n")
        for content in lines:
            try:
                yield line_of(content)
            except WireFormatError:
                yield None


def rows_of(lines: Iterable[Line]) -> list[dict[str, object]]:
    """A row for each line, but one for each session."""
    rows: list[dict[str, object]] = []
    opened: dict[object, dict[str, object]] = {}
    for line in lines:
        if line.what == FILE_BEGUN:
            continue
        about = dict(line.about)
        session = about.pop("session", None)
        row = opened.get(session) if line.what in (ENDED, SO_FAR) and session is not None else None
        if row is not None:
            row.update(_row({**about, "until": line.at}))
            if line.what == ENDED:
                del opened[session]
            continue
        made = {"at": line.at, "what": line.what, **_row(about), "line": line.number}
        if line.what == OPENED:
            opened[session] = made
            made.update(what="session")
        rows.append(made)
    return rows


def _row(about: Mapping[str, object]) -> dict[str, object]:
    """What is known of a line by the names of columns; whatever has none is together in one."""
    folders = about.get("folders")
    known = {name: value for name, value in about.items() if name in _NAMED and name != "folders"}
    if isinstance(folders, Mapping):
        known["purposes"] = sorted(folders)
        known["folders"] = sorted({str(folder) for some in folders.values() for folder in some})
    more = {name: value for name, value in about.items() if name not in _NAMED}
    return {**known, **({"more": more} if more else {})}


def _folders_of(row: Mapping[str, object]) -> Sequence[str]:
    folders = row.get("folders")
    return folders if isinstance(folders, list) else ()


def _touches(wanted: str, used: str) -> bool:
    ours, theirs = wanted.strip("/").split("/"), used.strip("/").split("/")
    return ours[: len(theirs)] == theirs[: len(ours)]


def _is_whom(wanted: str, row: Mapping[str, object]) -> bool:
    known = str(row.get("who", ""))
    return known.startswith(wanted.lower()) or wanted in (row.get("name"), row.get("address"), known)
