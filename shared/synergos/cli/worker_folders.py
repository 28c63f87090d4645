"""The dataset folders of a worker on this host, and what its owner allows of them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from synergos.cli.output import say
from synergos.cli.trust_folder import FOLDER, of_worker
from synergos.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from synergos.permission.counts import Line
    from synergos.permission.folders import Held, PermissionFiles
    from synergos.permission.use import Uses

_METADATA = "metadata.json"


class WorkerFolders:
    """What the owner of a worker allows of its dataset folders."""

    def __init__(self, data: Path | None, outputs: Path | None) -> None:
        from synergos.permission.folders import PermissionFiles
        from synergos.permission.told import TOLD, Told

        try:
            self._trust: Path | None = of_worker(outputs)
        except InvalidRequest:
            # Where the data lies is enough to decide; a folder that was named is to be there.
            if outputs is not None or data is None:
                raise
            self._trust = None
        told = Told() if self._trust is None else Told.read(self._trust / TOLD)
        root = data or Path(told.data)
        if (data is None and not told.data) or not root.is_dir():
            raise InvalidRequest("expected the folder of the worker's datasets", "--data")
        self._unlisted = told.unlisted
        self.files: PermissionFiles = PermissionFiles(root)

    def fingerprint(self, text: str) -> str:
        """Whom a text stands for."""
        from synergos.identity.decisions import found_in
        from synergos.identity.fingerprints import DIGITS_TO_APPROVE

        return text if text == "*" else found_in(self._trust or self.files.root / FOLDER, text, DIGITS_TO_APPROVE)

    def line(self, fingerprint: str) -> frozenset[str]:
        """An identity, those it came after, and those who came after it, as far as the worker knows them."""
        from synergos.identity.successors import SUCCESSORS, Successors

        if fingerprint == "*" or self._trust is None:
            return frozenset({fingerprint})
        known = Successors.read(self._trust / SUCCESSORS)
        return frozenset((fingerprint, *known.before(fingerprint), *known.after(fingerprint)))

    def noting(
        self, verb: str, folder: Path, uses: Uses, who: str, per_day: int | None = None
    ) -> AbstractContextManager[None]:
        """What is decided inside stands in the worker's ledger; nowhere where the worker's folder is not known."""
        from synergos.ledger.handed_over import handed_over

        if self._trust is None:
            return nullcontext()
        about = {"who": who, "collaboration": uses.collaboration, "project": uses.project}
        about |= {} if per_day is None else {"per_day": str(per_day)}
        return handed_over(self._trust, f"permission {verb}", about, say, {uses.purpose: (self._name(folder),)})

    def folder(self, name: str) -> Path:
        """Where a folder really lies.

        Raises:
            InvalidRequest: it is none below the root.
        """
        found = (self.files.root / name).resolve()
        if not found.is_relative_to(self.files.root) or not found.is_dir():
            raise InvalidRequest(f"expected a folder below {self.files.root}, got {name!r}", "FOLDER")
        return found

    def listed(self, name: str, uses: Uses, line: frozenset[str]) -> Path:
        """The same of one that a file says something of, or of folders below it where nobody may use what is not listed.

        Raises:
            InvalidRequest: there is none, so that nobody's permission can be taken out of it.
        """
        from synergos.permission.editing import allowing_below
        from synergos.permission.judging import Unlisted

        found = self.folder(name)
        if self.files.holding(found) is None:
            below = [held.name for held in allowing_below(self.files, found, uses, line)]
            if below and self._unlisted is Unlisted.DENY:
                return found
            also = f"; of the files below these allow it, and are revoked by their folders: {', '.join(below)}"
            raise InvalidRequest(
                f"{self._holds(None)}; once somebody is granted something, nobody else may use it{also if below else ''}",
                name,
            )
        return found

    def overview(self) -> Iterator[dict[str, object]]:
        """A row for each dataset folder, and for each that has a file of permissions."""
        from synergos.permission.use import FILE_NAME

        names = {path.parent for name in (_METADATA, FILE_NAME) for path in self.files.root.rglob(name)}
        for folder in sorted(names):
            held = self.files.holding(folder)
            own = "" if held is None else held.name
            count = "" if held is None or held.rules is None else len(held.rules.use_rules)
            yield {"folder": self._name(folder), "file": own, "rules": count, "holds": self._holds(held)}

    def _holds(self, held: Held | None) -> str:
        if held is None:
            return f"no file: --unlisted {self._unlisted}"
        return f"nobody may: the file {held.problem}" if held.rules is None else "what the file says"

    def rules_of(self, name: str) -> Iterator[dict[str, object]]:
        """A row for each reader of each rule that holds for a folder."""
        folder = self.folder(name)
        held = self.files.holding(folder)
        if held is None or held.rules is None:
            raise InvalidRequest(f"{self._holds(held)}", name)
        for rule in held.rules.use_rules:
            for reader in rule.readers:
                used = "" if reader.most is None else self._used(held.name, rule.uses, reader.who, reader.most)
                yield {
                    "folder": self._name(folder),
                    "collaboration": rule.uses.collaboration,
                    "project": rule.uses.project,
                    "purpose": rule.uses.purpose,
                    "who": reader.who,
                    "most a day": reader.most or "",
                    "used today": used,
                    "file": held.name,
                }

    def verdicts(
        self, name: str, who: str, collaboration: str, project: str, purpose: str
    ) -> Iterator[dict[str, object]]:
        """Whether somebody may use a folder for each purpose, and why."""
        from synergos.domain import tags
        from synergos.domain.keys import ProjectKey
        from synergos.permission.judging import granting, judge
        from synergos.permission.use import ANY, Use, Uses

        if ANY in (collaboration, project):
            raise InvalidRequest(
                "expected which ones: a permission depends on --collaboration and --project", "--collaboration"
            )
        Uses.checked(collaboration, project, purpose)
        folder, fingerprint = self.folder(name), self.fingerprint(who)
        held = self.files.holding(folder)
        for each in tags.Purpose if purpose == ANY else [tags.Purpose(purpose)]:
            use = Use(ProjectKey(collaboration, project), each)
            found = judge(held, use, frozenset() if who == ANY else self.line(fingerprint), self._unlisted)
            left = max((line.most - self._count(line) for line in found.lines), default=None)
            yield {
                "purpose": each.value,
                "allowed": found.is_allowed and left != 0,
                "left today": "" if left is None else max(0, left),
                "reason": found.reason,
                "would allow it": "" if found.is_allowed else granting(self._name(folder), fingerprint, use),
            }

    def _used(self, file: str, uses: Uses, who: str, most: int) -> int:
        from synergos.permission.counts import Line

        return self._count(Line(file, uses.pattern, who, most))

    def _count(self, line: Line) -> int:
        from synergos.permission.counts import COUNTS, Counts

        if self._trust is None:
            return 0
        return Counts(self._trust / COUNTS).of([line])[line]

    def _name(self, folder: Path) -> str:
        return folder.relative_to(self.files.root).as_posix()
