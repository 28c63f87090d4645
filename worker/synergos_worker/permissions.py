"""Which dataset folders may be used, by whom and for what: their owner says so in a file beside them, which is asked each time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from math import inf
from pathlib import Path

from synergos.domain.keys import ProjectKey
from synergos.domain.tags import Purpose, Tag
from synergos.errors import Conflict, NotAllowed
from synergos.permission.counts import COUNTS, Counts, Spent, Taken
from synergos.permission.folders import Held, PermissionFiles
from synergos.permission.judging import Unlisted, Verdict, granting, judge
from synergos.permission.use import ANY, Use
from synergos_worker.allowance import nothing
from synergos_worker.left_over_files import entries_below
from synergos_worker.tables import Tags


@dataclass(frozen=True)
class Asking:
    """Who asks.

    Attributes:
        peer: its fingerprint; None where it did not show who it is.
        director: the fingerprint of whom it has proved to belong to; empty where it has not.
    """

    peer: str | None = None
    director: str = ""

    @property
    def named(self) -> str:
        """Whom a permission names for it: one is for all of a cluster."""
        return self.director or self.peer or ANY

    def __str__(self) -> str:
        """In words."""
        return self.named if self.peer is not None else "somebody who has not shown who it is"


@dataclass(frozen=True)
class Place:
    """A folder whose files are read for a tag.

    Attributes:
        tag: as it was asked for.
        folder: where the files really lie, below the data root.
    """

    tag: str
    folder: Path


@dataclass
class _Looked:
    """When something was found to be allowed, in seconds of a clock. Any thread may set it: that of two a later one is lost costs a look."""

    allowed_at: float = -inf


@dataclass(frozen=True)
class Permit:
    """What somebody wants to read of a project's folders; see :class:`~synergos_worker.allowance.Allowance`."""

    permissions: Permissions
    asking: Asking
    places: tuple[tuple[Use, Place], ...]
    looked: _Looked = field(default_factory=lambda: _Looked(), compare=False)

    def refuse(self, within: float = 0.0) -> None:
        """Refuse what is not allowed, or not any more.

        Args:
            within: seconds; what was found so lately is not looked for again.

        Raises:
            NotAllowed: names the folder, the purpose and the command that would allow it.
        """
        now = self.permissions.clock()
        if now - self.looked.allowed_at < within:
            return
        self.looked.allowed_at = -inf
        self.permissions.verdicts(self)
        self.looked.allowed_at = now

    def take(self) -> Callable[[], None]:
        """Count a use of every folder whose owner allows but so many a day; what takes it back.

        Raises:
            NotAllowed: there is none left of one of them.
        """
        return self.permissions.take(self)


