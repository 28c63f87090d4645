"""``synergos permission``: who may use which dataset folder of a worker for what; offline, on the worker's folders."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synergos.cli.output import Format, FormatOption, print_json, print_table, say
from synergos.cli.trust_folder import FOLDER, OutputsOption, of_worker
from synergos.errors import InvalidRequest
from synergos.extras import needing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from synergos.permission.counts import Line
    from synergos.permission.folders import Held, PermissionFiles
    from synergos.permission.use import Uses

app = typer.Typer(
    no_args_is_help=True,
    help="At a worker: which orchestrators may use which dataset folder, for which project and purpose, and how often a day. It is kept"
    " in `syft.pub.yaml` beside the folder's `metadata.json`; a worker that runs takes up what is changed within a second.",
)

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="The worker's --data. Default: what the worker at --outputs was started with last."),
]
FolderName = Annotated[str, typer.Argument(metavar="FOLDER", help="Below --data, as a tag has it: heart/train.")]
WHO = (
    "The fingerprint of an orchestrator, or of a director for all TTPs of its cluster; of one that the worker knows the first 20 digits"
    " or more. * for every orchestrator that the worker serves."
)
Who = Annotated[str, typer.Argument(metavar="FINGERPRINT", help=WHO)]
Collaboration = Annotated[str, typer.Option("--collaboration", "-c", help="Which one; any unless said.")]
Project = Annotated[str, typer.Option("--project", "-p", help="Which one; any unless said.")]
Purpose = Annotated[str, typer.Option("--purpose", help="train, evaluate or predict; any unless said.")]

_RULES = ("folder", "collaboration", "project", "purpose", "who", "most a day", "used today", "file")
_FOLDERS = ("folder", "file", "rules", "holds")
_VERDICTS = ("purpose", "allowed", "left today", "reason", "would allow it")
_METADATA = "metadata.json"


@app.command()
def show(
    folder: Annotated[str | None, typer.Argument(metavar="[FOLDER]", help="As a tag has it; all unless said.")] = None,
    who: Annotated[str | None, typer.Argument(metavar="[FINGERPRINT]", help=f"Whether that one may. {WHO}")] = None,
    collaboration: Collaboration = "*",
    project: Project = "*",
    purpose: Purpose = "*",
    data: DataOption = None,
    outputs: OutputsOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show what the owner allows of the folders; of one folder each rule, and why somebody may use it or may not.

    With a fingerprint, `--collaboration` and `--project`, each purpose is explained.
    """
    _needed()
    place = _Place(data, outputs)
    if folder is None:
        _print(f"permissions below {place.files.root}", _FOLDERS, place.overview(), output)
    elif who is None:
        _print(f"permissions of {folder}", _RULES, place.rules_of(folder), output)
    else:
        rows = place.verdicts(folder, who, collaboration, project, purpose)
        _print(f"{folder} for {collaboration}/{project}, asked by {who}", _VERDICTS, rows, output)


@app.command()
def grant(
    folder: FolderName,
    who: Who,
    collaboration: Collaboration = "*",
    project: Project = "*",
    purpose: Purpose = "*",
    per_day: Annotated[
        int | None,
        typer.Option(
            "--per-day", "--per_day", min=1, max=999_999, help="Sessions a day (UTC), at most; any number unless said."
        ),
    ] = None,
    data: DataOption = None,
    outputs: OutputsOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Let an orchestrator use a folder, for what is said; the folder's rules as they are then."""
    _needed()
    from synergos.permission import editing
    from synergos.permission.use import Reader, Uses

    place = _Place(data, outputs)
    reader = Reader(place.fingerprint(who), per_day)
    uses, inside = Uses.checked(collaboration, project, purpose), place.folder(folder)
    with place.noting("grant", inside, uses, reader.who, per_day):
        editing.grant(place.files, inside, uses, reader)
    _print(f"permissions of {folder}", _RULES, place.rules_of(folder), output)


@app.command()
def revoke(
    folder: FolderName,
    who: Who,
    collaboration: Collaboration = "*",
    project: Project = "*",
    purpose: Purpose = "*",
    data: DataOption = None,
    outputs: OutputsOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Let an orchestrator use a folder no more, nor any below: sessions that it has open for that end within a second.

    Files below that have allowed it are changed as well, and named.
    """
    _needed()
    from synergos.permission import editing
    from synergos.permission.use import Uses

    place = _Place(data, outputs)
    fingerprint = place.fingerprint(who)
    line, uses = place.line(fingerprint), Uses.checked(collaboration, project, purpose)
    listed = place.listed(folder, uses, line)
    with place.noting("revoke", listed, uses, fingerprint):
        changed = editing.revoke(place.files, listed, uses, line)
    for name in changed:
        typer.echo(f"revoked below as well: {name}", err=True)
    _print(f"permissions of {folder}", _RULES, place.rules_of(folder), output)


def _needed() -> None:
    with needing("worker"):
        import synergos.permission.rules  # noqa: F401


def _print(title: str, columns: tuple[str, ...], rows: Iterable[dict[str, object]], output: Format) -> None:
    rows = list(rows)
    if output is Format.JSON:
        print_json(rows)
    else:
        print_table(title, columns, rows)


class _Place:
    """A worker's folders."""

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