class Permissions:
    """What the owner allows; any thread may ask.

    Args:
        root: of all datasets.
        unlisted: what holds for folders without a permission file.
        line: an identity with all that it came after, and that came after it: they are one.
        counts: how often each limited permission was made use of today.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        root: Path,
        unlisted: Unlisted,
        line: Callable[[str], Collection[str]],
        counts: Counts,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self._files = PermissionFiles(root)
        self._unlisted = unlisted
        self._line = line
        self._counts = counts

    def permit(self, asking: Asking, project: ProjectKey, tags: Tags) -> Permit:
        """What it takes to read some tags.

        Raises:
            NotAllowed: names the folder, the purpose and the command that would allow it.
        """
        places = tuple(
            (Use(project, purpose), place)
            for purpose, some in tags.items()
            for tag in some
            for place in _places(self._files.root, tag)
        )
        found = Permit(self, asking, places)
        found.refuse()
        return found

    def purposes(self, asking: Asking, project: ProjectKey, tag: Tag) -> tuple[Purpose, ...]:
        """What somebody may use a folder for in a project, as far as nothing but limits by the day keeps them from it."""
        line, seen = self._line_of(asking), dict[Path, Held | None]()
        held = [self._files.holding(place.folder, seen) for place in _places(self._files.root, tag)]
        return tuple(
            purpose
            for purpose in Purpose
            if all(judge(each, Use(project, purpose), line, self._unlisted).is_allowed for each in held)
        )

    def verdicts(self, permit: Permit) -> dict[tuple[Use, Place], Verdict]:
        """Why each use of a folder is allowed; every file is looked at once, however many folders it holds for.

        Raises:
            NotAllowed: one is not.
        """
        line, seen = self._line_of(permit.asking), dict[Path, Held | None]()
        found = {}
        for use, place in permit.places:
            verdict = judge(self._files.holding(place.folder, seen), use, line, self._unlisted)
            if not verdict.is_allowed:
                raise self._refusal(permit.asking, use, place, verdict.reason)
            found[use, place] = verdict
        return found

    def take(self, permit: Permit) -> Callable[[], None]:
        """See :meth:`Permit.take`."""
        limited = {where: found.lines for where, found in self.verdicts(permit).items() if found.lines}
        if not limited:
            return nothing
        try:
            taken = self._counts.take(limited.values())
        except Conflict as error:
            raise NotAllowed(f"uses a day cannot be counted at this worker: {error}", "permission") from None
        if isinstance(taken, Spent):
            use, place = next(where for where, lines in limited.items() if lines == taken.choice)
            raise self._refusal(permit.asking, use, place, _often_enough(taken))
        return partial(self._give_back, taken)

    def _give_back(self, taken: Taken) -> None:
        # One more that counts allows less, and whoever is here is on the way to say something else.
        with suppress(Conflict):
            self._counts.give_back(taken)

    def _line_of(self, asking: Asking) -> frozenset[str]:
        return frozenset(each for who in (asking.peer, asking.director) if who for each in self._line(who))

    def _refusal(self, asking: Asking, use: Use, place: Place, reason: str) -> NotAllowed:
        where = place.folder.relative_to(self._files.root).as_posix()
        through = "" if where == place.tag else f", of which {place.tag!r} has files"
        return NotAllowed(
            f"the owner of the data does not let {asking} use the folder {where!r}{through} {use}: {reason}; it is allowed with: "
            f"{granting(where, asking.named, use)}",
            f"tags.{use.purpose}",
        )


def _often_enough(spent: Spent) -> str:
    line = spent.line
    used_up = f"the rule {line.pattern} of {line.file} allows it at most {line.most} times a day (UTC), which are used up for {spent.day}"
    if spent.day <= spent.today:
        return f"{used_up}; from the next day on it is allowed again"
    return (
        f"{used_up}, though the clock of this worker says {spent.today} now: no day is counted anew. Where the clock was ahead and is"
        f" right again, the owner removes .trust/{COUNTS} from the worker's outputs, and counting begins anew"
    )


def _places(root: Path, tag: Tag) -> Iterator[Place]:
    """The folders that files of a tag lie in, wherever links and folders inside lead."""
    name = "/".join(tag)
    try:
        folder = (root / name).resolve()
        if not folder.is_relative_to(root):
            # Nothing is read of it.
            yield Place(name, root)
            return
        yield Place(name, folder)
        # Of very many files few lie in different folders.
        found = {Path(parent) for parent in {_parent_of(entry) for entry in entries_below(folder)}}
    except (OSError, RuntimeError):  # how Python 3.11 reports links that go in circles
        # It cannot be read either.
        yield Place(name, root)
        return
    yield from (Place(name, each) for each in sorted(found - {folder}) if each.is_relative_to(root))


def _parent_of(entry: os.DirEntry[str]) -> str:
    return str(Path(entry.path).resolve().parent) if entry.is_symlink() else entry.path.removesuffix(entry.name)


def purposes_of(tags: Tags, purposes: Collection[Purpose]) -> Tags:
    """The tags of some purposes alone."""
    return {purpose: some for purpose, some in tags.items() if purpose in purposes}
